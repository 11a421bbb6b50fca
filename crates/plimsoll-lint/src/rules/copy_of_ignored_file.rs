//! `copy-of-ignored-file`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "copy-of-ignored-file",
    summary: "`COPY` or `ADD` takes a file that `.dockerignore` leaves out",
    severity: Severity::Warning,
    aliases: &["CopyIgnoredFile"],
    enabled: true,
    explanation: r"
What `.dockerignore` leaves out does not reach the build: a `COPY` of it fails, or copies nothing. Either the file is
needed and the pattern too wide, or the instruction is a leftover.

```dockerfile
# with the line `dist` in .dockerignore
FROM nginx:1.29
COPY dist /usr/share/nginx/html
```

Remove the pattern, or make an exception with `!dist`.
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    let Some(ignore) = document.options.ignore_file else { return };
    // Whether an exception brings something back below cannot be told without the files.
    if ignore.is_empty() || ignore.has_exceptions() {
        return;
    }
    for stage in document.wanted_stages() {
        for step in &stage.steps {
            let kind = &step.instruction.kind;
            let Some(transfer) = kind.transfer().filter(|_| !kind.copies_from_elsewhere()) else { continue };
            for source in &transfer.sources {
                let Source::Path(path) = source else { continue };
                let Some(value) = document.expand(stage, step, &path.value) else { continue };
                if is_address(&value) {
                    continue;
                }
                let clean = clean(&value);
                let relative = clean.trim_start_matches('/');
                let decision = ignore.matches(relative.as_bytes());
                if relative.is_empty() || relative == "." || !decision.ignored {
                    continue;
                }
                let line = decision.line.map_or_else(String::new, |line| format!(" (line {line})"));
                found.push(
                    Finding::new(
                        &RULE,
                        format!("`{value}` is left out of the context by the ignore file{line}"),
                    )
                    .at(path.span, step.span())
                    .alias("CopyIgnoredFile")
                    .hint("change the pattern, or remove the source"),
                );
            }
        }
    }
}

fn is_address(source: &str) -> bool {
    source.contains("://") || source.starts_with("git@")
}
