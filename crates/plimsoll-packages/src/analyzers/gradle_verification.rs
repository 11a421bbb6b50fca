//! Gradle's `gradle/verification-metadata.xml` (Gradle's documentation, "Verifying dependencies"): the components whose files were
//! verified, each with its exact version, whether for the program or for its build.

use crate::analyzer::{Analysis, Analyzer, AnalyzerError, File};
use crate::collector::{Collector, is_named};
use crate::document::{read_text, xml};
use crate::package::{Kind, Scope};
use crate::read_at::ReadAt;

pub(super) static ANALYZER: Analyzer = Analyzer {
    name: "gradle-verification",
    version: 1,
    wants: |file| is_named(file, &["verification-metadata.xml"]),
    analyze,
};

fn analyze(_: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    let text = read_text(content)?;
    let root = xml(&text, "Gradle's verification-metadata.xml")?;
    let mut found = Collector::locked(Kind::Maven);
    for component in root.nested("components", "component") {
        let fields = ["group", "name", "version"].map(|name| component.attribute(name));
        if let [Some(group), Some(name), Some(version)] = fields {
            found.add(&format!("{group}:{name}"), version, Scope::Runtime, component.line);
        }
    }
    Ok(found.finish())
}
