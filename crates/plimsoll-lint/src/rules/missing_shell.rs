//! `missing-shell`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "missing-shell",
    summary: "an instruction needs a shell in an image that has none",
    severity: Severity::Error,
    aliases: &[],
    enabled: true,
    explanation: r#"
Images from scratch and distroless ones have no shell; of an image that the store has, its files say so. The shell form of `CMD`, `ENTRYPOINT` and `HEALTHCHECK CMD` starts one,
and so the container does not start, or never becomes healthy; a `RUN` in shell form fails while building.

```dockerfile
FROM gcr.io/distroless/static-debian12
COPY server /
CMD /server --port 80
```

Write the program and its arguments:

```dockerfile
FROM gcr.io/distroless/static-debian12
COPY server /
CMD ["/server", "--port", "80"]
```
"#,
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for stage in document.wanted_stages() {
        let Some(kind) = shellless(document, stage) else { continue };
        // A shell may come with a COPY from anywhere; only what surely is none in front of it is reported.
        let mut brings_files = false;
        for step in &stage.steps {
            let (form, span) = match &step.instruction.kind {
                InstructionKind::Cmd(command) | InstructionKind::Entrypoint(command) => {
                    (&command.value, command.span)
                }
                InstructionKind::Run(run) => (&run.command.value, run.command.span),
                InstructionKind::Healthcheck(Healthcheck::Check(check)) => {
                    (&check.command.value, check.command.span)
                }
                kind => {
                    let from_elsewhere = kind.copies_from_elsewhere()
                        || stage.is_scratch()
                        || matches!(kind, InstructionKind::Add(_));
                    brings_files |=
                        kind.transfer().is_some_and(|transfer| may_bring_shell(from_elsewhere, transfer));
                    continue;
                }
            };
            let is_shell = matches!(form, CommandForm::Shell(text) if !text.trim().is_empty());
            if !is_shell || brings_files || step.shell.is_some() {
                continue;
            }
            let name = step.instruction.kind.name();
            found.push(
                Finding::new(&RULE, format!("`{name}` in shell form needs a shell, and {kind} has none"))
                    .at(span, step.span())
                    .hint("write a JSON array of the program and its arguments"),
            );
        }
    }
}

/// What a stage starts from, when that has no shell.
fn shellless(document: &Document<'_>, stage: &Stage<'_>) -> Option<String> {
    if let Some(parent) = stage.parent {
        // What the stage below copies may be a shell.
        let parent = &document.stages[parent];
        let copies = |step: &Step<'_>| step.instruction.kind.transfer().is_some();
        return if parent.steps.iter().any(copies) { None } else { shellless(document, parent) };
    }
    let image = &stage.base.as_ref()?.image.as_ref()?.text;
    if document.options.contexts.contains(image) {
        return None;
    }
    if image == "scratch" {
        return Some("`scratch`".to_owned());
    }
    if let Some(has_shell) = has_shell(document, stage) {
        return (!has_shell).then(|| format!("`{image}`"));
    }
    if let Some(query) = image.strip_prefix("debian://") {
        let brings_shell = ["bash", "busybox", "dash", "zsh"].iter().any(|name| query.contains(name));
        return (query.contains("variant=distroless") && !brings_shell).then(|| format!("`{image}`"));
    }
    let reference = image.parse::<Reference>().ok()?;
    let has_shell = reference.tag().is_some_and(|tag| tag.contains("debug"));
    (reference.registry() == "gcr.io" && reference.repository().starts_with("distroless/") && !has_shell)
        .then(|| format!("`{image}`"))
}

/// Whether the files of a stage's image have its shell: the one that it sets, else `/bin/sh`.
fn has_shell(document: &Document<'_>, stage: &Stage<'_>) -> Option<bool> {
    let own = document.base_config(stage)?.shell.as_ref().and_then(|shell| shell.first());
    let shell = own.map_or("/bin/sh", String::as_str);
    if shell.starts_with('/') { document.base_files(stage)?.has_file(shell) } else { None }
}

/// Whether a shell is copied, or a directory that there may be one in. What is copied to the root of `scratch` may be anything.
fn may_bring_shell(from_elsewhere: bool, transfer: &plimsoll_dockerfile::Transfer) -> bool {
    let destination = transfer.destination.value.trim_end_matches('/');
    let is_shell =
        |path: &str| ["sh", "bash", "busybox"].contains(&path.rsplit('/').next().unwrap_or_default());
    let mut sources = transfer.sources.iter().filter_map(|source| match source {
        Source::Path(path) => Some(path.value.as_str()),
        Source::Inline(_) => None,
    });
    let to_programs = ["", ".", "/bin", "/usr/bin", "/usr", "bin"].contains(&destination);
    is_shell(destination) || (from_elsewhere && to_programs) || sources.any(is_shell)
}
