//! `unexpected-label`.

use super::labels;
use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "unexpected-label",
    summary: "a label is none of those that images may have",
    severity: Severity::Info,
    aliases: &["DL3050"],
    enabled: true,
    explanation: r#"
With `--strict-labels` images may have no labels but those of `--require-label`, so that a misspelt key is seen.

```dockerfile
# with --strict-labels --require-label version:semver
FROM debian:trixie
LABEL versoin="1.2.3"
```

Write instead:

```dockerfile
FROM debian:trixie
LABEL version="1.2.3"
```
"#,
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    if !document.options.strict_labels {
        return;
    }
    let known: Vec<&str> = document.options.label_schema.iter().map(|(name, _)| name.as_str()).collect();
    for stage in document.wanted_stages() {
        for label in labels::of_stage(document, stage).iter().filter(|label| !known.contains(&label.name)) {
            let finding =
                Finding::new(&RULE, format!("the label `{}` is not among those allowed", label.name))
                    .at(label.key.span, label.step.span())
                    .alias("DL3050");
            found.push(finding.hint(match did_you_mean(label.name, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "remove it, or allow it with `--require-label`".to_owned(),
            }));
        }
    }
}
