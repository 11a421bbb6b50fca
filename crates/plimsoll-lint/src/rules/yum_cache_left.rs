//! `yum-cache-left`.

use super::packages::{YUM, cleaning, removes};
use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "yum-cache-left",
    summary: "the cache of yum stays in the layer",
    severity: Severity::Warning,
    aliases: &["DL3032", "DS-0015"],
    enabled: true,
    explanation: r"
yum keeps what it downloads under `/var/cache/yum`. It has to be removed in the step that filled it: a later `RUN` does
not make the layer below any smaller.

```dockerfile
FROM centos:7
RUN yum install -y curl
```

Write instead:

```dockerfile
FROM centos:7
RUN yum install -y curl && yum clean all
```
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for run in document.runs() {
        let installs = |call: &Call<'_>| YUM.verb(call).is_some();
        let clean_all = |call: &Call<'_>| call.is("yum", &["clean", "all"]);
        let all = cleaning(&run, installs, clean_all);
        let Some(install) = all.install else { continue };
        let removed = run.calls.iter().any(|call| removes(call, &["/var/cache/yum"]));
        if run.mounts_over(document, "/var/cache/yum") {
            continue;
        }
        let installs_plainly = run.calls.iter().any(|call| call.is("yum", &["install"]));
        // hadolint takes any `rm -rf` and any `yum clean` behind the first installation for the cleaning.
        let behind = run.calls.get(all.first.unwrap_or(install)..).unwrap_or_default();
        let cleans = |call: &Call<'_>| {
            (call.name() == "yum" && (call.has_argument("clean") || call.has_argument("all")))
                || (call.name() == "rm" && call.has_argument("-rf"))
        };
        let for_hadolint = installs_plainly && !behind.iter().any(cleans);
        let for_trivy = all.is_early();
        if removed || !for_trivy {
            continue;
        }
        found.push(
            run.finding(&RULE, "what yum downloads stays in the layer", run.calls[install].span())
                .alias_if(for_hadolint, "DL3032")
                .alias_if(for_trivy, "DS-0015")
                .hint("add `&& yum clean all` behind the last installation of this step"),
        );
    }
}
