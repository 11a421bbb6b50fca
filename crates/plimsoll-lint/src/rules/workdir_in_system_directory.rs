//! `workdir-in-system-directory`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "workdir-in-system-directory",
    summary: "`WORKDIR` lies in a directory of the system",
    severity: Severity::Warning,
    aliases: &["DS-0030"],
    enabled: true,
    explanation: r"
What is written under `/proc` or `/dev` while an image is built is gone when it runs, and `/boot` and its like have a
meaning of their own.

```dockerfile
FROM debian:trixie
WORKDIR /proc/app
```

Write instead:

```dockerfile
FROM debian:trixie
WORKDIR /app
```
",
    check,
};

const SYSTEM: [&str; 5] = ["/proc", "/dev", "/boot", "/initrd", "/lost+found"];

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for stage in document.wanted_stages() {
        for step in &stage.steps {
            let InstructionKind::Workdir(path) = &step.instruction.kind else { continue };
            let value = clean(&document.expand(stage, step, &path.value).unwrap_or_default());
            let inside = |directory: &&&str| {
                value.strip_prefix(**directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            let Some(directory) = SYSTEM.iter().find(inside) else { continue };
            found.push(
                Finding::new(&RULE, format!("`WORKDIR` lies in `{directory}`, which belongs to the system"))
                    .at(path.span, step.span())
                    .alias("DS-0030")
                    .hint("use a directory of your own, such as `/app`"),
            );
        }
    }
}
