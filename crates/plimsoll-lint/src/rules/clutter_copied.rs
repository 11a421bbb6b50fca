//! `clutter-copied`.

use std::collections::{BTreeMap, BTreeSet};

use super::context::{clutter, enumerate, human_bytes, listing, taken};
use super::prelude::*;
use crate::context::EntryKind;

pub(super) static RULE: Rule = Rule {
    name: "clutter-copied",
    summary: "a `COPY` takes in what tools left in the build context",
    severity: Severity::Warning,
    aliases: &[],
    enabled: true,
    explanation: r"
A `COPY` of a whole folder takes the history of the repository, installed packages and caches along. They make the image
large, run the step again for no reason, and replace what the build has installed by what fits another machine.

```dockerfile
# with .git and node_modules in the context, and no .dockerignore
FROM node:22
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY . .
```

Leave them out with lines in `.dockerignore`: `.git` and `**/node_modules`.

What is copied by its name is meant, and not reported. Installed packages and build results are reported only where the
file runs a program that makes them, `.git` only where nothing reads it. Where the stage is not in the image, or the files
are few, it is an info.
",
    check,
};

/// Less is not worth a warning, the history of a repository excepted.
const FEW_BYTES: u64 = 100_000;

/// Programs that read the repository: some put the commit into what they build.
const READ_REPOSITORY: [&str; 6] = ["git", "go", "goreleaser", "hatch", "make", "setuptools-scm"];

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    let sources = taken(document);
    let Some(listing) = listing(document, &sources) else { return };
    let programs: BTreeSet<String> = document
        .runs()
        .flat_map(|run| run.calls.iter().map(|call| call.name().to_owned()).collect::<Vec<_>>())
        .collect();
    let reads_repository = READ_REPOSITORY.iter().any(|name| programs.contains(*name));
    for source in sources.iter().filter(|source| !source.has_excludes) {
        let mut totals: BTreeMap<&str, u64> = BTreeMap::new();
        for entry in listing.kept().filter(|entry| entry.kind == EntryKind::File) {
            let Some((directory, makers)) = clutter(listing, &entry.path) else { continue };
            let is_made = makers.is_empty() || makers.iter().any(|maker| programs.contains(*maker));
            let is_read = base_name(directory) == ".git" && reads_repository;
            if is_made && !is_read && source.takes(&entry.path) && !source.names(directory) {
                *totals.entry(directory).or_default() += entry.size_bytes;
            }
        }
        if totals.is_empty() {
            continue;
        }
        let is_large =
            totals.values().sum::<u64>() >= FEW_BYTES || totals.keys().any(|path| base_name(path) == ".git");
        let mut largest: Vec<(&str, u64)> = totals.into_iter().collect();
        largest.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
        let shown: Vec<String> =
            largest.iter().map(|(path, size)| format!("`{path}` ({})", human_bytes(*size))).collect();
        let lines: BTreeSet<String> = largest.iter().map(|(path, _)| pattern(path)).collect();
        let lines: Vec<String> = lines.into_iter().map(|line| format!("`{line}`")).collect();
        let mut finding = Finding::new(&RULE, format!("this copies {}", enumerate(&shown, 3)))
            .at(source.place, source.step.span())
            .hint(format!("add to `.dockerignore`: {}", enumerate(&lines, 8)));
        if !is_large || !document.is_in_image(source.stage) {
            finding.diagnostic.severity = Severity::Info;
        }
        found.push(finding);
    }
}

/// The line of an ignore file for a directory: wherever it is, unless it only ever is at the top.
fn pattern(path: &str) -> String {
    match base_name(path) {
        name @ (".git" | ".hg" | ".svn") if name == path => name.to_owned(),
        name => format!("**/{name}"),
    }
}
