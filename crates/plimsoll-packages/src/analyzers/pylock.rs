//! `pylock.toml` and `pylock.NAME.toml` (PEP 751, `PyPA`'s "pylock.toml Specification").

use std::collections::BTreeSet;

use crate::analyzer::{Analysis, Analyzer, AnalyzerError, File};
use crate::collector::{Collector, development, is_in_python_package};
use crate::document::{Node, read_text, toml};
use crate::package::{Kind, Scope};
use crate::read_at::ReadAt;

pub(super) static ANALYZER: Analyzer = Analyzer { name: "pylock", version: 1, wants, analyze };

fn wants(file: &File<'_>) -> bool {
    let name = file.name();
    let is_one = name.starts_with(b"pylock.") && name.ends_with(b".toml");
    is_one && !is_in_python_package(file)
}

fn analyze(_: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    let text = read_text(content)?;
    let root = toml(&text, "a pylock.toml")?;
    // PDM calls the dependencies of the project itself so.
    let named = root.items_of("default-groups").iter().filter_map(Node::as_text);
    let default_groups: BTreeSet<&str> = named.chain(["default"]).collect();
    let mut found = Collector::locked(Kind::Pypi);
    for package in root.items_of("packages") {
        // "The version MUST NOT be included when it cannot be guaranteed", as for a folder of sources.
        let (Some(name), Some(version)) = (package.text("name"), package.text("version")) else { continue };
        found.add(name, version, scope(package, &default_groups), package.line_of("name"));
    }
    Ok(found.finish())
}

/// A package of groups alone is for development, unless one of them is installed when none is asked for.
fn scope(package: &Node<'_>, default_groups: &BTreeSet<&str>) -> Scope {
    if package.get("directory").is_some() {
        return Scope::Project;
    }
    let marker = package.text("marker").unwrap_or_default().replace('"', "'");
    if marker.contains(" in extras") {
        return Scope::Runtime;
    }
    let mut groups: Vec<&str> = marker.split("' in dependency_groups").collect();
    // Behind the last group there is nothing of one.
    groups.pop();
    let is_default =
        |before: &&str| before.rsplit('\'').next().is_some_and(|group| default_groups.contains(group));
    development(!groups.is_empty() && !groups.iter().any(is_default))
}
