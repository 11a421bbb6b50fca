//! `malformed-label`.

use super::labels;
use super::prelude::*;
use crate::labels::LabelType;

pub(super) static RULE: Rule = Rule {
    name: "malformed-label",
    summary: "the value of a label is not what it has to be",
    severity: Severity::Warning,
    aliases: &["DL3052", "DL3053", "DL3054", "DL3055", "DL3056", "DL3058"],
    enabled: true,
    explanation: r#"
`--require-label KEY:TYPE` says what a label's value is: `text`, `rfc3339` (a time), `semver`, `url`, `hash` (of a
commit), `spdx` (a licence) or `email`. Programs that read the label can count on it then.

```dockerfile
# with --require-label version:semver
FROM debian:trixie
LABEL version="latest"
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
    for stage in document.wanted_stages() {
        for label in labels::of_stage(document, stage) {
            let kinds = document.options.label_schema.iter().filter(|(name, _)| name == label.name);
            for (_, kind) in kinds.filter(|(_, kind)| !kind.accepts(&label.text)) {
                found.push(
                    Finding::new(&RULE, format!("the label `{}` is `{}`", label.name, label.text))
                        .at(label.value.span, label.step.span())
                        .alias(alias(*kind))
                        .hint(format!("write {}", kind.description())),
                );
            }
        }
    }
}

fn alias(kind: LabelType) -> &'static str {
    match kind {
        LabelType::Url | LabelType::Text => "DL3052",
        LabelType::Time => "DL3053",
        LabelType::License => "DL3054",
        LabelType::Hash => "DL3055",
        LabelType::Version => "DL3056",
        LabelType::Email => "DL3058",
    }
}
