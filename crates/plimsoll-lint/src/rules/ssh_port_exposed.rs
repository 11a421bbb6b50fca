//! `ssh-port-exposed`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "ssh-port-exposed",
    summary: "`EXPOSE` names the port of ssh",
    severity: Severity::Warning,
    aliases: &["DS-0004"],
    enabled: true,
    explanation: r"
A container is entered with `docker exec` or `kubectl exec`. A second way in needs keys, updates and watching.

```dockerfile
FROM debian:trixie
EXPOSE 22
```

Remove the ssh server from the image.
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for (step, word, port) in exposed(document) {
        if port == 22 {
            found.push(
                Finding::new(&RULE, "port 22 is that of ssh, which a container does not need")
                    .at(word.span, step.span())
                    .alias("DS-0004")
                    .hint("enter containers with `docker exec`, and leave the server out"),
            );
        }
    }
}
