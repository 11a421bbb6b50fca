//! `unpinned-apt-package`.

use super::packages::{APT_GET, always, report_unpinned};
use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "unpinned-apt-package",
    summary: "`apt-get install` takes whatever version of a package there is",
    severity: Severity::Warning,
    aliases: &["DL3008"],
    enabled: true,
    explanation: r"
The same Dockerfile installs another version tomorrow, and a build that worked fails, or an image behaves differently,
without any change of yours. A version makes the step say what it means, and run again when you change it.

```dockerfile
FROM debian:trixie
RUN apt-get update && apt-get install -y --no-install-recommends curl
```

Write instead:

```dockerfile
FROM debian:trixie
RUN apt-get update && apt-get install -y --no-install-recommends curl=8.14.*
```

A base that is pinned by digest together with a snapshot of the archive does the same for all packages at once.
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    report_unpinned(
        document,
        &RULE,
        ("DL3008", always),
        packages,
        is_pinned,
        |name| format!("{name}=1.2.3"),
        found,
    );
}

fn packages<'s>(call: &Call<'s>) -> Vec<&'s Word> {
    APT_GET.packages(call)
}

/// A version, a release (`name/trixie-backports`), a file.
fn is_pinned(package: &str) -> bool {
    package.contains(['=', '/']) || has_extension(package, "deb")
}
