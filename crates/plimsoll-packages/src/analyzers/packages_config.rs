//! `packages.config` of older .NET projects (Microsoft's documentation, "packages.config reference").

use crate::analyzer::{Analysis, Analyzer, AnalyzerError, File};
use crate::collector::{Collector, development, is_named_between};
use crate::document::{read_text, xml};
use crate::package::Kind;
use crate::read_at::ReadAt;

pub(super) static ANALYZER: Analyzer = Analyzer { name: "packages-config", version: 1, wants, analyze };

fn wants(file: &File<'_>) -> bool {
    // `packages.PROJECT.config` where several projects share a folder.
    is_named_between(file, "packages.", "config")
}

fn analyze(_: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    let text = read_text(content)?;
    let root = xml(&text, "a packages.config")?;
    let mut found = Collector::locked(Kind::Nuget);
    for package in root.all("package") {
        let (Some(id), Some(version)) = (package.attribute("id"), package.attribute("version")) else {
            continue;
        };
        let is_development =
            package.attribute("developmentDependency").is_some_and(|flag| flag.eq_ignore_ascii_case("true"));
        found.add(id, version, development(is_development), package.line);
    }
    Ok(found.finish())
}
