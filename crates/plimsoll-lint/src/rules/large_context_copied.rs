//! `large-context-copied`.

use std::collections::BTreeMap;

use super::context::{clutter, enumerate, human_bytes, listing, taken};
use super::prelude::*;
use crate::context::EntryKind;

pub(super) static RULE: Rule = Rule {
    name: "large-context-copied",
    summary: "a `COPY` of everything takes very much into the image",
    severity: Severity::Info,
    aliases: &[],
    enabled: true,
    explanation: r"
`COPY . .` takes whatever lies in the context: data, recordings, archives, the results of other builds. Every pull pays for
them. More than 200 MB is reported, with what it is made of.

```dockerfile
# with 900 MB below data/
FROM python:3.13
COPY . /app
```

Leave out what the program does not need with lines in `.dockerignore`, or copy what it needs by name. `plimsoll context ls`
shows where the bytes are.
",
    check,
};

/// From here on it is much.
const MUCH: u64 = 200_000_000;

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    let sources = taken(document);
    let Some(listing) = listing(document, &sources) else { return };
    for source in sources.iter().filter(|source| source.is_whole() && !source.has_excludes) {
        if !document.is_in_image(source.stage) {
            continue;
        }
        let mut folders: BTreeMap<&str, u64> = BTreeMap::new();
        for entry in listing.kept().filter(|entry| entry.kind == EntryKind::File) {
            if clutter(listing, &entry.path).is_none() {
                let top = entry.path.split('/').next().unwrap_or_default();
                *folders.entry(top).or_default() += entry.size_bytes;
            }
        }
        let total: u64 = folders.values().sum();
        if total < MUCH {
            continue;
        }
        let mut largest: Vec<(&str, u64)> = folders.into_iter().collect();
        largest.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
        let shown: Vec<String> =
            largest.iter().take(3).map(|(path, size)| format!("`{path}` ({})", human_bytes(*size))).collect();
        found.push(
            Finding::new(&RULE, format!("this copies {} into the image", human_bytes(total)))
                .at(source.place, source.step.span())
                .note(format!("the largest: {}", enumerate(&shown, 3)))
                .hint("leave out in `.dockerignore` what the program does not need, or copy by name what it does"),
        );
    }
}
