//! npm's lock file in its three versions (npm's documentation, "package-lock.json"), under each of its names.
//!
//! Version 1 nests `dependencies` by name; 2 and 3 have `packages` by path, of which the empty path is the project, a path
//! without `node_modules` a workspace, and `link` a symbolic link to one. In version 1 a package from git or an address has no
//! version, so it gives no package.

use crate::analyzer::{Analysis, Analyzer, AnalyzerError, File};
use crate::collector::{Collector, development, is_below, is_named};
use crate::document::{Node, json, read_text};
use crate::package::{Evidence, Kind, Scope};
use crate::read_at::ReadAt;

pub(super) static ANALYZER: Analyzer = Analyzer { name: "package-lock", version: 1, wants, analyze };

const INSTALLED: &str = ".package-lock.json";

fn wants(file: &File<'_>) -> bool {
    // Among installed packages only the record of them counts.
    if is_named(file, &[INSTALLED]) {
        return file.folder().ends_with(b"node_modules");
    }
    is_named(file, &["package-lock.json", "npm-shrinkwrap.json"]) && !is_below(file, "node_modules")
}

fn analyze(file: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    const FORMAT: &str = "a lock file of npm";
    let text = read_text(content)?;
    let root = json(&text, FORMAT)?;
    if !root.is_map() {
        return Err(AnalyzerError::format(FORMAT, "its root is no object"));
    }
    let evidence = if is_named(file, &[INSTALLED]) { Evidence::Installed } else { Evidence::LockFile };
    let mut found = Collector::new(Kind::Npm, evidence);
    if let Some(packages) = root.get("packages") {
        for (path, package) in packages.entries() {
            add_by_path(path, package, &mut found);
        }
    } else {
        if let (Some(name), Some(version)) = (root.text("name"), root.text("version")) {
            found.add(name, version, Scope::Project, root.line_of("name"));
        }
        add_by_name(&root, &mut found);
    }
    Ok(found.finish())
}

fn add_by_path(path: &str, package: &Node<'_>, found: &mut Collector) {
    let Some(version) = package.text("version").filter(|_| !package.is_set("link")) else { return };
    let (name, scope) = match path.rsplit_once("node_modules/") {
        Some((_, name)) => (name, development(package.is_set("dev"))),
        None => (folder_name(path), Scope::Project),
    };
    // A name of its own tells an alias or a folder that is called otherwise.
    let name = package.text("name").unwrap_or(name);
    let licenses = package.text("license").map(str::to_owned).into_iter().collect();
    found.add_licensed(name, version, scope, Some(package.line), licenses);
}

/// The last part of a path, with its scope.
fn folder_name(path: &str) -> &str {
    let at = path.rfind("/@").map_or_else(|| path.rfind('/'), Some);
    at.map_or(path, |at| &path[at + 1..])
}

/// The parser limits the depth of the document, and so of this.
fn add_by_name(node: &Node<'_>, found: &mut Collector) {
    for (name, package) in node.entries_of("dependencies") {
        if let Some((name, version)) = package.text("version").and_then(|text| pinned(name, text)) {
            found.add(name, version, development(package.is_set("dev")), package.line);
        }
        add_by_name(package, found);
    }
}

/// Name and version of version 1's `version`: a version, `npm:NAME@VERSION` for an alias, or an address.
fn pinned<'a>(name: &'a str, text: &'a str) -> Option<(&'a str, &'a str)> {
    if let Some(alias) = text.strip_prefix("npm:") {
        return alias.rsplit_once('@').filter(|(name, _)| !name.is_empty());
    }
    (!text.contains([':', '/', '#'])).then_some((name, text))
}
