//! `unpinned-yum-package`.

use super::packages::{YUM, always, report_unpinned, rpm_is_pinned, rpm_packages};
use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "unpinned-yum-package",
    summary: "`yum install` takes whatever version of a package there is",
    severity: Severity::Warning,
    aliases: &["DL3033"],
    enabled: true,
    explanation: r"
The same Dockerfile installs another version tomorrow. A version makes the step say what it means, and run again when
you change it.

```dockerfile
FROM centos:7
RUN yum install -y curl && yum clean all
```

Write instead:

```dockerfile
FROM centos:7
RUN yum install -y curl-7.29.0 && yum clean all
```
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    report_unpinned(
        document,
        &RULE,
        ("DL3033", always),
        packages,
        rpm_is_pinned,
        |name| format!("{name}-1.2.3"),
        found,
    );
}

fn packages<'s>(call: &Call<'s>) -> Vec<&'s Word> {
    rpm_packages(&YUM, call)
}
