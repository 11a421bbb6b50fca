//! `deleted-in-later-layer`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "deleted-in-later-layer",
    summary: "a `RUN` removes a file that an earlier layer keeps",
    severity: Severity::Warning,
    aliases: &[],
    enabled: true,
    explanation: r"
Each instruction makes a layer, and a layer can hide what is in those below, but take nothing out of them. What was copied
and then removed is pulled by everybody who pulls the image — and can be read, if it was a secret.

```dockerfile
FROM debian:trixie
COPY packages.tar.gz /tmp/
RUN tar -xzf /tmp/packages.tar.gz -C /opt && rm /tmp/packages.tar.gz
```

Mount what only one step needs:

```dockerfile
FROM debian:trixie
RUN --mount=type=bind,source=packages.tar.gz,target=/tmp/packages.tar.gz tar -xzf /tmp/packages.tar.gz -C /opt
```
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for run in document.runs() {
        if !document.is_in_image(run.stage) {
            continue;
        }
        let before = run.stage.steps.iter().take_while(|step| !std::ptr::eq(*step, run.step));
        let copied: Vec<(&Step<'_>, Span, String)> =
            before.flat_map(|step| copies(document, run.stage, step)).collect();
        for call in run.calls.iter().filter(|call| call.name() == "rm") {
            for word in call.operands() {
                let path = word.text.trim_end_matches('/');
                // Only whole paths: what a pattern or variable stands for is not known.
                if word.expands || !path.starts_with('/') || path.contains(['*', '?', '[']) {
                    continue;
                }
                let Some((step, place, _)) = copied.iter().find(|(.., target)| target == path) else {
                    continue;
                };
                found.push(
                    run.finding(&RULE, format!("`{path}` stays in an earlier layer"), word.span)
                        .also(*place, "it is copied here")
                        .concerning(step.span())
                        .hint("use `RUN --mount=type=bind`, or copy it in a stage that is not in the image"),
                );
            }
        }
    }
}

/// The paths that a step copies files to.
fn copies<'s>(
    document: &Document<'_>,
    stage: &Stage<'_>,
    step: &'s Step<'s>,
) -> Vec<(&'s Step<'s>, Span, String)> {
    let Some(transfer) = step.instruction.kind.transfer() else { return Vec::new() };
    let is_added = matches!(step.instruction.kind, InstructionKind::Add(_));
    let Some(destination) = document.expand(stage, step, &transfer.destination.value) else {
        return Vec::new();
    };
    if !destination.starts_with('/') {
        return Vec::new();
    }
    let mut targets = Vec::new();
    for source in &transfer.sources {
        let Source::Path(path) = source else { continue };
        let Some(value) = document.expand(stage, step, &path.value) else { continue };
        let name = value.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        // Of a local archive only what is in it arrives.
        if name.contains(['*', '?', '[']) || (is_added && !value.contains("://") && is_unpacked(name)) {
            continue;
        }
        let into = destination.trim_end_matches('/');
        targets.push((step, path.span, into.to_owned()));
        if destination.ends_with('/') && !name.is_empty() && name != "." {
            targets.push((step, path.span, format!("{into}/{name}")));
        }
    }
    targets
}
