//! `copy-from-itself`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "copy-from-itself",
    summary: "a stage copies files from itself",
    severity: Severity::Error,
    aliases: &["DL3023", "DS-0006"],
    enabled: true,
    explanation: r"
A stage cannot take files from what it is about to become.

```dockerfile
FROM debian:trixie AS app
COPY --from=app /a /b
```

Use `RUN cp`, or a stage of its own for the files.
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for stage in document.wanted_stages() {
        let Some(written) = stage.base.as_ref().and_then(|base| base.from.name.as_ref()) else { continue };
        for step in stage.steps.iter().filter(|step| !step.is_onbuild()) {
            let InstructionKind::Copy(copy) = &step.instruction.kind else { continue };
            let Some(from) =
                copy.from.as_ref().filter(|from| from.value.eq_ignore_ascii_case(&written.value))
            else {
                continue;
            };
            // An earlier stage of the same name is meant, then.
            if document.stage_named(&from.value, stage.index).is_some() {
                continue;
            }
            found.push(
                Finding::new(&RULE, format!("stage `{written}` copies files from itself"))
                    .at(from.span, step.span())
                    .alias_if(from.value == written.value, "DL3023")
                    .alias("DS-0006")
                    .also(written.span, "the stage is named here")
                    .hint("use `RUN cp`, or a stage of its own for the files"),
            );
        }
    }
}
