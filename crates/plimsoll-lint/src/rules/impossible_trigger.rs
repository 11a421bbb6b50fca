//! `impossible-trigger`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "impossible-trigger",
    summary: "`ONBUILD` has a trigger that cannot be one",
    severity: Severity::Error,
    aliases: &["DL3043"],
    enabled: true,
    explanation: r"
`FROM` and `MAINTAINER` belong to a file, not to an image, and a trigger sets no triggers.

```dockerfile
FROM debian:trixie
ONBUILD ONBUILD RUN true
```

Write instead:

```dockerfile
FROM debian:trixie
ONBUILD RUN true
```
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for instruction in document.instructions() {
        let mut words = instruction.original.split_whitespace();
        let is_onbuild = words.next().is_some_and(|word| word.eq_ignore_ascii_case("ONBUILD"));
        let trigger = words.next().unwrap_or_default().to_uppercase();
        if is_onbuild && ["ONBUILD", "FROM", "MAINTAINER"].contains(&trigger.as_str()) {
            found.push(
                Finding::new(&RULE, format!("`{trigger}` cannot be the trigger of `ONBUILD`"))
                    .at(instruction.keyword.span, instruction.span)
                    .alias("DL3043")
                    .hint("remove it"),
            );
        }
    }
}
