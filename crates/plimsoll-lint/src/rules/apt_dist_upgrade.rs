//! `apt-dist-upgrade`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "apt-dist-upgrade",
    summary: "`apt-get dist-upgrade` may remove packages",
    severity: Severity::Warning,
    aliases: &["DS-0024"],
    enabled: true,
    explanation: r"
A `dist-upgrade` solves conflicts by removing packages, and what it does depends on the day. A newer base image gives
the same fixes in layers that are shared.

```dockerfile
FROM debian:trixie
RUN apt-get update && apt-get dist-upgrade -y
```

Use a newer base, or upgrade the packages that matter.
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for run in document.runs() {
        for call in &run.calls {
            let verb = call
                .operands()
                .into_iter()
                .find(|word| matches!(word.text.as_str(), "dist-upgrade" | "full-upgrade"));
            let (true, Some(verb)) = (call.name() == "apt-get", verb) else { continue };
            found.push(
                run.finding(&RULE, format!("`apt-get {}` may remove packages", verb.text), verb.span)
                    .alias_if(verb.text == "dist-upgrade", "DS-0024")
                    .hint("use a newer base image, or upgrade the packages that matter"),
            );
        }
    }
}
