//! `add-instead-of-copy`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "add-instead-of-copy",
    summary: "`ADD` is used where `COPY` would do",
    severity: Severity::Warning,
    aliases: &["DL3020", "DS-0005"],
    enabled: true,
    explanation: r"
`ADD` unpacks archives and fetches addresses. Where it does neither, `COPY` says what happens, and a file that turns
into an archive one day is still copied.

```dockerfile
FROM debian:trixie
ADD app.conf /etc/
```

Write instead:

```dockerfile
FROM debian:trixie
COPY app.conf /etc/
```
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for stage in document.wanted_stages() {
        for step in stage.steps.iter().filter(|step| !step.is_onbuild()) {
            let InstructionKind::Add(add) = &step.instruction.kind else { continue };
            let paths: Vec<&str> = add
                .transfer
                .sources
                .iter()
                .filter_map(|source| match source {
                    Source::Path(path) => Some(path.value.trim_matches(['"', '\''])),
                    Source::Inline(_) => None,
                })
                .collect();
            let is_fetched = |path: &&&str| path.contains("://") || path.starts_with("git@");
            let local: Vec<&str> = paths.iter().filter(|path| !is_fetched(path)).copied().collect();
            let for_hadolint = local.iter().any(|path| !is_archive(path) || has_extension(path, "zip"));
            let for_trivy = !local.is_empty()
                && local.len() == paths.len()
                && !local.iter().any(|path| path.contains(".tar"))
                && !add.transfer.destination.value.contains(".tar")
                && !is_of_history(&add.transfer);
            // A short suffix such as `.tgz` says that it is unpacked; a compressed file that is no archive is not.
            let is_tar = |path: &&str| {
                ["tgz", "tbz", "tbz2", "tb2", "tlz", "tpz", "txz", "tzst", "tZ"]
                    .iter()
                    .any(|kind| has_extension(path, kind))
            };
            let for_trivy = for_trivy && !local.iter().all(is_tar);
            if !for_hadolint && !for_trivy {
                continue;
            }
            found.push(
                Finding::new(&RULE, "`ADD` neither unpacks nor fetches anything here")
                    .at(step.instruction.keyword.span, step.span())
                    .alias_if(for_hadolint, "DL3020")
                    .alias_if(for_trivy, "DS-0005")
                    .hint("use `COPY`"),
            );
        }
    }
}
