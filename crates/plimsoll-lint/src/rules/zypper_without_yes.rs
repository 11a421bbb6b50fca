//! `zypper-without-yes`.

use super::packages::{ZYPPER_CHANGES, report_questions};
use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "zypper-without-yes",
    summary: "`zypper install` asks whether to go on",
    severity: Severity::Warning,
    aliases: &["DL3034"],
    enabled: true,
    explanation: r"
There is nobody to answer the question in a build: `zypper` gives up.

```dockerfile
FROM opensuse/leap:15.6
RUN zypper install curl && zypper clean
```

Write instead:

```dockerfile
FROM opensuse/leap:15.6
RUN zypper install -y curl && zypper clean
```
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    let answers = |call: &Call<'_>| call.has_flag(&["n", "non-interactive", "y", "no-confirm"]);
    report_questions(document, &RULE, &ZYPPER_CHANGES, answers, "-y", |_, _| &["DL3034"], found);
}
