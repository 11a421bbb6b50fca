//! `written-into-volume`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "written-into-volume",
    summary: "a `RUN` changes what is below a `VOLUME` that was declared before",
    severity: Severity::Warning,
    aliases: &[],
    enabled: true,
    explanation: r"
Builders do not agree on what a `RUN` writes into a volume behind its declaration: BuildKit and plimsoll keep it, the old
builder of Docker throws it away, and so does buildah.

```dockerfile
FROM debian:trixie
VOLUME /var/lib/app
RUN touch /var/lib/app/ready && chown -R 1000 /var/lib/app
```

Declare the volume behind the last change:

```dockerfile
FROM debian:trixie
RUN touch /var/lib/app/ready && chown -R 1000 /var/lib/app
VOLUME /var/lib/app
```
",
    check,
};

/// Programs that change each path they are given.
const CHANGE_ALL: [&str; 7] = ["chgrp", "chmod", "chown", "mkdir", "rm", "tee", "touch"];

/// Programs that write to the last path they are given.
const WRITE_LAST: [&str; 5] = ["cp", "install", "ln", "mv", "rsync"];

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for run in document.runs().filter(|run| !run.step.is_onbuild()) {
        let volumes = volumes_before(document, &run);
        if volumes.is_empty() {
            continue;
        }
        for call in &run.calls {
            let Some((word, (volume, declared, instruction))) = written(call).into_iter().find_map(|word| {
                let volume = volumes.iter().find(|(volume, ..)| is_below(&word.text, volume))?;
                Some((word, volume))
            }) else {
                continue;
            };
            found.push(
                run.finding(
                    &RULE,
                    format!("some builders lose what is written into the volume `{volume}` here"),
                    word.span,
                )
                .also(*declared, "declared here")
                .concerning(*instruction)
                .hint("move the `VOLUME` behind this step"),
            );
            break;
        }
    }
}

/// The volumes that are declared before a step, in its stage and those below it, with their places.
fn volumes_before(document: &Document<'_>, run: &RunView<'_, '_>) -> Vec<(String, Span, Span)> {
    let mut volumes = Vec::new();
    let mut stage = run.stage;
    let mut steps: Vec<&Step<'_>> =
        stage.steps.iter().take_while(|step| !std::ptr::eq(*step, run.step)).collect();
    loop {
        for step in steps {
            let InstructionKind::Volume(words) = &step.instruction.kind else { continue };
            for word in words {
                let path = document.expand(stage, step, &word.value).unwrap_or_default();
                let path = path.trim_end_matches('/');
                if path.starts_with('/') {
                    volumes.push((path.to_owned(), word.span, step.span()));
                }
            }
        }
        let Some(parent) = stage.parent else { return volumes };
        stage = &document.stages[parent];
        steps = stage.steps.iter().collect();
    }
}

/// The paths that a command surely writes to.
fn written<'s>(call: &Call<'s>) -> Vec<&'s Word> {
    let operands = call.operands_without(&["m", "mode", "o", "g", "owner", "group"]);
    let mut words = match call.name() {
        name if CHANGE_ALL.contains(&name) => operands,
        name if WRITE_LAST.contains(&name) => operands.last().copied().into_iter().collect(),
        _ => Vec::new(),
    };
    let redirects =
        call.simple.redirects.iter().filter(|redirect| matches!(redirect.operator, ">" | ">>" | ">|"));
    words.extend(redirects.map(|redirect| &redirect.target));
    words.retain(|word| !word.expands);
    words
}

fn is_below(path: &str, volume: &str) -> bool {
    path.strip_prefix(volume).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
