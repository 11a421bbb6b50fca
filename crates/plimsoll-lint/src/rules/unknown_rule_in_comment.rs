//! `unknown-rule-in-comment`.

use super::prelude::*;
use crate::engine::{is_known_id, known_ids};
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

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for (comment, tool, id) in suppression::named(document) {
        // Trivy's comments may be about other files' checks.
        let is_others = tool == Origin::Trivy && origin(&id) != Origin::Trivy;
        if id == "*" || is_known_id(&id) || is_others {
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
