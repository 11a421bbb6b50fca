//! `apt-recommends`.

use super::packages::APT_GET;
use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "apt-recommends",
    summary: "`apt-get install` takes recommended packages along",
    severity: Severity::Info,
    aliases: &["DL3015", "DS-0029"],
    enabled: true,
    explanation: r"
Packages recommend others that are nice to have on a desktop. In an image they are dead weight, and one more thing to
patch.

```dockerfile
FROM debian:trixie
RUN apt-get update && apt-get install -y curl
```

Write instead, and name what turns out to be missing:

```dockerfile
FROM debian:trixie
RUN apt-get update && apt-get install -y --no-install-recommends curl
```
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for run in document.runs() {
        for call in &run.calls {
            let Some(verb) = APT_GET.verb(call) else { continue };
            let is_configured = call.arguments().iter().any(|word| {
                let text = word.text.to_lowercase();
                text.contains("apt::install-recommends=")
                    && ["false", "0", "no"].iter().any(|no| text.ends_with(no))
            });
            if call.has_flag(&["no-install-recommends"]) || is_configured {
                continue;
            }
            let mut finding = run
                .finding(&RULE, "`apt-get install` takes recommended packages along", verb.span)
                .alias("DL3015")
                .alias("DS-0029")
                .hint("add `--no-install-recommends`");
            if run.is_editable(document, verb) {
                let edits = run.insert_behind(verb, " --no-install-recommends");
                finding = finding.safe_fix("add `--no-install-recommends`", edits);
            }
            found.push(finding);
        }
    }
}
