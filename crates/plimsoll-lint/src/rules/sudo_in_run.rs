//! `sudo-in-run`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "sudo-in-run",
    summary: "`sudo` is used in a build",
    severity: Severity::Error,
    aliases: &["DL3004", "DS-0010"],
    enabled: true,
    explanation: r"
Steps run as the user of the last `USER`, root at first: there is nothing to gain. `sudo` changes the environment and
what happens to signals, and its being in the image is a way to root.

```dockerfile
FROM debian:trixie
RUN sudo apt-get update
```

Write instead:

```dockerfile
FROM debian:trixie
USER root
RUN apt-get update
```
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for run in document.runs() {
        for call in run.calls.iter().filter(|call| call.name() == "sudo") {
            found.push(
                run.finding(&RULE, "`sudo` is used in a build", call.words[0].span)
                    .alias("DL3004")
                    .alias("DS-0010")
                    .hint("switch with `USER root` and back, or use `gosu` or `setpriv` in scripts"),
            );
        }
    }
}
