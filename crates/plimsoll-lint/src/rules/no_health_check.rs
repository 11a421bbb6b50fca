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
    if document.options.enable.iter().any(|id| same_id("DL3057", id)) {
        check_stages(document, found);
    }
    let has_check = document
        .stages
        .iter()
        .flat_map(|stage| &stage.steps)
        .any(|step| matches!(step.kind(), InstructionKind::Healthcheck(_)));
    let Some(last) = document.stages.last().filter(|stage| stage.wanted && !has_check) else { return };
    let start =
        last.base.as_ref().map(|base| base.instruction).or(last.steps.first().map(|step| step.instruction));
    let Some(start) = start else { return };
    if document.base_config(last).is_some_and(|config| config.healthcheck.is_some()) {
        return;
    }
    found.push(
        Finding::new(&RULE, "nothing says how to tell whether the program works")
            .at(start.keyword.span, start.span)
            .alias("DS-0026")
            .hint("add `HEALTHCHECK CMD [\"…\"]`, or `HEALTHCHECK NONE` to say that there is none"),
    );
}

/// hadolint's way: every stage needs a check, its own, an inherited one or one in a stage that is built on it.
fn check_stages(document: &Document<'_>, found: &mut Vec<Finding>) {
    let has_own = |stage: &Stage<'_>| {
        stage.steps.iter().any(|step| matches!(step.instruction.kind, InstructionKind::Healthcheck(_)))
    };
    let mut is_covered: Vec<bool> = document.stages.iter().map(has_own).collect();
    for stage in &document.stages {
        is_covered[stage.index] |= stage.parent.is_some_and(|parent| is_covered[parent]);
    }
    for stage in document.stages.iter().rev() {
        if let Some(parent) = stage.parent {
            is_covered[parent] |= is_covered[stage.index];
        }
    }
    for stage in document.wanted_stages().filter(|stage| !is_covered[stage.index]) {
        let Some(base) = &stage.base else { continue };
        found.push(
            Finding::new(&RULE, format!("stage `{}` has no `HEALTHCHECK`", stage.title()))
                .at(base.instruction.keyword.span, base.instruction.span)
                .alias("DL3057")
                .hint("add `HEALTHCHECK CMD [\"…\"]`, or `HEALTHCHECK NONE` to say that there is none"),
        );
    }
}
