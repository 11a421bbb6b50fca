//! `zypper-dist-upgrade`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "zypper-dist-upgrade",
    summary: "`zypper dist-upgrade` changes the whole distribution",
    severity: Severity::Warning,
    aliases: &["DL3035"],
    enabled: true,
    explanation: r"
A `dist-upgrade` takes the image to another state of the distribution than its base has, and what it does depends on
the day.

```dockerfile
FROM opensuse/leap:15.6
RUN zypper -n dist-upgrade
```

Use a newer base, or update the packages that matter.
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for run in document.runs() {
        for call in run.calls.iter().filter(|call| call.name() == "zypper") {
            let verb =
                call.operands().into_iter().find(|word| matches!(word.text.as_str(), "dist-upgrade" | "dup"));
            let Some(verb) = verb else { continue };
            found.push(
                run.finding(
                    &RULE,
                    format!("`zypper {}` changes the whole distribution", verb.text),
                    verb.span,
                )
                .alias("DL3035")
                .hint("use a newer base image, or update the packages that matter"),
            );
        }
    }
}
