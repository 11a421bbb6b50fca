//! `dnf-without-yes`.

use super::packages::{DNF, report_questions};
use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "dnf-without-yes",
    summary: "`dnf install` asks whether to go on",
    severity: Severity::Warning,
    aliases: &["DL3038"],
    enabled: true,
    explanation: r"
There is nobody to answer the question in a build: `dnf` gives up.

```dockerfile
FROM fedora:42
RUN dnf install curl && dnf clean all
```

Write instead:

```dockerfile
FROM fedora:42
RUN dnf install -y curl && dnf clean all
```
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    let answers = |call: &Call<'_>| call.has_flag(&["y", "assumeyes"]);
    let aliases = |call: &Call<'_>, verb: &str| {
        if verb == "reinstall" || call.name() == "dnf5" { &[][..] } else { &["DL3038"] }
    };
    report_questions(document, &RULE, &DNF, answers, "-y", aliases, found);
}
