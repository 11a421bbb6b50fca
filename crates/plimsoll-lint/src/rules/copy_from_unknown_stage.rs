//! `copy-from-unknown-stage`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "copy-from-unknown-stage",
    summary: "`COPY --from` names no stage before it",
    severity: Severity::Warning,
    aliases: &["DL3022"],
    enabled: true,
    explanation: r"
A misspelt stage is taken for an image, and asked for in a registry. An image is easier to tell from a stage if it has a
tag, or a stage of its own.

```dockerfile
FROM golang:1.25 AS build
FROM scratch
COPY --from=biuld /app /app
```

Write instead:

```dockerfile
FROM golang:1.25 AS build
FROM scratch
COPY --from=build /app /app
```
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for stage in document.wanted_stages() {
        for step in stage.steps.iter().filter(|step| !step.is_onbuild()) {
            let InstructionKind::Copy(copy) = &step.instruction.kind else { continue };
            let Some(from) = &copy.from else { continue };
            let name = from.value.as_str();
            // That a stage copies from itself is another rule's finding.
            let end = stage.index + usize::from(stage.base.is_some());
            let is_number = name.parse::<usize>().is_ok_and(|number| number < end);
            let is_stage = document.stage_named(name, end).is_some();
            let is_context = document.options.contexts.iter().any(|context| context == name);
            if is_number || is_stage || is_context || name.contains(':') {
                continue;
            }
            let names = document.stages[..stage.index].iter().filter_map(|stage| stage.name.as_deref());
            let finding = Finding::new(&RULE, format!("no stage before this one is named `{name}`"))
                .at(from.span, step.span())
                .alias("DL3022");
            found.push(finding.hint(match did_you_mean(name, names) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "if it is an image, give it a tag".to_owned(),
            }));
        }
    }
}
