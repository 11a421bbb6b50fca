//! `dnf-cache-left`.

use super::packages::{DNF, cleaning, removes};
use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "dnf-cache-left",
    summary: "the cache of dnf stays in the layer",
    severity: Severity::Warning,
    aliases: &["DL3040", "DS-0019", "DS-0027"],
    enabled: true,
    explanation: r"
dnf keeps what it downloads under `/var/cache`. It has to be removed in the step that filled it: a later `RUN` does not
make the layer below any smaller.

```dockerfile
FROM fedora:42
RUN dnf install -y curl
```

Write instead:

```dockerfile
FROM fedora:42
RUN dnf install -y curl && dnf clean all
```
",
    check,
};

/// What fills the cache, as hadolint sees it.
const FILLS: [&str; 5] = ["install", "in", "reinstall", "upgrade", "upgrade-minimal"];

const CACHES: [&str; 3] = ["/var/cache/dnf", "/var/cache/yum", "/var/cache/libdnf5"];

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for run in document.runs() {
        if CACHES.iter().any(|cache| run.mounts_over(document, cache)) {
            continue;
        }
        let removed = run.calls.iter().any(|call| removes(call, &CACHES));
        for (name, trivy) in [("dnf", "DS-0019"), ("dnf5", ""), ("microdnf", "DS-0027")] {
            let installs = |call: &Call<'_>| call.name() == name && DNF.verb(call).is_some();
            let fills = |call: &Call<'_>| {
                installs(call)
                    || (call.name() == name
                        && call.operands().iter().any(|word| FILLS.contains(&word.text.as_str())))
            };
            let cleans = |call: &Call<'_>| call.is(name, &["clean", "all"]);
            let all = cleaning(&run, fills, cleans);
            let Some(install) = all.install else { continue };
            let counts_for_hadolint = |call: &Call<'_>| {
                let words = call.operands();
                call.name() == name && words.iter().any(|word| FILLS.contains(&word.text.as_str()))
            };
            // hadolint takes any `rm -rf` and any `dnf clean` behind the first installation for the cleaning.
            let behind = run.calls.get(all.first.unwrap_or(install)..).unwrap_or_default();
            let cleans = |call: &Call<'_>| {
                (call.name() == name && (call.has_argument("clean") || call.has_argument("all")))
                    || (call.name() == "rm" && call.has_argument("-rf"))
            };
            let for_hadolint =
                name != "dnf5" && run.calls.iter().any(counts_for_hadolint) && !behind.iter().any(cleans);
            let for_trivy = !trivy.is_empty() && all.is_early() && run.calls.iter().any(installs);
            if removed || !(for_hadolint || all.is_early()) {
                continue;
            }
            found.push(
                run.finding(
                    &RULE,
                    format!("what {name} downloads stays in the layer"),
                    run.calls[install].span(),
                )
                .alias_if(for_hadolint, "DL3040")
                .alias_if(for_trivy, trivy)
                .hint(format!("add `&& {name} clean all` behind the last installation of this step")),
            );
        }
    }
}
