//! `unused-suppression`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "unused-suppression",
    summary: "a comment hides nothing",
    severity: Severity::Info,
    aliases: &[],
    enabled: true,
    explanation: r"
A comment that hides findings stays when what it hid is gone, and one day hides something else. Comments with a date
(`until=2027-01-31`) are reported when it is over: then the finding is back, too.

```dockerfile
# hadolint ignore=DL3006
FROM debian:trixie
```

Remove the comment. Ids that no rule has are reported by `unknown-rule-in-comment`, and those of ShellCheck are left to
it.
",
    check,
};

/// The engine reports it, when all findings are known.
fn check(_: &Document<'_>, _: &mut Vec<Finding>) {}

/// A comment that hides nothing under an id.
pub(crate) fn unused(place: Span, id: &str) -> Finding {
    let message = if id == "*" {
        "this comment hides nothing".to_owned()
    } else {
        format!("there is no `{id}` to hide here")
    };
    Finding::new(&RULE, message).at(place, place).hint("remove it")
}

/// A comment whose date is over.
pub(crate) fn ended(place: Span, date: &str) -> Finding {
    Finding::new(&RULE, format!("this comment hides nothing since {date}"))
        .at(place, place)
        .hint("solve what it hid, or set another date")
}

/// Whether a finding is one of these.
pub(crate) fn is_one(finding: &Finding) -> bool {
    finding.rule.name == RULE.name
}
