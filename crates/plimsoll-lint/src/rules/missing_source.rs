//! `missing-source`.

use super::context::{Taken, exists, ignore_line, ignore_text, listing, taken};
use super::prelude::*;
use crate::context::Listing;
use plimsoll_dockerfile::ignore::IgnoreFile;

pub(super) static RULE: Rule = Rule {
    name: "missing-source",
    summary: "the build context has no such file",
    severity: Severity::Warning,
    aliases: &[],
    enabled: true,
    explanation: r"
A source that is not in the build context fails the build, and a pattern that matches nothing any more copies nothing,
without a word.

```dockerfile
# with requirements.txt in the context
FROM python:3.13
COPY requirement.txt /app/
```

Correct the name, or the pattern of `.dockerignore` that leaves the file out. What another program makes before the build
(`dist/`, `target/`) may be missing when the check runs: it is an info. A Dockerfile whose folder is probably not its
context is passed over; say the context with `plimsoll check --file FILE CONTEXT`.
",
    check,
};

/// Folders that builds outside of containers fill.
const MADE_OUTSIDE: [&str; 12] = [
    "target",
    "dist",
    "build",
    "out",
    "bin",
    "public",
    "release",
    "artifacts",
    "publish",
    "node_modules",
    "vendor",
    "generated",
];

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    let sources = taken(document);
    let Some(listing) = listing(document, &sources).filter(|listing| listing.is_complete()) else { return };
    for source in &sources {
        let finding = if source.is_literal() {
            missing(document, listing, source)
        } else {
            hidden(document, listing, source)
        };
        found.extend(finding.map(|finding| finding.at(source.place, source.step.span())));
    }
}

/// About a path that is not there.
fn missing(document: &Document<'_>, listing: &Listing, source: &Taken<'_, '_>) -> Option<Finding> {
    let path = source.path.as_str();
    let ignore = document.options.ignore_file.filter(|ignore| !ignore.is_empty());
    let has_exceptions = ignore.is_some_and(IgnoreFile::has_exceptions);
    // Without exceptions `copy-of-ignored-file` needs no listing, and says it.
    if let Some(line) =
        listing.find(path).filter(|entry| has_exceptions && !entry.is_kept).and_then(|entry| entry.line)
    {
        let text = ignore_text(document, line).unwrap_or_default();
        return Some(
            Finding::new(&RULE, format!("`{path}` is left out of the build context"))
                .note(format!("`{text}` leaves it out ({})", ignore_line(document, line)))
                .hint(format!("add `!{path}` behind that line, or remove the source")),
        );
    }
    let is_left_out = ignore.is_some_and(|ignore| ignore.matches(path.as_bytes()).ignored) && !has_exceptions;
    if path == "." || exists(listing, path) || is_left_out {
        return None;
    }
    let finding = Finding::new(&RULE, format!("`{path}` is not in the build context"));
    let folder = path.rsplit_once('/').map(|(folder, _)| folder);
    let beside =
        listing.kept().filter(|entry| entry.path.rsplit_once('/').map(|(parent, _)| parent) == folder);
    if let Some(near) = did_you_mean(path, beside.map(|entry| entry.path.as_str())) {
        return Some(finding.hint(format!("did you mean `{near}`?")));
    }
    let mut finding = finding.hint("correct the name, or say where the context is with `--file`");
    if path.split('/').any(|part| MADE_OUTSIDE.contains(&part)) || is_archive(path) {
        finding.diagnostic.severity = Severity::Info;
        finding = finding.hint("it must be made before the image is built");
    }
    Some(finding)
}

/// About a pattern whose every match the ignore file leaves out.
fn hidden(document: &Document<'_>, listing: &Listing, source: &Taken<'_, '_>) -> Option<Finding> {
    let (kept, left_out): (Vec<_>, Vec<_>) =
        listing.entries().iter().filter(|entry| source.takes(&entry.path)).partition(|entry| entry.is_kept);
    let first = left_out.first().filter(|_| kept.is_empty())?;
    let line = first.line?;
    let text = ignore_text(document, line).unwrap_or_default();
    Some(
        Finding::new(&RULE, format!("`{}` matches only what the ignore file leaves out", source.path))
            .note(format!("`{text}` leaves out `{}` ({})", first.path, ignore_line(document, line)))
            .hint("change the pattern, or remove the source"),
    )
}
