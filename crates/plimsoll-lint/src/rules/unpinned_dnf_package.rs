//! `unpinned-dnf-package`.

use super::packages::{DNF, report_unpinned, rpm_is_pinned, rpm_packages};
use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "unpinned-dnf-package",
    summary: "`dnf install` takes whatever version of a package there is",
    severity: Severity::Warning,
    aliases: &["DL3041"],
    enabled: true,
    explanation: r"
The same Dockerfile installs another version tomorrow. A version makes the step say what it means, and run again when
you change it.

```dockerfile
FROM fedora:42
RUN dnf install -y curl && dnf clean all
```

Write instead:

```dockerfile
FROM fedora:42
RUN dnf install -y curl-8.11.1 && dnf clean all
```
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    report_unpinned(
        document,
        &RULE,
        ("DL3041", is_dnf),
        packages,
        rpm_is_pinned,
        |name| format!("{name}-1.2.3"),
        found,
    );
}

fn packages<'s>(call: &Call<'s>) -> Vec<&'s Word> {
    rpm_packages(&DNF, call)
}

/// hadolint does not know `dnf5`.
fn is_dnf(call: &Call<'_>) -> bool {
    call.name() != "dnf5"
}
