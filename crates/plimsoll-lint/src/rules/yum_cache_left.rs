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
        let for_hadolint = all.clean.is_none() && !removed;
        let for_trivy = all.clean.is_none_or(|clean| clean < install);
        // Removing the directory does the same; only the order of `clean all` can still be wrong.
        if !for_hadolint && (removed || !for_trivy) {
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
