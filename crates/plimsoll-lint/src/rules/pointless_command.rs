//! `pointless-command`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "pointless-command",
    summary: "a command makes no sense in a build",
    severity: Severity::Info,
    aliases: &["DL3001"],
    enabled: true,
    explanation: r"
Services that a step starts end with the step, other processes are not visible, and there is no terminal.

```dockerfile
FROM debian:trixie
RUN service nginx start
```

Start programs with `CMD` or `ENTRYPOINT`.
",
    check,
};

const POINTLESS: [&str; 9] = ["free", "kill", "mount", "ps", "service", "shutdown", "ssh", "top", "vim"];

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for run in document.runs() {
        for call in run.calls.iter().filter(|call| POINTLESS.contains(&call.name())) {
            found.push(
                run.finding(
                    &RULE,
                    format!("`{}` makes no sense in a build", call.name()),
                    call.words[0].span,
                )
                .alias("DL3001")
                .hint("what a step starts or mounts ends with the step; remove the command"),
            );
        }
    }
}
