//! `relative-workdir`.

use super::platforms::root_image;
use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "relative-workdir",
    summary: "`WORKDIR` has a relative path",
    severity: Severity::Warning,
    aliases: &["WorkdirRelativePath", "DL3000", "DS-0009"],
    enabled: true,
    explanation: r"
A relative `WORKDIR` starts from the directory that was in force before. Where that is the base image's, another
version of the base moves your files to another place without a word.

```dockerfile
FROM node:22
WORKDIR app
```

Write instead:

```dockerfile
FROM node:22
WORKDIR /app
```

Docker's check is content with relative paths behind a first `WORKDIR` in the file; hadolint and Trivy are not.
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for stage in document.wanted_stages() {
        let mut was_set = parents_set_it(document, stage);
        for step in &stage.steps {
            let InstructionKind::Workdir(path) = &step.instruction.kind else { continue };
            let is_first = !std::mem::replace(&mut was_set, true);
            let value = document.expand(stage, step, &path.value);
            let expands_to_relative = value.is_some_and(|value| !value.starts_with('/'));
            let written = path.value.trim_matches(['"', '\'']);
            let is_written_relative = !written.starts_with(['/', '$']) && !has_drive(written);
            let is_windows = has_drive(written) && is_for_windows(document, stage);
            let for_docker = is_first && expands_to_relative && !is_windows;
            if !is_written_relative && !for_docker {
                continue;
            }
            found.push(
                Finding::new(&RULE, format!("the path `{}` of `WORKDIR` is relative", path.value))
                    .at(path.span, step.span())
                    .alias_if(for_docker, "WorkdirRelativePath")
                    .alias_if(is_written_relative, "DL3000")
                    .alias_if(is_written_relative && !written.contains('$'), "DS-0009")
                    .hint("write the whole path, from `/` on"),
            );
        }
    }
}

/// Whether a stage below this one has a `WORKDIR`.
pub(super) fn parents_set_it(document: &Document<'_>, stage: &Stage<'_>) -> bool {
    let mut parent = stage.parent;
    while let Some(index) = parent {
        let stage = &document.stages[index];
        if stage.steps.iter().any(|step| matches!(step.instruction.kind, InstructionKind::Workdir(_))) {
            return true;
        }
        parent = stage.parent;
    }
    false
}

/// Whether paths are those of Windows: by the name of the base image, or by the escape character that is usual there.
fn is_for_windows(document: &Document<'_>, stage: &Stage<'_>) -> bool {
    let names = ["windows", "nanoserver", "servercore"];
    document.dockerfile.escape == '`'
        || root_image(document, stage).is_some_and(|image| names.iter().any(|name| image.contains(name)))
}

/// `C:`, as on Windows.
fn has_drive(path: &str) -> bool {
    matches!(path.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic())
}
