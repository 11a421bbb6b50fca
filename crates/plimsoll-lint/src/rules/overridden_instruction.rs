//! `overridden-instruction`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "overridden-instruction",
    summary: "a later `CMD`, `ENTRYPOINT` or `HEALTHCHECK` of the stage takes the place of this one",
    severity: Severity::Warning,
    aliases: &[
        "MultipleInstructionsDisallowed",
        "DL4003",
        "DL4004",
        "DL3012",
        "DS-0016",
        "DS-0007",
        "DS-0023",
    ],
    enabled: true,
    explanation: r#"
Of several `CMD`, `ENTRYPOINT` or `HEALTHCHECK` instructions in one stage only the last counts. The ones before it do
nothing, and whoever reads them believes that they do.

```dockerfile
FROM node:22
CMD ["npm", "start"]
CMD ["node", "server.js"]
```

Write instead:

```dockerfile
FROM node:22
CMD ["node", "server.js"]
```
"#,
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for stage in document.wanted_stages() {
        for name in ["CMD", "ENTRYPOINT", "HEALTHCHECK"] {
            let all: Vec<_> =
                stage.steps.iter().filter(|step| step.instruction.kind.name() == name).collect();
            let (hadolint, trivy) = match name {
                "CMD" => ("DL4003", "DS-0016"),
                "ENTRYPOINT" => ("DL4004", "DS-0007"),
                _ => ("DL3012", "DS-0023"),
            };
            for pair in all.windows(2) {
                let (earlier, later) = (pair[0], pair[1]);
                found.push(
                    Finding::new(
                        &RULE,
                        format!("this `{name}` does nothing: the last one of a stage counts"),
                    )
                    .at(earlier.instruction.keyword.span, earlier.span())
                    .alias("MultipleInstructionsDisallowed")
                    .alias(hadolint)
                    .alias(trivy)
                    .concerning(later.span())
                    .also(later.instruction.keyword.span, "replaced here")
                    .hint("remove it"),
                );
            }
        }
    }
}
