//! uv's lock file (uv's documentation, "Structure and files"). The project and the members of its workspace are the packages
//! from a folder; what only their `dev-dependencies` reach is for development.

use std::collections::{BTreeMap, BTreeSet};

use crate::analyzer::{Analysis, Analyzer, AnalyzerError, File};
use crate::collector::{Collector, development, is_in_python_package, is_named};
use crate::document::{Node, read_text, toml};
use crate::package::{Kind, Scope};
use crate::read_at::ReadAt;

pub(super) static ANALYZER: Analyzer = Analyzer {
    name: "uv-lock",
    version: 1,
    wants: |file| is_named(file, &["uv.lock"]) && !is_in_python_package(file),
    analyze,
};

fn analyze(_: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    let text = read_text(content)?;
    let root = toml(&text, "a lock file of uv")?;
    let packages = root.items_of("package");
    let has_project = packages.iter().any(is_local);
    let used = used_at_run_time(packages);
    let mut found = Collector::locked(Kind::Pypi);
    for package in packages {
        // The version of a project may be known only when it is built.
        let (Some(name), Some(version)) = (package.text("name"), package.text("version")) else { continue };
        let scope =
            if is_local(package) { Scope::Project } else { development(has_project && !used.contains(name)) };
        found.add(name, version, scope, package.line_of("name"));
    }
    Ok(found.finish())
}

fn is_local(package: &Node<'_>) -> bool {
    ["virtual", "editable", "directory"].iter().any(|key| package.at(&["source", key]).is_some())
}

/// The names that projects reach by dependencies and extras. All versions of a name are taken as one.
fn used_at_run_time<'d>(packages: &'d [Node<'_>]) -> BTreeSet<&'d str> {
    let mut by_name: BTreeMap<&str, Vec<&Node<'_>>> = BTreeMap::new();
    for package in packages {
        by_name.entry(package.text("name").unwrap_or_default()).or_default().push(package);
    }
    let mut waiting: Vec<&Node<'_>> = packages.iter().filter(|package| is_local(package)).collect();
    let mut used = BTreeSet::new();
    while let Some(package) = waiting.pop() {
        let extras = package.entries_of("optional-dependencies").iter().flat_map(|(_, list)| list.items());
        for dependency in package.items_of("dependencies").iter().chain(extras) {
            if let Some(name) = dependency.text("name")
                && used.insert(name)
            {
                waiting.extend(by_name.get(name).into_iter().flatten());
            }
        }
    }
    used
}
