//! `undeclared-argument-in-from`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "undeclared-argument-in-from",
    summary: "`FROM` uses an argument that is not declared before the first `FROM`",
    severity: Severity::Warning,
    aliases: &["UndefinedArgInFrom"],
    enabled: true,
    explanation: r"
`FROM` sees only arguments that are declared before the first `FROM` of the file, and the predefined platform
arguments. Any other variable is empty there, and makes another image's name of the one that was meant.

```dockerfile
FROM debian:${RELEASE}
ARG RELEASE=trixie
```

Write instead:

```dockerfile
ARG RELEASE=trixie
FROM debian:${RELEASE}
```
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for base in document.stages.iter().filter_map(|stage| stage.base.as_ref()) {
        let image = base.image.as_ref().map(|word| (word, base.from.image.span));
        let platform = base
            .platform
            .as_ref()
            .zip(base.from.platform.as_ref())
            .map(|(word, written)| (word, written.span));
        for (word, span) in image.into_iter().chain(platform) {
            for name in &word.undeclared {
                let finding =
                    Finding::new(&RULE, format!("`FROM` uses the argument `{name}`, which is not declared"))
                        .at(span, base.instruction.span)
                        .alias("UndefinedArgInFrom");
                found.push(finding.hint(match did_you_mean(name, document.globals.names()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("declare it with `ARG {name}=…` before the first `FROM`"),
                }));
            }
        }
    }
}
