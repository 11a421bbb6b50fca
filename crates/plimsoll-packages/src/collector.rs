//! What the analyzers of lock files have in common: gathering packages, and rules for paths.

use std::collections::HashMap;

use crate::analyzer::{Analysis, File};
use crate::package::{Evidence, Kind, Package, Scope};

/// The largest projects have some ten thousand.
const MOST_PACKAGES: usize = 100_000;

/// Gathers the packages of one file, each version of a name once: on the first line that names it, for the widest use.
pub(crate) struct Collector {
    kind: Kind,
    evidence: Evidence,
    places: HashMap<(String, String), usize>,
    analysis: Analysis,
    is_full: bool,
}

impl Collector {
    /// An empty one.
    pub(crate) fn new(kind: Kind, evidence: Evidence) -> Self {
        Self { kind, evidence, places: HashMap::new(), analysis: Analysis::default(), is_full: false }
    }

    /// One for packages that a lock file or manifest names.
    pub(crate) fn locked(kind: Kind) -> Self {
        Self::new(kind, Evidence::LockFile)
    }

    /// Adds a package. One without a name or a version is none.
    pub(crate) fn add(&mut self, name: &str, version: &str, scope: Scope, line: u32) {
        self.add_licensed(name, version, scope, Some(line), Vec::new());
    }

    /// Adds a package with its licences, and with a line where one is worth telling.
    pub(crate) fn add_licensed(
        &mut self,
        name: &str,
        version: &str,
        scope: Scope,
        line: Option<u32>,
        licenses: Vec<String>,
    ) {
        let (name, version) = (name.trim(), version.trim());
        if name.is_empty() || version.is_empty() {
            return;
        }
        let packages = &mut self.analysis.packages;
        if packages.len() == MOST_PACKAGES {
            if !self.is_full {
                self.is_full = true;
                self.analysis
                    .note(format!("it names more than the {MOST_PACKAGES} packages that are read of a file"));
            }
            return;
        }
        let place = *self.places.entry((name.to_owned(), version.to_owned())).or_insert(packages.len());
        if let Some(known) = packages.get_mut(place) {
            // The order of scopes is from the widest use to the narrowest.
            known.scope = known.scope.min(scope);
            return;
        }
        let mut package = Package::new(self.kind, name, version, self.evidence);
        package.scope = scope;
        package.line = line;
        package.licenses = licenses;
        packages.push(package);
    }

    /// Says what of the file could not be read.
    pub(crate) fn not_scanned(&mut self, sentence: impl Into<String>) {
        self.analysis.note(sentence);
    }

    /// All of it.
    pub(crate) fn finish(self) -> Analysis {
        self.analysis
    }
}

/// Development where that is so, otherwise runtime.
pub(crate) fn development(is_development: bool) -> Scope {
    if is_development { Scope::Development } else { Scope::Runtime }
}

/// Whether a file has one of these names.
pub(crate) fn is_named(file: &File<'_>, names: &[&str]) -> bool {
    names.iter().any(|name| file.name() == name.as_bytes())
}

/// Whether the file's name begins and ends so, in any letter case.
pub(crate) fn is_named_between(file: &File<'_>, start: &str, end: &str) -> bool {
    let name = file.name();
    let long_enough = name.len() >= start.len() + end.len();
    long_enough
        && name[..start.len()].eq_ignore_ascii_case(start.as_bytes())
        && name[name.len() - end.len()..].eq_ignore_ascii_case(end.as_bytes())
}

/// Whether a folder of that name is on the way to the file. What lies in the folder of an installed package describes how that
/// package was developed, not what is there.
pub(crate) fn is_below(file: &File<'_>, folder: &str) -> bool {
    file.folder().split(|byte| *byte == b'/').any(|part| part == folder.as_bytes())
}

/// Whether the file is a part of an installed Python package.
pub(crate) fn is_in_python_package(file: &File<'_>) -> bool {
    is_below(file, "site-packages") || is_below(file, "dist-packages")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_counts_once_for_its_widest_use() {
        let mut found = Collector::locked(Kind::Npm);
        found.add("a", "1", Scope::Development, 1);
        found.add("a", "2", Scope::Development, 2);
        found.add("a", "1", Scope::Runtime, 3);
        found.add("", "1", Scope::Runtime, 4);
        found.add("b", " ", Scope::Runtime, 5);
        let packages = found.finish().packages;
        let facts: Vec<_> = packages.iter().map(|one| (one.version.as_str(), one.scope, one.line)).collect();
        assert_eq!(facts, [("1", Scope::Runtime, Some(1)), ("2", Scope::Development, Some(2))]);
    }

    #[test]
    fn a_file_that_names_too_many_packages_says_so_once() {
        let mut found = Collector::locked(Kind::Npm);
        for number in 0..MOST_PACKAGES + 2 {
            found.add("a", &number.to_string(), Scope::Runtime, 1);
        }
        let analysis = found.finish();
        assert_eq!((analysis.packages.len(), analysis.not_scanned.len()), (MOST_PACKAGES, 1));
    }
}
