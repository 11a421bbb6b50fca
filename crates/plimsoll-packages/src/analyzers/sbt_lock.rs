//! The lock file of sbt's plug-in sbt-dependency-lock, `build.sbt.lock`: `dependencies` with `org`, `name`, `version` and the
//! `configurations` that they are in.

use crate::analyzer::{Analysis, Analyzer, AnalyzerError, File};
use crate::collector::{Collector, development};
use crate::document::{Node, json, read_text};
use crate::package::Kind;
use crate::read_at::ReadAt;

pub(super) static ANALYZER: Analyzer =
    Analyzer { name: "sbt-lock", version: 1, wants: |file| file.name().ends_with(b".sbt.lock"), analyze };

fn analyze(_: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    const FORMAT: &str = "a lock file of sbt-dependency-lock";
    let text = read_text(content)?;
    let root = json(&text, FORMAT)?;
    if !root.is_map() {
        return Err(AnalyzerError::format(FORMAT, "its root is no object"));
    }
    let mut found = Collector::locked(Kind::Maven);
    for dependency in root.items_of("dependencies") {
        let fields = ["org", "name", "version"].map(|key| dependency.text(key));
        let [Some(group), Some(name), Some(version)] = fields else { continue };
        let configurations = dependency.items_of("configurations");
        let is_used = |node: &Node<'_>| {
            node.as_text().is_some_and(|name| name.starts_with("compile") || name.starts_with("runtime"))
        };
        let is_development = !configurations.is_empty() && !configurations.iter().any(is_used);
        found.add(
            &format!("{group}:{name}"),
            version,
            development(is_development),
            dependency.line_of("name"),
        );
    }
    Ok(found.finish())
}
