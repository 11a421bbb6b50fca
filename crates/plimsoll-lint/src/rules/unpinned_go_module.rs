//! `unpinned-go-module`.

use super::packages::{always, report_unpinned};
use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "unpinned-go-module",
    summary: "`go install` takes whatever version of a module there is",
    severity: Severity::Warning,
    aliases: &["DL3062"],
    enabled: true,
    explanation: r"
`@latest` and a missing version mean the newest one of the day.

```dockerfile
FROM golang:1.25
RUN go install golang.org/x/tools/cmd/stringer@latest
```

Write instead:

```dockerfile
FROM golang:1.25
RUN go install golang.org/x/tools/cmd/stringer@v0.36.0
```
",
    check,
};

const VALUED: [&str; 18] = [
    "C",
    "p",
    "asmflags",
    "buildmode",
    "buildvcs",
    "compiler",
    "gccgoflags",
    "gcflags",
    "installsuffix",
    "ldflags",
    "mod",
    "modfile",
    "overlay",
    "pgo",
    "pkgdir",
    "tags",
    "toolexec",
    "o",
];

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    report_unpinned(document, &RULE, ("DL3062", always), packages, is_pinned, example, found);
}

fn example(name: &str) -> String {
    format!("{}@v1.2.3", name.split('@').next().unwrap_or(name))
}

fn packages<'s>(call: &Call<'s>) -> Vec<&'s Word> {
    if call.name() != "go" {
        return Vec::new();
    }
    let words = call.operands_without(&VALUED);
    match words.split_first() {
        Some((verb, rest)) if matches!(verb.text.as_str(), "install" | "get") => rest.to_vec(),
        // What follows the package are the program's own arguments.
        Some((verb, rest)) if verb.text == "run" => rest.iter().take(1).copied().collect(),
        _ => Vec::new(),
    }
}

/// A version, or something of the module that is built.
fn is_pinned(package: &str) -> bool {
    let is_own = package.starts_with(['.', '/']) || has_extension(package, "go");
    is_own || package.split_once('@').is_some_and(|(_, version)| version != "latest")
}
