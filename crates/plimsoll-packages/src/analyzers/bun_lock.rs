//! Bun's lock file: `bun.lock`, JSON with trailing commas (Bun's documentation, "lockfile"), and that it has the older binary one.
//!
//! `packages` maps where a package lies, such as `a` or `a/b`, to a list that begins with `NAME@VERSION`, or with the name and
//! where it comes from otherwise. Which packages are for development follows from the dependencies of `workspaces`.

use std::collections::{BTreeMap, BTreeSet};

use crate::analyzer::{Analysis, Analyzer, AnalyzerError, File};
use crate::collector::{Collector, development, is_below, is_named};
use crate::document::{Node, json, read_text};
use crate::package::{Kind, Scope};
use crate::read_at::ReadAt;

pub(super) static ANALYZER: Analyzer = Analyzer {
    name: "bun-lock",
    version: 1,
    wants: |file| is_named(file, &["bun.lock", "bun.lockb"]) && !is_below(file, "node_modules"),
    analyze,
};

/// No tree of packages is as deep; each level costs a look-up.
const LONGEST_PLACE: usize = 2000;

const USED: [&str; 3] = ["dependencies", "optionalDependencies", "peerDependencies"];

fn analyze(file: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    const FORMAT: &str = "a lock file of Bun";
    let mut found = Collector::locked(Kind::Npm);
    if is_named(file, &["bun.lockb"]) {
        found.not_scanned(
            "Bun's binary lock file is not read; `bun install --save-text-lockfile` writes one that is",
        );
        return Ok(found.finish());
    }
    let text = read_text(content)?;
    let root = json(&text, FORMAT)?;
    if !root.is_map() {
        return Err(AnalyzerError::format(FORMAT, "its root is no object"));
    }
    let is_told = !root.entries_of("workspaces").is_empty();
    let used = used_at_run_time(&root);
    for (place, package) in root.entries_of("packages") {
        let Some((name, version)) = described(package) else { continue };
        found.add(name, version, development(is_told && !used.contains(&**place)), package.line);
    }
    for (_, workspace) in root.entries_of("workspaces") {
        if let (Some(name), Some(version)) = (workspace.text("name"), workspace.text("version")) {
            found.add(name, version, Scope::Project, workspace.line_of("name"));
        }
    }
    Ok(found.finish())
}

/// Name and version of a package from a registry.
fn described<'n>(package: &'n Node<'_>) -> Option<(&'n str, &'n str)> {
    let (name, version) = package.items().first()?.as_text()?.rsplit_once('@')?;
    let is_version =
        version.starts_with(|first: char| first.is_ascii_digit()) && !version.contains([':', '/']);
    is_version.then_some((name, version))
}

/// The places of packages that the dependencies of workspaces reach, other than those for development.
fn used_at_run_time(root: &Node<'_>) -> BTreeSet<String> {
    let packages: BTreeMap<&str, &Node<'_>> =
        root.entries_of("packages").iter().map(|(place, package)| (&**place, package)).collect();
    let mut waiting: Vec<(String, &str)> = Vec::new();
    for (_, workspace) in root.entries_of("workspaces") {
        let from = workspace.text("name").unwrap_or_default();
        for field in USED {
            waiting.extend(workspace.entries_of(field).iter().map(|(name, _)| (from.to_owned(), &**name)));
        }
    }
    let mut used = BTreeSet::new();
    while let Some((from, name)) = waiting.pop() {
        let Some(place) = resolve(&packages, &from, name) else { continue };
        if !used.insert(place.clone()) {
            continue;
        }
        let Some(facts) = packages
            .get(place.as_str())
            .and_then(|package| package.items().iter().find(|item| item.is_map()))
        else {
            continue;
        };
        for field in USED {
            waiting.extend(facts.entries_of(field).iter().map(|(name, _)| (place.clone(), &**name)));
        }
    }
    used
}

/// The place where `name` is found from another: below it, or below one of those that it lies in.
fn resolve(packages: &BTreeMap<&str, &Node<'_>>, from: &str, name: &str) -> Option<String> {
    let mut above = if from.len() > LONGEST_PLACE { "" } else { from };
    while !above.is_empty() {
        let place = format!("{above}/{name}");
        if packages.contains_key(place.as_str()) {
            return Some(place);
        }
        above = above.rsplit_once('/').map_or("", |(above, _)| above);
    }
    packages.contains_key(name).then(|| name.to_owned())
}
