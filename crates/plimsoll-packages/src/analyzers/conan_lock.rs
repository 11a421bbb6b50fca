//! Conan's lock files (Conan's documentation, "Lockfiles"): lists of references `NAME/VERSION@USER/CHANNEL#REVISION%TIME` (version
//! 2), or `graph_lock` with numbered nodes that each have such a `ref` (version 1).

use crate::analyzer::{Analysis, Analyzer, AnalyzerError, File};
use crate::collector::{Collector, development, is_named};
use crate::document::{json, read_text};
use crate::package::{Kind, Scope};
use crate::read_at::ReadAt;

pub(super) static ANALYZER: Analyzer =
    Analyzer { name: "conan-lock", version: 1, wants: |file| is_named(file, &["conan.lock"]), analyze };

fn analyze(_: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    const FORMAT: &str = "a lock file of Conan";
    let text = read_text(content)?;
    let root = json(&text, FORMAT)?;
    if !root.is_map() {
        return Err(AnalyzerError::format(FORMAT, "its root is no object"));
    }
    let mut found = Collector::locked(Kind::Conan);
    for (_, node) in root.at(&["graph_lock", "nodes"]).map(crate::document::Node::entries).unwrap_or_default()
    {
        let Some((name, version)) = node.text("ref").or_else(|| node.text("pref")).and_then(split) else {
            continue;
        };
        // The node with a path is the project itself.
        let scope = if node.text("path").is_some() {
            Scope::Project
        } else {
            development(node.text("context") == Some("build"))
        };
        found.add(name, version, scope, node.line_of("ref"));
    }
    for (section, scope) in [
        ("requires", Scope::Runtime),
        ("build_requires", Scope::Development),
        ("python_requires", Scope::Development),
        ("config_requires", Scope::Development),
    ] {
        for reference in root.items_of(section) {
            // A reference with a time of its own was once a list of both.
            let text = reference.as_text().or_else(|| reference.items().first()?.as_text());
            if let Some((name, version)) = text.and_then(split) {
                found.add(name, version, scope, reference.line);
            }
        }
    }
    Ok(found.finish())
}

fn split(reference: &str) -> Option<(&str, &str)> {
    let (name, version) = reference.split(['@', '#', '%', ':']).next()?.split_once('/')?;
    (!version.starts_with('[')).then_some((name, version))
}
