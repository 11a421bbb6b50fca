//! `invalid-default-base`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "invalid-default-base",
    summary: "with the defaults of its arguments, `FROM` names no image",
    severity: Severity::Warning,
    aliases: &["InvalidDefaultArgInFrom"],
    enabled: true,
    explanation: r"
A file should build without any build argument. An `ARG` without a default leaves `FROM debian:$RELEASE` with the name
`debian:`, which is none.

```dockerfile
ARG RELEASE
FROM debian:${RELEASE}
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
    let defaults = document.default_globals();
    for base in document.stages.iter().filter_map(|stage| stage.base.as_ref()) {
        let Some(word) = defaults.word(&base.from.image.value) else { continue };
        if word.text.parse::<Reference>().is_ok() {
            continue;
        }
        let message = if word.text.is_empty() {
            format!("with the defaults of its arguments, `{}` is empty", base.from.image)
        } else {
            format!(
                "with the defaults of its arguments, `{}` is `{}`, which names no image",
                base.from.image, word.text
            )
        };
        found.push(
            Finding::new(&RULE, message)
                .at(base.from.image.span, base.instruction.span)
                .alias("InvalidDefaultArgInFrom")
                .hint("give the argument a default, or write `${NAME:-default}`"),
        );
    }
}
