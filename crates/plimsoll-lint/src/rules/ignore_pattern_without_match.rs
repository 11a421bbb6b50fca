//! `ignore-pattern-without-match`.

use super::context::{ignore_line, ignore_text, listing, taken};
use super::prelude::*;
use crate::context::{EntryKind, Listing};

pub(super) static RULE: Rule = Rule {
    name: "ignore-pattern-without-match",
    summary: "a pattern of `.dockerignore` matches nothing, and looks as if it should",
    severity: Severity::Info,
    aliases: &[],
    enabled: true,
    explanation: r"
A pattern that matches nothing leaves nothing out. Many are there for what comes and goes (`*.log`, `dist`), and that is
well. Reported are those that were probably meant to match: a name that differs by a letter or two from one that is there,
a `#` behind the pattern, which is part of it, and an exception that brings nothing back.

```dockerfile
# with the line `test  # not needed` in .dockerignore
FROM node:22
COPY . /app
```

Correct the pattern; comments have lines of their own.
",
    check,
};

/// Names with fewer letters are alike too easily.
const SHORTEST: usize = 5;

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    let sources = taken(document);
    let Some(ignore) = document.options.ignore_file.filter(|file| !file.is_empty()) else { return };
    let Some(source) = sources.iter().find(|source| source.is_whole()).or(sources.first()) else { return };
    let Some(listing) = listing(document, &sources).filter(|listing| listing.is_complete()) else { return };
    for pattern in ignore.patterns() {
        // Nobody looked into directories that are left out as a whole.
        let may_match = listing.entries().iter().any(|entry| {
            let path = entry.path.as_bytes();
            let is_closed = entry.kind == EntryKind::Directory && !entry.is_kept;
            pattern.matches(path) || (is_closed && pattern.may_match_below(path))
        });
        let Some(text) = ignore_text(document, pattern.line()).filter(|_| !may_match) else { continue };
        let place = ignore_line(document, pattern.line());
        let hint = if let Some((head, _)) = text.split_once(" #") {
            format!("a comment needs a line of its own; write `{}`", head.trim_end())
        } else if let Some(near) = near(listing, text) {
            format!("did you mean `{near}`?")
        } else if pattern.is_exception() {
            "remove the line, or correct it: it brings nothing back".to_owned()
        } else {
            continue;
        };
        found.push(
            Finding::new(&RULE, format!("`{text}` matches nothing in the build context ({place})"))
                .at(source.place, source.step.span())
                .hint(hint),
        );
    }
}

/// A path that the build gets and that a plain pattern nearly names.
fn near(listing: &Listing, text: &str) -> Option<String> {
    let mark = if text.starts_with('!') { "!" } else { "" };
    let path = clean(text.trim_start_matches('!').trim().trim_start_matches('/'));
    let (folder, name) = path.rsplit_once('/').map_or(("", path.as_str()), |(folder, name)| (folder, name));
    if name.len() < SHORTEST || path.contains(['*', '?', '[', '\\']) {
        return None;
    }
    let beside = listing.kept().filter(|entry| match entry.path.rsplit_once('/') {
        Some((parent, _)) => parent == folder,
        None => folder.is_empty(),
    });
    let names: Vec<&str> =
        beside.map(|entry| base_name(&entry.path)).filter(|other| other.len() >= SHORTEST).collect();
    // A third of the letters is too much for a name that nobody has to have.
    let is_near = |near: &&str| near.len().abs_diff(name.len()) <= 1 && shared(near, name) + 2 >= name.len();
    let near = did_you_mean(name, names).filter(is_near)?;
    let slash = if folder.is_empty() { "" } else { "/" };
    Some(format!("{mark}{folder}{slash}{near}"))
}

/// How many characters are the same from the start and from the end.
fn shared(left: &str, right: &str) -> usize {
    let same = |(one, other): &(char, char)| one.eq_ignore_ascii_case(other);
    let head = left.chars().zip(right.chars()).take_while(same).count();
    let tail = left.chars().rev().zip(right.chars().rev()).take_while(same).count();
    (head + tail).min(left.len().min(right.len()))
}
