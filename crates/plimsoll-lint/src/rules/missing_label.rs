//! `missing-label`.

use super::labels;
use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "missing-label",
    summary: "a label that images must have is missing",
    severity: Severity::Info,
    aliases: &["DL3049"],
    enabled: true,
    explanation: r#"
Labels say where an image comes from and who answers for it, and tools find images by them. Which ones there must be is
said with `--require-label KEY:TYPE`, or as `label-schema` in `.hadolint.yaml`; without that the rule is silent. Stages
that others are built on or copy from are no images of their own.

```dockerfile
# with --require-label org.opencontainers.image.source:url
FROM debian:trixie
LABEL team="web"
```

Write instead:

```dockerfile
FROM debian:trixie
LABEL org.opencontainers.image.source="https://example.org/web"
```
"#,
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for stage in document.wanted_stages() {
        let Some(base) = &stage.base else { continue };
        if document.is_used(stage) {
            continue;
        }
        for (name, kind) in &document.options.label_schema {
            if has_label(document, stage, name) {
                continue;
            }
            found.push(
                Finding::new(&RULE, format!("the label `{name}` is missing"))
                    .at(base.instruction.keyword.span, base.instruction.span)
                    .alias("DL3049")
                    .hint(format!("add `LABEL {name}=…`, with {}", kind.description())),
            );
        }
    }
}

/// Whether a stage, one below it or its base image has a label.
fn has_label(document: &Document<'_>, stage: &Stage<'_>, name: &str) -> bool {
    let is_known =
        |stage: &Stage<'_>| labels::of_stage(document, stage).iter().any(|label| label.name == name);
    let mut current = stage;
    loop {
        if is_known(current) {
            return true;
        }
        let Some(parent) = current.parent else { break };
        current = &document.stages[parent];
    }
    document.base_config(stage).is_some_and(|config| config.labels.contains_key(name))
}
