//! `zypper-cache-left`.

use super::packages::{ZYPPER, cleaning, removes};
use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "zypper-cache-left",
    summary: "the cache of zypper stays in the layer",
    severity: Severity::Warning,
    aliases: &["DL3036", "DS-0020"],
    enabled: true,
    explanation: r"
zypper keeps what it downloads under `/var/cache/zypp`. It has to be removed in the step that filled it.

```dockerfile
FROM opensuse/leap:15.6
RUN zypper install -y curl
```

Write instead:

```dockerfile
FROM opensuse/leap:15.6
RUN zypper install -y curl && zypper clean
```
",
    check,
};

/// What fills the cache besides installing, as Trivy sees it.
const FILLS: [&str; 9] =
    ["install", "in", "remove", "rm", "source-install", "si", "patch", "patch-check", "pchk"];

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for run in document.runs() {
        let fills = |call: &Call<'_>| {
            call.name() == "zypper"
                && call.operands().first().is_some_and(|word| FILLS.contains(&word.text.as_str()))
        };
        let cleans = |call: &Call<'_>| {
            call.name() == "zypper"
                && call.operands().first().is_some_and(|word| matches!(word.text.as_str(), "clean" | "cc"))
        };
        let filled = cleaning(&run, fills, cleans);
        let Some(last) = filled.install else { continue };
        let installs = run.calls.iter().any(|call| ZYPPER.verb(call).is_some());
        let removed = run.calls.iter().any(|call| removes(call, &["/var/cache/zypp"]));
        if run.mounts_over(document, "/var/cache/zypp") {
            continue;
        }
        let for_hadolint = installs && filled.is_missing();
        let for_trivy = filled.is_early();
        if removed || !(for_hadolint || for_trivy) {
            continue;
        }
        found.push(
            run.finding(&RULE, "what zypper downloads stays in the layer", run.calls[last].span())
                .alias_if(for_hadolint, "DL3036")
                .alias_if(for_trivy, "DS-0020")
                .hint("add `&& zypper clean` behind the last installation of this step"),
        );
    }
}
