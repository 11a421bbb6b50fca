//! PDM's lock file. A package stands there once for each set of its extras; `groups` (from 4.4 on) names the groups that it is
//! in. Groups of extras and of development look alike, so that only usual names for development count as such.

use crate::analyzer::{Analysis, Analyzer, AnalyzerError, File};
use crate::collector::{Collector, development, is_in_python_package, is_named};
use crate::document::{read_text, toml};
use crate::package::{Kind, Scope};
use crate::read_at::ReadAt;

pub(super) static ANALYZER: Analyzer = Analyzer {
    name: "pdm-lock",
    version: 1,
    wants: |file| is_named(file, &["pdm.lock"]) && !is_in_python_package(file),
    analyze,
};

const FOR_DEVELOPMENT: [&str; 10] =
    ["dev", "develop", "development", "test", "tests", "testing", "lint", "doc", "docs", "typing"];

fn analyze(_: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    let text = read_text(content)?;
    let root = toml(&text, "a lock file of PDM")?;
    let mut found = Collector::locked(Kind::Pypi);
    for package in root.items_of("package") {
        let (Some(name), Some(version)) = (package.text("name"), package.text("version")) else { continue };
        let groups = package.items_of("groups");
        let is_known = |name: Option<&str>| name.is_some_and(|name| FOR_DEVELOPMENT.contains(&name));
        let only_development = !groups.is_empty() && groups.iter().all(|group| is_known(group.as_text()));
        let is_project =
            package.text("path").is_some_and(|path| ![".whl", ".gz"].iter().any(|end| path.ends_with(end)));
        let scope = if is_project { Scope::Project } else { development(only_development) };
        found.add(name, version, scope, package.line_of("name"));
    }
    Ok(found.finish())
}
