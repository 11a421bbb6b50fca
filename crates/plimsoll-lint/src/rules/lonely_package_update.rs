//! `lonely-package-update`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "lonely-package-update",
    summary: "a `RUN` updates the package index and installs nothing",
    severity: Severity::Warning,
    aliases: &["DS-0017"],
    enabled: true,
    explanation: r"
The index stays in the cache of the build while the archive goes on. A later step that installs from it asks for
versions that are gone, and the newest security fixes are not seen.

```dockerfile
FROM debian:trixie
RUN apt-get update
RUN apt-get install -y curl
```

Write instead:

```dockerfile
FROM debian:trixie
RUN apt-get update && apt-get install -y curl
```
",
    check,
};

/// Programs that share an index, with their words for updating it and for using it.
const MANAGERS: [(&[&str], &[&str]); 5] = [
    (&["apt-get", "apt", "aptitude"], &["update"]),
    (&["apk"], &["update"]),
    (&["yum"], &["update", "check-update", "makecache"]),
    (&["dnf", "microdnf"], &["update", "check-update", "makecache"]),
    (&["zypper"], &["refresh", "ref", "update", "up"]),
];

const USES: [&str; 12] = [
    "install",
    "add",
    "upgrade",
    "dist-upgrade",
    "full-upgrade",
    "source-install",
    "reinstall",
    "groupinstall",
    "localinstall",
    "build-dep",
    "in",
    "patch",
];

/// Updates that upgrade packages, and not only the index.
const UPGRADES: [&str; 5] = ["yum update", "dnf update", "microdnf update", "zypper update", "zypper up"];

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for run in document.runs() {
        for (names, updates) in &MANAGERS {
            let verb =
                |call: &Call<'_>| call.operands().first().map_or("", |word| word.text.as_str()).to_owned();
            let is_own = |call: &&Call<'_>| names.contains(&call.name());
            let calls: Vec<_> = run.calls.iter().filter(is_own).collect();
            // `yum update curl` upgrades what it names.
            let is_update =
                |call: &&&Call<'_>| updates.contains(&verb(call).as_str()) && call.operands().len() == 1;
            let Some(at) = calls.iter().rposition(|call| is_update(&call)) else { continue };
            let is_used = calls[at + 1..].iter().any(|call| USES.contains(&verb(call).as_str()));
            if is_used {
                continue;
            }
            let command = format!("{} {}", calls[at].name(), verb(calls[at]));
            let is_upgrade = UPGRADES.contains(&command.as_str());
            let (text, note, hint) = if is_upgrade {
                (
                    format!("`{command}` upgrades packages in a `RUN` without an installation"),
                    "the step is cached: later builds do not upgrade again",
                    "use a newer base image, or upgrade in the `RUN` that installs",
                )
            } else {
                (
                    format!("`{command}` is not followed by an installation in its `RUN`"),
                    "the index is cached, and old by the time a later step uses it",
                    "put the update and the installation into one `RUN`",
                )
            };
            let finding = run.finding(&RULE, text, calls[at].span());
            found.push(finding.alias("DS-0017").note(note).hint(hint));
        }
    }
}
