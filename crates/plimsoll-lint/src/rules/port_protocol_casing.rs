//! `port-protocol-casing`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "port-protocol-casing",
    summary: "the protocol of an `EXPOSE` is not in lower case",
    severity: Severity::Warning,
    aliases: &["ExposeProtoCasing"],
    enabled: true,
    explanation: r"
Protocols are kept in lower case in the image's config. Some builders take `TCP` over as it is written, and then tools
that look for `80/tcp` do not find it.

```dockerfile
FROM nginx:1.29
EXPOSE 80/TCP
```

Write instead:

```dockerfile
FROM nginx:1.29
EXPOSE 80/tcp
```
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for stage in document.wanted_stages() {
        for step in &stage.steps {
            let InstructionKind::Expose(words) = &step.instruction.kind else { continue };
            for word in words {
                for port in document.expand_words(stage, step, &word.value) {
                    let Some((_, protocol)) = port.rsplit_once('/') else { continue };
                    let lower = protocol.to_lowercase();
                    if protocol == lower {
                        continue;
                    }
                    let mut finding =
                        Finding::new(&RULE, format!("the protocol of `{port}` is not in lower case"))
                            .at(word.span, step.span())
                            .alias("ExposeProtoCasing")
                            .hint(format!("write `{lower}`"));
                    if word.value == port && document.file.slice(word.span) == port {
                        let start = word.span.end - protocol.len();
                        let edit = replace(Span::new(start, word.span.end), lower.clone());
                        finding = finding.safe_fix(format!("write `{lower}`"), vec![edit]);
                    }
                    found.push(finding);
                }
            }
        }
    }
}
