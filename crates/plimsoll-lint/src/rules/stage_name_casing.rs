//! `stage-name-casing`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "stage-name-casing",
    summary: "the name of a stage has upper-case letters",
    severity: Severity::Warning,
    aliases: &["StageNameCasing"],
    enabled: true,
    explanation: r"
Names of stages are compared without regard to case, so `AS Builder` and `--from=builder` mean one stage. Written in
lower case they look like the names of images and contexts, which stand in the same places, and cannot be misread.

```dockerfile
FROM golang:1.25 AS Builder
```

Write instead:

```dockerfile
FROM golang:1.25 AS builder
```
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for base in document.stages.iter().filter_map(|stage| stage.base.as_ref()) {
        let Some(name) = &base.from.name else { continue };
        let lower = name.value.to_lowercase();
        if name.value != lower {
            found.push(
                Finding::new(&RULE, format!("the name of stage `{name}` has upper-case letters"))
                    .at(name.span, base.instruction.span)
                    .alias("StageNameCasing")
                    .hint(format!("write `{lower}`"))
                    .safe_fix(format!("write `{lower}`"), vec![replace(name.span, lower)]),
            );
        }
    }
}
