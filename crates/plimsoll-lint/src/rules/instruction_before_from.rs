//! `instruction-before-from`.

use plimsoll_dockerfile::KEYWORDS;

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
    let head = document.instructions().take_while(|one| !matches!(one.kind, InstructionKind::From(_)));
    // An instruction with an error may still be told by its keyword.
    let is_known = |one: &&Instruction| {
        let keyword = one.keyword.value.to_uppercase();
        KEYWORDS.contains(&keyword.as_str()) && !matches!(keyword.as_str(), "ARG" | "FROM")
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
