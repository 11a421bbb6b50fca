//! `host-in-exposed-port`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "host-in-exposed-port",
    summary: "`EXPOSE` names an address or port of the host",
    severity: Severity::Warning,
    aliases: &["ExposeInvalidFormat"],
    enabled: true,
    explanation: r"
`EXPOSE` says which ports the program in the image listens on. Where they appear on a host is decided when a container
is started (`--publish`); an address or a second port in `EXPOSE` has no effect.

```dockerfile
FROM nginx:1.29
EXPOSE 8080:80
```

Write instead:

```dockerfile
FROM nginx:1.29
EXPOSE 80
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
                    let parts =
                        port.rsplit_once(':').filter(|(host, port)| !host.is_empty() && !port.is_empty());
                    let Some((_, container)) = parts else {
                        continue;
                    };
                    let mut finding =
                        Finding::new(&RULE, format!("`{port}` names an address or port of the host"))
                            .at(word.span, step.span())
                            .alias("ExposeInvalidFormat")
                            .note("it has no effect: ports are published when a container is started")
                            .hint(format!("write `{container}`"));
                    if word.value == port && document.file.slice(word.span) == port {
                        let edit = replace(word.span, container.to_owned());
                        finding = finding.safe_fix(format!("write `{container}`"), vec![edit]);
                    }
                    found.push(finding);
                }
            }
        }
    }
}
