//! `apk-index-left`.

use super::packages::APK;
use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "apk-index-left",
    summary: "the package index of apk stays in the layer",
    severity: Severity::Info,
    aliases: &["DL3019", "DS-0025"],
    enabled: true,
    explanation: r"
Without `--no-cache` the index is kept under `/var/cache/apk`, where nothing needs it.

```dockerfile
FROM alpine:3.22
RUN apk add curl
```

Write instead, or mount a cache on `/var/cache/apk`:

```dockerfile
FROM alpine:3.22
RUN apk add --no-cache curl
```
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for run in document.runs() {
        for call in &run.calls {
            let Some(verb) = APK.verb(call) else { continue };
            if call.has_flag(&["no-cache"]) || run.mounts_over(document, "/var/cache/apk") {
                continue;
            }
            let mut finding = run
                .finding(&RULE, "`apk add` keeps the package index in the layer", verb.span)
                .alias("DL3019")
                .alias("DS-0025")
                .hint("add `--no-cache`");
            if run.is_editable(document, verb) {
                finding = finding.safe_fix("add `--no-cache`", run.insert_behind(verb, " --no-cache"));
            }
            found.push(finding);
        }
    }
}
