//! Dart's lock file: `packages` with `version`, and how they are needed. What comes from a path is the project's own.

use crate::analyzer::{Analysis, Analyzer, AnalyzerError, File};
use crate::collector::{Collector, development, is_named};
use crate::document::{read_text, yaml};
use crate::package::{Kind, Scope};
use crate::read_at::ReadAt;

pub(super) static ANALYZER: Analyzer =
    Analyzer { name: "pubspec-lock", version: 1, wants: |file| is_named(file, &["pubspec.lock"]), analyze };

fn analyze(_: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    let text = read_text(content)?;
    let mut found = Collector::locked(Kind::Pub);
    for document in yaml(&text, "a lock file of Dart")? {
        for (name, package) in document.entries_of("packages") {
            let scope = if package.text("source") == Some("path") {
                Scope::Project
            } else {
                development(package.text("dependency") == Some("direct dev"))
            };
            // The description names the package where its key is another.
            let described = package.get("description").and_then(|description| description.text("name"));
            let version = package.text("version").unwrap_or_default();
            found.add(described.unwrap_or(name), version, scope, package.line);
        }
    }
    Ok(found.finish())
}
