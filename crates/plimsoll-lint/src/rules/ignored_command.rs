//! `ignored-command`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "ignored-command",
    summary: "an `ENTRYPOINT` in shell form ignores `CMD`",
    severity: Severity::Warning,
    aliases: &[],
    enabled: true,
    explanation: r#"
An `ENTRYPOINT` in shell form becomes the arguments of a shell, and what `CMD` holds is put behind them, where the shell
takes it for positional parameters that nobody reads. The same happens to arguments of `docker run`.

```dockerfile
FROM debian:trixie
ENTRYPOINT server --port 80
CMD --verbose
```

Write the entrypoint in exec form:

```dockerfile
FROM debian:trixie
ENTRYPOINT ["server", "--port", "80"]
CMD ["--verbose"]
```
"#,
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for stage in document.wanted_stages() {
        let entrypoint = stage.steps.iter().rev().find_map(|step| match &step.instruction.kind {
            InstructionKind::Entrypoint(command) => Some((step, command)),
            _ => None,
        });
        let Some((entrypoint, form)) = entrypoint else { continue };
        if !matches!(&form.value, CommandForm::Shell(text) if !text.trim().is_empty()) {
            continue;
        }
        for step in &stage.steps {
            let InstructionKind::Cmd(command) = &step.instruction.kind else { continue };
            let is_empty = match &command.value {
                CommandForm::Shell(text) => text.trim().is_empty(),
                CommandForm::Exec(words) => words.is_empty(),
            };
            if !is_empty {
                found.push(
                    Finding::new(&RULE, "the `ENTRYPOINT` in shell form does not look at this `CMD`")
                        .at(command.span, step.span())
                        .also(form.span, "a shell gets this as its script")
                        .concerning(entrypoint.span())
                        .hint("write the `ENTRYPOINT` in exec form"),
                );
            }
        }
    }
}
