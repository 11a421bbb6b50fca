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

const CACHES: [&str; 3] = ["/var/cache/dnf", "/var/cache/yum", "/var/cache/libdnf5"];

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for run in document.runs() {
        if CACHES.iter().any(|cache| run.mounts_over(document, cache)) {
            continue;
        }
        let removed = run.calls.iter().any(|call| removes(call, &CACHES));
        for (name, trivy) in [("dnf", "DS-0019"), ("dnf5", ""), ("microdnf", "DS-0027")] {
            let installs = |call: &Call<'_>| call.name() == name && DNF.verb(call).is_some();
            let cleans = |call: &Call<'_>| call.is(name, &["clean", "all"]);
            let all = cleaning(&run, installs, cleans);
            let Some(install) = all.install else { continue };
            let for_hadolint = all.clean.is_none() && !removed;
            let for_trivy = all.clean.is_none_or(|clean| clean < install);
            if !for_hadolint && (removed || !for_trivy) {
                continue;
            }
            found.push(
                run.finding(
                    &RULE,
                    format!("what {name} downloads stays in the layer"),
                    run.calls[install].span(),
                )
                .alias_if(for_hadolint, "DL3040")
                .alias_if(for_trivy && !trivy.is_empty(), trivy)
                .hint(format!("add `&& {name} clean all` behind the last installation of this step")),
            );
        }
    }
}
