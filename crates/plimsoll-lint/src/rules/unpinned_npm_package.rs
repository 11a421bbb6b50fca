//! `unpinned-npm-package`.

use super::packages::report_unpinned;
use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "unpinned-npm-package",
    summary: "`npm install` takes whatever version of a package there is",
    severity: Severity::Warning,
    aliases: &["DL3016"],
    enabled: true,
    explanation: r"
Without a version npm installs the newest one of the day. Inside a project, `npm ci` installs what the lock file says.

```dockerfile
FROM node:22
RUN npm install -g pm2
```

Write instead:

```dockerfile
FROM node:22
RUN npm install -g pm2@6.0.8
```
",
    check,
};

const VALUED: [&str; 8] = ["registry", "loglevel", "prefix", "tag", "cache", "w", "workspace", "userconfig"];

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    report_unpinned(
        document,
        &RULE,
        ("DL3016", says_install),
        packages,
        is_pinned,
        |name| format!("{name}@1.2.3"),
        found,
    );
}

fn packages<'s>(call: &Call<'s>) -> Vec<&'s Word> {
    if call.name() != "npm" {
        return Vec::new();
    }
    let words = call.operands_without(&VALUED);
    match words.split_first() {
        Some((verb, rest)) if matches!(verb.text.as_str(), "install" | "i" | "add") => rest.to_vec(),
        _ => Vec::new(),
    }
}

/// hadolint does not know the short forms.
fn says_install(call: &Call<'_>) -> bool {
    call.has_argument("install")
}

/// A version or tag, a revision of a repository, a file or folder.
fn is_pinned(package: &str) -> bool {
    let is_archive = ["tar", "gz", "tgz"].iter().any(|kind| has_extension(package, kind));
    let is_folder = ["/", "./", "../", "~/", "."].iter().any(|start| package.starts_with(start));
    let is_repository = ["git://", "git+", "git@", "github:", "gitlab:", "bitbucket:", "http://", "https://"]
        .iter()
        .any(|start| package.starts_with(start));
    if is_repository {
        return package.contains('#') || is_archive;
    }
    let name = package.strip_prefix('@').unwrap_or(package);
    is_archive || is_folder || name.contains('@')
}
