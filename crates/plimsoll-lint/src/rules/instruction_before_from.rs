//! `instruction-before-from`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "instruction-before-from",
    summary: "an instruction stands before the first `FROM`",
    severity: Severity::Error,
    aliases: &["DL3061"],
    enabled: true,
    explanation: r"
Only `ARG` may stand there: anything else has no image to belong to.

```dockerfile
LABEL team=web
FROM debian:trixie
```

Write instead:

```dockerfile
FROM debian:trixie
LABEL team=web
```
",
    check,
};

/// What an instruction with an error may still be told by.
const KEYWORDS: [&str; 16] = [
    "ADD",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    let head = document.instructions().take_while(|one| !matches!(one.kind, InstructionKind::From(_)));
    let is_known = |one: &&Instruction| {
        let keyword = one.keyword.value.to_uppercase();
        KEYWORDS.contains(&keyword.as_str())
    };
    for instruction in head.filter(is_known) {
        found.push(
            Finding::new(&RULE, format!("`{}` stands before the first `FROM`", instruction.keyword))
                .at(instruction.keyword.span, instruction.span)
                .alias("DL3061")
                .hint("start with the image to build on; only `ARG` may stand before it"),
        );
    }
}
