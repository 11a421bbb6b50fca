//! `unpinned-apk-package`.

use super::packages::{APK, always, report_unpinned};
use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "unpinned-apk-package",
    summary: "`apk add` takes whatever version of a package there is",
    severity: Severity::Warning,
    aliases: &["DL3018"],
    enabled: true,
    explanation: r"
The same Dockerfile installs another version tomorrow. A version, or a range with `~`, makes the step say what it means.
Alpine keeps only the newest version of a package in a release: name the part of it that may not change.

```dockerfile
FROM alpine:3.22
RUN apk add --no-cache curl
```

Write instead:

```dockerfile
FROM alpine:3.22
RUN apk add --no-cache curl~8.14
```
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    report_unpinned(
        document,
        &RULE,
        ("DL3018", always),
        packages,
        is_pinned,
        |name| format!("{name}~1.2"),
        found,
    );
}

fn packages<'s>(call: &Call<'s>) -> Vec<&'s Word> {
    APK.packages(call)
}

/// A version or a range, a file.
fn is_pinned(package: &str) -> bool {
    package.contains(['=', '~', '<', '>']) || has_extension(package, "apk")
}
