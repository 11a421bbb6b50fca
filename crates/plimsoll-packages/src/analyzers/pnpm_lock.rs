//! pnpm's lock file, of its versions 5 to 9 (pnpm's repository of specifications, "lockfile").
//!
//! | version | key of a package | suffix for peers | development |
//! | --- | --- | --- | --- |
//! | 5 | `/NAME/VERSION`, `HOST/NAME/VERSION` | `_HASH` or `_PEER@VERSION` | `dev: true` |
//! | 6 | `/NAME@VERSION`, `HOST/NAME@VERSION` | `(PEER@VERSION)` | `dev: true` |
//! | 9 | `NAME@VERSION` | `(PEER@VERSION)`, in `snapshots` only | what only `devDependencies` reach |
//!
//! Packages from git, archives and folders have other keys, and their `name` and `version` beside.

use std::collections::{BTreeMap, BTreeSet};

use crate::analyzer::{Analysis, Analyzer, AnalyzerError, File};
use crate::collector::{Collector, development, is_below, is_named};
use crate::document::{Node, read_text, yaml};
use crate::package::{Kind, Scope};
use crate::read_at::ReadAt;

pub(super) static ANALYZER: Analyzer = Analyzer {
    name: "pnpm-lock",
    version: 1,
    wants: |file| is_named(file, &["pnpm-lock.yaml", "pnpm-lock.yml"]) && !is_below(file, "node_modules"),
    analyze,
};

const FORMAT: &str = "a lock file of pnpm";

fn analyze(_: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    let text = read_text(content)?;
    let mut found = Collector::locked(Kind::Npm);
    // pnpm 11 puts what it needs itself into a document of its own.
    for document in yaml(&text, FORMAT)? {
        if !document.is_map() {
            return Err(AnalyzerError::format(FORMAT, format!("line {} begins no map", document.line)));
        }
        let version = document.text("lockfileVersion").unwrap_or_default();
        let major: u32 = version.split('.').next().and_then(|part| part.parse().ok()).unwrap_or(5);
        let is_told = major >= 9 && !document.entries_of("importers").is_empty();
        let used = is_told.then(|| used_at_run_time(&document));
        for (key, package) in document.entries_of("packages") {
            let is_development = match &used {
                Some(used) => !used.contains(without_peers(key)),
                None => package.is_set("dev"),
            };
            add(key, package, major, development(is_development), &mut found);
        }
    }
    Ok(found.finish())
}

fn add(key: &str, package: &Node<'_>, major: u32, scope: Scope, found: &mut Collector) {
    let parsed = if major >= 6 { by_at(key) } else { by_slash(key) };
    let name = package.text("name").or(parsed.map(|(name, _)| name));
    let version = package.text("version").or(parsed.map(|(_, version)| version));
    let (Some(name), Some(version)) = (name, version) else { return };
    let is_folder = package.get("resolution").is_some_and(|resolution| resolution.get("directory").is_some());
    found.add(name, version, if is_folder { Scope::Project } else { scope }, package.line);
}

fn without_peers(key: &str) -> &str {
    key.split('(').next().unwrap_or(key)
}

fn is_version(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit()) && text.contains('.') && !text.contains([':', '/'])
}

/// `NAME@VERSION`, perhaps behind a host.
fn by_at(key: &str) -> Option<(&str, &str)> {
    let (path, version) = without_peers(key).rsplit_once('@')?;
    is_version(version).then(|| (name_of(path), version))
}

/// `NAME/VERSION`, perhaps behind a host.
fn by_slash(key: &str) -> Option<(&str, &str)> {
    // Peers may have a scope: `/a/1.0.0_@b+c@1.0.0`, and older ones a slash: `/a/1.0.0/b@1.0.0`.
    let (mut at, mut is_scoped) = (0, false);
    for part in key.split('/') {
        let version = part.split('_').next().unwrap_or(part);
        if at > 1 && !is_scoped && is_version(version) {
            return Some((name_of(&key[..at - 1]), version));
        }
        at += part.len() + 1;
        is_scoped = part.starts_with('@');
    }
    None
}

/// The name at the end of `/NAME` or `HOST/NAME`.
fn name_of(path: &str) -> &str {
    match path.rfind('@').filter(|at| *at == 0 || path.as_bytes()[at - 1] == b'/') {
        Some(scope) => &path[scope..],
        None => path.rsplit('/').next().unwrap_or(path),
    }
}

/// The packages that a project's dependencies reach other than by `devDependencies`, without the suffixes of peers.
fn used_at_run_time<'d>(document: &'d Node<'_>) -> BTreeSet<&'d str> {
    const FIELDS: [&str; 2] = ["dependencies", "optionalDependencies"];
    let snapshots: BTreeMap<&str, &Node<'_>> =
        document.entries_of("snapshots").iter().map(|(key, node)| (&**key, node)).collect();
    let importers = document.entries_of("importers");
    let mut waiting: Vec<(&str, &str)> = Vec::new();
    // The file of pnpm's own needs has these, which are all used.
    for field in FIELDS.into_iter().chain(["configDependencies", "packageManagerDependencies"]) {
        for (_, importer) in importers {
            for (name, dependency) in importer.entries_of(field) {
                waiting.extend(dependency.text("version").map(|version| (&**name, version)));
            }
        }
    }
    let mut seen = BTreeSet::new();
    let mut used = BTreeSet::new();
    while let Some((name, reference)) = waiting.pop() {
        let joined = format!("{name}@{reference}");
        // An alias refers to its package by name and version.
        let known = snapshots.get_key_value(joined.as_str()).or_else(|| snapshots.get_key_value(reference));
        let Some((key, snapshot)) = known else { continue };
        if !seen.insert(*key) {
            continue;
        }
        used.insert(without_peers(key));
        for field in FIELDS {
            for (name, version) in snapshot.entries_of(field) {
                waiting.extend(version.as_text().map(|version| (&**name, version)));
            }
        }
    }
    used
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_all_versions_name_packages() {
        for (key, expected) in [
            ("/lodash/4.17.21", Some(("lodash", "4.17.21"))),
            ("/@babel/core/7.0.0-beta.1_a@1.0.0+b@2.0.0", Some(("@babel/core", "7.0.0-beta.1"))),
            ("/a/1.0.0_@b+c@1.0.0", Some(("a", "1.0.0"))),
            ("/a/1.0.0/@b/c@1.0.0", Some(("a", "1.0.0"))),
            ("registry.example.org/@a/b/1.0.0", Some(("@a/b", "1.0.0"))),
            ("/@a/2.js/1.0.0", Some(("@a/2.js", "1.0.0"))),
            ("registry.example.org/b/1.0.0", Some(("b", "1.0.0"))),
            ("github.com/user/name/0123456789012345678901234567890123456789", None),
            ("file:../name", None),
        ] {
            assert_eq!(by_slash(key), expected, "{key}");
        }
        for (key, expected) in [
            ("/lodash@4.17.21", Some(("lodash", "4.17.21"))),
            ("lodash@4.17.21", Some(("lodash", "4.17.21"))),
            ("/@babel/core@7.0.0(a@1.0.0)(@b/c@2.0.0)", Some(("@babel/core", "7.0.0"))),
            ("@babel/core@7.0.0", Some(("@babel/core", "7.0.0"))),
            ("registry.example.org/@a/b@1.0.0", Some(("@a/b", "1.0.0"))),
            ("name@https://codeload.example.org/user/name/tar.gz/01234567", None),
            ("name@file:../name", None),
            ("@github.com/user/name/0123456", None),
        ] {
            assert_eq!(by_at(key), expected, "{key}");
        }
    }
}
