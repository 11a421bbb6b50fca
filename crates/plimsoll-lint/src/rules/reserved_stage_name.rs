//! `reserved-stage-name`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "reserved-stage-name",
    summary: "a stage has a name that means something else",
    severity: Severity::Warning,
    aliases: &["ReservedStageName", "DL3063"],
    enabled: true,
    explanation: r"
`scratch` is the empty image and `context` the build context. A stage of such a name can hardly be used, and readers
take it for what it is not.

```dockerfile
FROM debian:trixie AS scratch
```

Write instead:

```dockerfile
FROM debian:trixie AS base
```
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for stage in &document.stages {
        let Some(base) = &stage.base else { continue };
        let Some(name) = &base.from.name else { continue };
        let meaning = match name.value.to_lowercase().as_str() {
            "scratch" => "the empty image",
            "context" => "the build context",
            _ => continue,
        };
        found.push(
            Finding::new(&RULE, format!("a stage is named `{name}`, which means {meaning}"))
                .at(name.span, base.instruction.span)
                .alias("ReservedStageName")
                .alias_if(matches!(name.as_str(), "scratch" | "context"), "DL3063")
                .hint("give the stage another name"),
        );
    }
}
