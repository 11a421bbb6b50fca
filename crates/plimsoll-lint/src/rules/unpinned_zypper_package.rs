//! `unpinned-zypper-package`.

use super::packages::{ZYPPER, always, report_unpinned};
use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "unpinned-zypper-package",
    summary: "`zypper install` takes whatever version of a package there is",
    severity: Severity::Warning,
    aliases: &["DL3037"],
    enabled: true,
    explanation: r"
The same Dockerfile installs another version tomorrow. A version makes the step say what it means.

```dockerfile
FROM opensuse/leap:15.6
RUN zypper install -y curl && zypper clean
```

Write instead:

```dockerfile
FROM opensuse/leap:15.6
RUN zypper install -y curl=8.6.0 && zypper clean
```
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    report_unpinned(
        document,
        &RULE,
        ("DL3037", always),
        packages,
        is_pinned,
        |name| format!("{name}=1.2.3"),
        found,
    );
}

fn packages<'s>(call: &Call<'s>) -> Vec<&'s Word> {
    ZYPPER.packages(call)
}

/// A version or a range, a file.
fn is_pinned(package: &str) -> bool {
    package.contains(['=', '<', '>']) || has_extension(package, "rpm")
}
