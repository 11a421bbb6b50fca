//! `no-health-check`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "no-health-check",
    summary: "the image says not how to tell whether it works",
    severity: Severity::Info,
    aliases: &["DS-0026", "DL3057"],
    enabled: true,
    explanation: r#"
Without `HEALTHCHECK` an engine only knows whether the program runs, not whether it answers. Kubernetes has probes of its
own and ignores it.

```dockerfile
FROM node:22
CMD ["node", "server.js"]
```

Write instead:

```dockerfile
FROM node:22
HEALTHCHECK CMD ["node", "health.js"]
CMD ["node", "server.js"]
```
"#,
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    let has_check = document
        .stages
        .iter()
        .flat_map(|stage| &stage.steps)
        .any(|step| matches!(step.kind(), InstructionKind::Healthcheck(_)));
    let Some(last) = document.stages.last().filter(|stage| stage.wanted && !has_check) else { return };
    let Some(base) = &last.base else { return };
    if document.base_config(last).is_some_and(|config| config.healthcheck.is_some()) {
        return;
    }
    let is_asked = document.options.enable.iter().any(|id| id.eq_ignore_ascii_case("DL3057"));
    found.push(
        Finding::new(&RULE, "nothing says how to tell whether the program works")
            .at(base.instruction.keyword.span, base.instruction.span)
            .alias("DS-0026")
            .alias_if(is_asked, "DL3057")
            .hint("add `HEALTHCHECK CMD [\"…\"]`, or `HEALTHCHECK NONE` to say that there is none"),
    );
}
