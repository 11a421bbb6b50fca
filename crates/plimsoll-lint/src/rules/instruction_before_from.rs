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

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    let first = document
        .instructions()
        .take_while(|instruction| !matches!(instruction.kind, InstructionKind::From(_)))
        .find(|instruction| !matches!(instruction.kind, InstructionKind::Arg(_) | InstructionKind::Invalid));
    let Some(instruction) = first else { return };
    found.push(
        Finding::new(&RULE, format!("`{}` stands before the first `FROM`", instruction.keyword))
            .at(instruction.keyword.span, instruction.span)
            .alias("DL3061")
            .hint("start with the image to build on; only `ARG` may stand before it"),
    );
}
