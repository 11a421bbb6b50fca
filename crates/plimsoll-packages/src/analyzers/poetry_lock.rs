//! Poetry's lock file. What is for development: `category` until 1.4, nothing in between, `groups` from 2.0 on.

use crate::analyzer::{Analysis, Analyzer, AnalyzerError, File};
use crate::collector::{Collector, development, is_in_python_package, is_named};
use crate::document::{Node, read_text, toml};
use crate::package::{Kind, Scope};
use crate::read_at::ReadAt;

pub(super) static ANALYZER: Analyzer = Analyzer {
    name: "poetry-lock",
    version: 1,
    wants: |file| is_named(file, &["poetry.lock"]) && !is_in_python_package(file),
    analyze,
};

fn analyze(_: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    let text = read_text(content)?;
    let root = toml(&text, "a lock file of Poetry")?;
    let mut found = Collector::locked(Kind::Pypi);
    for package in root.items_of("package") {
        let (Some(name), Some(version)) = (package.text("name"), package.text("version")) else { continue };
        found.add(name, version, scope(package), package.line_of("name"));
    }
    Ok(found.finish())
}

fn scope(package: &Node<'_>) -> Scope {
    if package.at(&["source", "type"]).and_then(Node::as_text) == Some("directory") {
        return Scope::Project;
    }
    let groups = package.items_of("groups");
    let is_main = |group: &Node<'_>| group.as_text() == Some("main");
    let is_grouped_away = !groups.is_empty() && !groups.iter().any(is_main);
    development(package.text("category") == Some("dev") || is_grouped_away)
}
