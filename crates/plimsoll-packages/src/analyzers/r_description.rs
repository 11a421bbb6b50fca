//! Installed R packages: `DESCRIPTION` in a folder of a library (R's "Writing R Extensions", "The DESCRIPTION file"), which has
//! `Built` once the package is installed.

use crate::analyzer::{Analysis, Analyzer, AnalyzerError, File};
use crate::collector::Collector;
use crate::document::read_text;
use crate::package::{Evidence, Kind, Scope};
use crate::read_at::ReadAt;

pub(super) static ANALYZER: Analyzer = Analyzer { name: "r-description", version: 1, wants, analyze };

fn wants(file: &File<'_>) -> bool {
    let mut parts = file.path.rsplit(|byte| *byte == b'/');
    parts.next() == Some(b"DESCRIPTION")
        && parts.next().is_some()
        && parts.any(|part| part == b"library" || part == b"site-library")
}

fn analyze(_: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    let text = read_text(content)?;
    let value =
        |key: &str| text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':')).map(str::trim);
    let mut found = Collector::new(Kind::Cran, Evidence::Installed);
    if let (Some(name), Some(version), Some(_)) = (value("Package"), value("Version"), value("Built")) {
        let licenses = value("License").map(str::to_owned).into_iter().collect();
        found.add_licensed(name, version, Scope::Runtime, None, licenses);
    }
    Ok(found.finish())
}
