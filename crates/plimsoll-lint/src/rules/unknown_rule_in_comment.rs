//! `unknown-rule-in-comment`.

use super::prelude::*;
use crate::engine::{known_ids, rule_of};
use crate::rule::{Origin, origin};
use crate::suppression;

pub(super) static RULE: Rule = Rule {
    name: "unknown-rule-in-comment",
    summary: "a comment suppresses a rule that nobody knows",
    severity: Severity::Warning,
    aliases: &[],
    enabled: true,
    explanation: r"
A misspelt name in a comment hides nothing. hadolint drops the whole comment then, in silence; here the other names in
it count.

```dockerfile
FROM debian:trixie
# hadolint ignore=DL3OO8
RUN apt-get update && apt-get install -y curl
```

Write instead:

```dockerfile
FROM debian:trixie
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y curl
```
",
    check,
};

/// Ids that were withdrawn, or that are about the linter itself.
const OTHERS: [&str; 7] = ["DL1000", "DL1001", "DL3005", "DL3017", "DL3031", "DL3039", "DL3064"];

/// Ids of hadolint for things that are not looked at.
const NOT_HERE: [&str; 10] =
    ["DL3026", "DL3049", "DL3050", "DL3051", "DL3052", "DL3053", "DL3054", "DL3055", "DL3056", "DL3058"];

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for (comment, tool, id) in suppression::named(document) {
        let is_known = id == "*"
            || rule_of(&id).is_some()
            || origin(&id) == Origin::ShellCheck
            || OTHERS.iter().chain(&NOT_HERE).any(|other| other.eq_ignore_ascii_case(&id));
        // Trivy's comments may be about other files' checks.
        if is_known || tool == Origin::Trivy {
            continue;
        }
        let known = known_ids();
        let near = did_you_mean(&id, known.iter().map(String::as_str));
        let finding = Finding::new(&RULE, format!("no rule is named `{id}`")).at(comment, comment);
        found.push(match near {
            Some(near) => finding.hint(format!("did you mean `{near}`?")),
            None => finding.hint("`plimsoll check --list-rules` lists the rules"),
        });
    }
}
