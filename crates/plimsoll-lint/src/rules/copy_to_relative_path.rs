//! `copy-to-relative-path`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "copy-to-relative-path",
    summary: "`COPY` to a relative path with no `WORKDIR` before it",
    severity: Severity::Warning,
    aliases: &["DL3045"],
    enabled: true,
    explanation: r"
A relative destination starts from the working directory of the base image. Another version of the base may move the
files without a word.

```dockerfile
FROM node:22
COPY server.js app/
```

Write instead:

```dockerfile
FROM node:22
WORKDIR /app
COPY server.js ./
```
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for stage in document.wanted_stages() {
        let mut is_set = super::relative_workdir::parents_set_it(document, stage);
        for step in &stage.steps {
            if matches!(step.instruction.kind, InstructionKind::Workdir(_)) {
                is_set = true;
            }
            let InstructionKind::Copy(copy) = &step.instruction.kind else { continue };
            let destination = &copy.transfer.destination;
            let path = destination.value.trim_matches(['"', '\'']);
            let has_drive = matches!(path.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic());
            let is_whole = path.starts_with(['/', '$']) || has_drive;
            if is_set || is_whole {
                continue;
            }
            found.push(
                Finding::new(&RULE, format!("`{path}` is relative, and no `WORKDIR` says to what"))
                    .at(destination.span, step.span())
                    .alias("DL3045")
                    .hint("write the whole path, or set `WORKDIR` before"),
            );
        }
    }
}
