//! `relinked-shell`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "relinked-shell",
    summary: "`/bin/sh` is replaced by a link",
    severity: Severity::Warning,
    aliases: &["DL4005"],
    enabled: true,
    explanation: r#"
Other programs of the image rely on `/bin/sh` being what the distribution made it. Which shell runs the commands of this
file is said with `SHELL`.

```dockerfile
FROM debian:trixie
RUN ln -sf /bin/bash /bin/sh
```

Write instead:

```dockerfile
FROM debian:trixie
SHELL ["/bin/bash", "-c"]
```
"#,
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for run in document.runs() {
        for call in run.calls.iter().filter(|call| call.name() == "ln" && call.has_argument("/bin/sh")) {
            found.push(
                run.finding(&RULE, "`/bin/sh` is replaced, on which other programs rely", call.span())
                    .alias("DL4005")
                    .hint("choose the shell of this file with `SHELL [\"/bin/bash\", \"-c\"]`"),
            );
        }
    }
}
