//! `yum-without-yes`.

use super::packages::{YUM, report_questions};
use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "yum-without-yes",
    summary: "`yum install` asks whether to go on",
    severity: Severity::Warning,
    aliases: &["DL3030"],
    enabled: true,
    explanation: r"
There is nobody to answer the question in a build: `yum` gives up.

```dockerfile
FROM centos:7
RUN yum install curl && yum clean all
```

Write instead:

```dockerfile
FROM centos:7
RUN yum install -y curl && yum clean all
```
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    let answers = |call: &Call<'_>| call.has_flag(&["y", "assumeyes"]);
    let aliases = |_: &Call<'_>, verb: &str| if verb == "reinstall" { &[][..] } else { &["DL3030"] };
    report_questions(document, &RULE, &YUM, answers, "-y", aliases, found);
}
