//! `apt-get-without-yes`.

use super::packages::{APT_GET, report_questions};
use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "apt-get-without-yes",
    summary: "`apt-get install` asks whether to go on",
    severity: Severity::Warning,
    aliases: &["DL3014", "DS-0021"],
    enabled: true,
    explanation: r"
There is nobody to answer the question in a build: `apt-get` gives up.

```dockerfile
FROM debian:trixie
RUN apt-get update && apt-get install curl
```

Write instead:

```dockerfile
FROM debian:trixie
RUN apt-get update && apt-get install -y curl
```
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    let answers = |call: &Call<'_>| {
        call.has_flag(&["y", "yes", "assume-yes"])
            || call.count_flag("q") + call.count_flag("quiet") > 1
            || call.has_argument("-q=2")
            || call.has_argument("--quiet=2")
    };
    report_questions(document, &RULE, &APT_GET, answers, "-y", |_, _| &["DL3014", "DS-0021"], found);
}
