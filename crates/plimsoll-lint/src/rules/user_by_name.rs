//! `user-by-name`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "user-by-name",
    summary: "`USER` is a name",
    severity: Severity::Info,
    aliases: &["DL3066"],
    enabled: true,
    explanation: r"
Kubernetes can tell that a container does not run as root only if the user is a number. A name also needs an entry in
the image's `/etc/passwd`.

```dockerfile
FROM node:22
USER node
```

Write instead:

```dockerfile
FROM node:22
USER 1000
```
",
    check,
};

/// Whether an `ARG` before a step declares a name.
fn is_argument(document: &Document<'_>, step: &Step<'_>, name: &str) -> bool {
    let end = step.span().start;
    let mut arguments = document.instructions().take_while(|one| one.span.start < end);
    let declares = |one: &Instruction| match &one.kind {
        InstructionKind::Arg(definitions) => definitions.iter().any(|argument| argument.name.value == name),
        _ => false,
    };
    arguments.any(declares)
}

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for stage in document.wanted_stages() {
        for step in &stage.steps {
            let InstructionKind::User(user) = &step.instruction.kind else { continue };
            let name = user.value.trim_matches(['"', '\'']).split(':').next().unwrap_or_default();
            // An argument may be meant to be given as a number; what nothing declares is nothing that is known.
            let used = variables_in(&user.value, document.dockerfile.escape);
            if used.iter().any(|variable| is_argument(document, step, variable))
                || name.bytes().all(|byte| byte.is_ascii_digit())
            {
                continue;
            }
            found.push(
                Finding::new(
                    &RULE,
                    format!("the user `{name}` {} a name", if used.is_empty() { "is" } else { "may be" }),
                )
                .at(user.span, step.span())
                .alias("DL3066")
                .hint("use its number: then the image says by itself that it does not run as root"),
            );
        }
    }
}
