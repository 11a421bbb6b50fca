//! `whole-stage-copied`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "whole-stage-copied",
    summary: "the whole file system of a stage is copied",
    severity: Severity::Warning,
    aliases: &["DL3067"],
    enabled: true,
    explanation: r"
`COPY --from=stage / /` takes everything along, caches and tools included, as one layer that is shared with nothing. To
go on from a stage, start from it.

```dockerfile
FROM debian:trixie AS build
FROM scratch
COPY --from=build / /
```

Name what is needed, or write:

```dockerfile
FROM debian:trixie AS build
FROM build
```
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for stage in document.wanted_stages() {
        for step in stage.steps.iter().filter(|step| !step.is_onbuild()) {
            let InstructionKind::Copy(copy) = &step.instruction.kind else { continue };
            let is_root = |path: &str| path.trim_matches(['"', '\'']) == "/";
            let takes_all = copy
                .transfer
                .sources
                .iter()
                .any(|source| matches!(source, Source::Path(path) if is_root(&path.value)));
            if takes_all && copy.from.is_some() && is_root(&copy.transfer.destination.value) {
                found.push(
                    Finding::new(&RULE, "the whole file system of a stage or image is copied")
                        .at(step.instruction.keyword.span, step.span())
                        .alias("DL3067")
                        .hint("name what is needed, or start from the stage with `FROM`"),
                );
            }
        }
    }
}
