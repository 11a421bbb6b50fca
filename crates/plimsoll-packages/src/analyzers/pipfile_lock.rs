//! Pipenv's lock file (Pipenv's documentation, "Pipfile.lock"): `default` for use, `develop` for development.

use crate::analyzer::{Analysis, Analyzer, AnalyzerError, File};
use crate::collector::{Collector, development, is_in_python_package, is_named};
use crate::document::{json, read_text};
use crate::package::Kind;
use crate::read_at::ReadAt;

pub(super) static ANALYZER: Analyzer = Analyzer {
    name: "pipfile-lock",
    version: 1,
    wants: |file| is_named(file, &["Pipfile.lock"]) && !is_in_python_package(file),
    analyze,
};

fn analyze(_: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    const FORMAT: &str = "a lock file of Pipenv";
    let text = read_text(content)?;
    let root = json(&text, FORMAT)?;
    if !root.is_map() {
        return Err(AnalyzerError::format(FORMAT, "its root is no object"));
    }
    let mut found = Collector::locked(Kind::Pypi);
    // Other sections are the user's own categories, which are installed on request as `develop` is.
    for (section, packages) in root.entries().iter().filter(|(section, _)| section != "_meta") {
        for (name, package) in packages.entries() {
            // What comes from git or a folder has no version.
            if let Some(version) = package.text("version").and_then(|text| text.strip_prefix("==")) {
                found.add(
                    name,
                    version.trim_start_matches('='),
                    development(section != "default"),
                    package.line,
                );
            }
        }
    }
    Ok(found.finish())
}
