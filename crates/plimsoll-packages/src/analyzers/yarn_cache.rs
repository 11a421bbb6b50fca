//! Packages that Yarn's Plug'n'Play loads from archives: each zip in `.yarn/cache`, or in the cache of the user, `.yarn/berry/cache`,
//! holds one as `node_modules/NAME`.

use super::node_modules;
use crate::analyzer::{Analysis, Analyzer, AnalyzerError, File};
use crate::collector::Collector;
use crate::package::{Evidence, Kind};
use crate::read_at::{ReadAt, Window};
use crate::zip::Archive;

pub(super) static ANALYZER: Analyzer = Analyzer { name: "yarn-cache", version: 1, wants, analyze };

const MOST_MANIFEST_BYTES: u64 = 4 << 20;
/// An archive holds one package, and those that it bundles.
const MOST_PACKAGES: usize = 1000;

fn wants(file: &File<'_>) -> bool {
    let folder = file.folder();
    file.name().ends_with(b".zip")
        && (folder.ends_with(b".yarn/cache") || folder.ends_with(b".yarn/berry/cache"))
}

fn analyze(_: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    let archive = Archive::open(Window::new(content, 0, content.size()))?;
    let mut manifests = Vec::new();
    archive.entries(&mut |entry| {
        if manifests.len() < MOST_PACKAGES && node_modules::is_package(&entry.name) {
            manifests.push(entry);
        }
        Ok(())
    })?;
    let mut found = Collector::new(Kind::Npm, Evidence::Installed);
    for manifest in manifests {
        node_modules::add(&archive.read_start(&manifest, MOST_MANIFEST_BYTES)?, &mut found)?;
    }
    Ok(found.finish())
}
