//! `inline-suppression`.

use super::prelude::*;
use crate::suppression;

pub(super) static RULE: Rule = Rule {
    name: "inline-suppression",
    summary: "a comment hides findings",
    severity: Severity::Warning,
    aliases: &["DL1001"],
    enabled: false,
    explanation: r"
Where it is decided in one place which rules count, a comment that hides findings is to be seen. The rule is off unless
asked for; `--no-inline-ignores` makes such comments have no effect.

```dockerfile
# hadolint ignore=DL3006
FROM debian
```

Remove the comment and what it hides:

```dockerfile
FROM debian:trixie
```
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for (place, for_hadolint) in suppression::places(document) {
        found.push(
            Finding::new(&RULE, "this comment hides findings")
                .at(place, place)
                .alias_if(for_hadolint, "DL1001")
                .hint("remove it, with what it hides"),
        );
    }
}
