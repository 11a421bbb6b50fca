//! renv's lock file for R (renv's documentation, "The lockfile"): `Packages` with their `Version`, from CRAN and elsewhere.

use crate::analyzer::{Analysis, Analyzer, AnalyzerError, File};
use crate::collector::{Collector, is_named};
use crate::document::{json, read_text};
use crate::package::{Kind, Scope};
use crate::read_at::ReadAt;

pub(super) static ANALYZER: Analyzer =
    Analyzer { name: "renv-lock", version: 1, wants: |file| is_named(file, &["renv.lock"]), analyze };

fn analyze(_: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    const FORMAT: &str = "a lock file of renv";
    let text = read_text(content)?;
    let root = json(&text, FORMAT)?;
    if !root.is_map() {
        return Err(AnalyzerError::format(FORMAT, "its root is no object"));
    }
    let mut found = Collector::locked(Kind::Cran);
    for (name, package) in root.entries_of("Packages") {
        let version = package.text("Version").unwrap_or_default();
        let licenses = package.text("License").map(str::to_owned).into_iter().collect();
        let name = package.text("Package").unwrap_or(name);
        found.add_licensed(name, version, Scope::Runtime, Some(package.line), licenses);
    }
    Ok(found.finish())
}
