//! `port-out-of-range`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "port-out-of-range",
    summary: "`EXPOSE` names a port above 65535",
    severity: Severity::Error,
    aliases: &["DL3011", "DS-0008"],
    enabled: true,
    explanation: r"
Ports are numbers of 16 bits. A larger one is refused by builders, at the latest when the image is built.

```dockerfile
FROM nginx:1.29
EXPOSE 80000
```

Write instead:

```dockerfile
FROM nginx:1.29
EXPOSE 8000
```
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for (step, word, port) in exposed(document) {
        if port > u64::from(u16::MAX) {
            // Other linters do not look into variables.
            let is_written = !word.value.contains('$');
            let shown = if port == u64::MAX { word.to_string() } else { port.to_string() };
            found.push(
                Finding::new(&RULE, format!("there is no port {shown}"))
                    .at(word.span, step.span())
                    .alias_if(is_written, "DL3011")
                    .alias_if(is_written, "DS-0008")
                    .hint("ports go up to 65535"),
            );
        }
    }
}
