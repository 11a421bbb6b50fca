//! `unpinned-pip-package`.

use super::packages::{always, report_unpinned};
use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "unpinned-pip-package",
    summary: "`pip install` takes whatever version of a package there is",
    severity: Severity::Warning,
    aliases: &["DL3013"],
    enabled: true,
    explanation: r"
The same Dockerfile installs another version tomorrow. Name versions, or install from a file that does: a requirements
file with hashes, a lock file.

```dockerfile
FROM python:3.13
RUN pip install --no-cache-dir flask
```

Write instead:

```dockerfile
FROM python:3.13
RUN pip install --no-cache-dir flask==3.1.0
```
",
    check,
};

/// Flags of `pip install` that take the next word.
const VALUED: [&str; 32] = [
    "abi",
    "b",
    "build",
    "C",
    "config-settings",
    "cache-dir",
    "cert",
    "client-cert",
    "default-timeout",
    "e",
    "editable",
    "exists-action",
    "extra-index-url",
    "f",
    "find-links",
    "global-option",
    "i",
    "implementation",
    "index-url",
    "log",
    "no-binary",
    "only-binary",
    "platform",
    "prefix",
    "progress-bar",
    "proxy",
    "python-version",
    "root",
    "t",
    "target",
    "trusted-host",
    "timeout",
];

/// More of them.
const VALUED_TOO: [&str; 6] = ["src", "upgrade-strategy", "retries", "report", "root-user-action", "python"];

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    report_unpinned(
        document,
        &RULE,
        ("DL3013", always),
        packages,
        is_pinned,
        |name| format!("{name}==1.2.3"),
        found,
    );
}

fn packages<'s>(call: &Call<'s>) -> Vec<&'s Word> {
    let is_pip = super::pip_cache_left::is_pip(call) || call.name() == "pipx";
    let comes_from_file = call.has_flag(&["r", "requirement", "c", "constraint"]);
    if !is_pip || comes_from_file {
        return Vec::new();
    }
    let valued: Vec<&str> = VALUED.iter().chain(&VALUED_TOO).copied().collect();
    let words = call.operands_without(&valued);
    let Some(verb) = words.iter().position(|word| word.text == "install") else { return Vec::new() };
    // The project itself is what it is.
    if call.has_argument(".") { Vec::new() } else { words[verb + 1..].to_vec() }
}

/// A version or a range, a revision of a repository, a local file or folder.
fn is_pinned(package: &str) -> bool {
    let has_version =
        ["==", ">=", "<=", ">", "<", "!=", "~=", "==="].iter().any(|sign| package.contains(sign));
    let is_repository = ["git+", "hg+", "svn+", "bzr+", "git:"].iter().any(|kind| package.starts_with(kind));
    let is_revision = is_repository && package.contains('@');
    let is_local = package.starts_with('.')
        || (package.contains('/') && !is_repository)
        || ["whl", "zip", "gz", "bz2", "xz", "Z", "tar"].iter().any(|kind| has_extension(package, kind));
    has_version || is_revision || is_local
}
