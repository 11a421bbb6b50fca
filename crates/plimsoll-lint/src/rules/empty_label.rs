//! `empty-label`.

use super::labels;
use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "empty-label",
    summary: "a label that images must have is empty",
    severity: Severity::Warning,
    aliases: &["DL3051"],
    enabled: true,
    explanation: r#"
A label of `--require-label` says nothing if it has no value.

```dockerfile
# with --require-label team:text
FROM debian:trixie
LABEL team=""
```

Write instead:

```dockerfile
FROM debian:trixie
LABEL team="web"
```
"#,
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for stage in document.wanted_stages() {
        for label in labels::of_stage(document, stage) {
            let is_required = document.options.label_schema.iter().any(|(name, _)| name == label.name);
            // What a variable gives is not known for sure.
            if is_required && label.text.is_empty() && !label.value.value.contains('$') {
                found.push(
                    Finding::new(&RULE, format!("the label `{}` is empty", label.name))
                        .at(label.key.span.to(label.value.span), label.step.span())
                        .alias("DL3051")
                        .hint("give it a value"),
                );
            }
        }
    }
}
