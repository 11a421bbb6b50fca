//! `ignore-pattern-only-at-top`.

use super::context::{clutter, enumerate, ignore_line, ignore_text, listing, taken};
use super::prelude::*;
use plimsoll_dockerfile::glob::{Glob, has_wildcards};

pub(super) static RULE: Rule = Rule {
    name: "ignore-pattern-only-at-top",
    summary: "a pattern of `.dockerignore` matches at the top, and the same name lies deeper",
    severity: Severity::Info,
    aliases: &[],
    enabled: true,
    explanation: r"
A pattern of `.dockerignore` counts from the root of the context, other than one of `.gitignore`: `node_modules` leaves out
the folder at the top, and none below `packages/`; `*.log` no log in a folder.

```dockerfile
# with the line `node_modules` in .dockerignore, and packages/web/node_modules
FROM node:22
COPY . /app
```

Write `**/node_modules`. Reported are wildcards for file types, and folders that tools make, where a `COPY` takes what lies
deeper.
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    let sources = taken(document);
    let Some(ignore) = document.options.ignore_file.filter(|file| !file.is_empty()) else { return };
    let Some(listing) = listing(document, &sources) else { return };
    for pattern in ignore.patterns().filter(|pattern| !pattern.is_exception()) {
        let Some(text) = ignore_text(document, pattern.line()) else { continue };
        let name = text.trim_end_matches('/');
        // `/name` says that the top is meant.
        if name.contains('/') || name.starts_with('*') && !name.starts_with("*.") || name.contains("**") {
            continue;
        }
        let Ok(glob) = Glob::new(name) else { continue };
        let is_file_type = name.starts_with("*.") && !has_wildcards(&name[2..]);
        let deeper: Vec<&str> = listing
            .kept()
            .map(|entry| entry.path.as_str())
            .filter(|path| path.contains('/') && glob.matches(base_name(path).as_bytes()))
            .filter(|path| {
                is_file_type || clutter(listing, path).is_some_and(|(directory, _)| directory == *path)
            })
            .collect();
        let source = sources
            .iter()
            .filter(|source| !source.has_excludes)
            .find(|source| deeper.iter().any(|path| source.takes(path) && !source.names(path)));
        let Some(source) = source else { continue };
        let taken: Vec<String> =
            deeper.iter().filter(|path| source.takes(path)).map(|path| format!("`{path}`")).collect();
        let place = ignore_line(document, pattern.line());
        let message =
            format!("`{text}` matches at the top only ({place}): this copies {}", enumerate(&taken, 2));
        found.push(
            Finding::new(&RULE, message)
                .at(source.place, source.step.span())
                .hint(format!("write `**/{name}`, or `/{name}` if the top alone is meant")),
        );
    }
}
