//! `NuGet`'s lock file (Microsoft's documentation, "Package references", "Lock dependencies"): for each target framework the packages
//! with the version that was `resolved`. Projects have none.

use crate::analyzer::{Analysis, Analyzer, AnalyzerError, File};
use crate::collector::{Collector, is_named_between};
use crate::document::{json, read_text};
use crate::package::{Kind, Scope};
use crate::read_at::ReadAt;

pub(super) static ANALYZER: Analyzer = Analyzer { name: "nuget-lock", version: 1, wants, analyze };

fn wants(file: &File<'_>) -> bool {
    // `packages.PROJECT.lock.json` where several projects share a folder.
    is_named_between(file, "packages.", "lock.json")
}

fn analyze(_: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    const FORMAT: &str = "a lock file of NuGet";
    let text = read_text(content)?;
    let root = json(&text, FORMAT)?;
    if !root.is_map() {
        return Err(AnalyzerError::format(FORMAT, "its root is no object"));
    }
    let mut found = Collector::locked(Kind::Nuget);
    for (_, framework) in root.entries_of("dependencies") {
        for (name, package) in framework.entries() {
            let is_project = package.text("type").is_some_and(|kind| kind.eq_ignore_ascii_case("project"));
            if let Some(version) = package.text("resolved").filter(|_| !is_project) {
                found.add(name, version, Scope::Runtime, package.line);
            }
        }
    }
    Ok(found.finish())
}
