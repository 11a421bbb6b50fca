//! What is in an image: the facts of the files of all layers, put together.
//!
//! Only what is visible counts: a file that a higher layer removes or replaces says nothing. A package is named once, with every
//! place that shows it. What a distribution ships is answered by its own package: a library that lies in one of its files is
//! dropped, for the distribution's advisories know its patches and the library's do not. Packages of others in the same database
//! (Docker's, a cloud's) have no such advisories: what lies in their files stays.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::analyzer::{Analysis, OperatingSystem};
use crate::package::{Evidence, Kind, Package, Scope};

/// What one analyzer found in one file of a layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// The file's path from the root, without a leading slash.
    pub path: String,
    /// The analyzer's name.
    pub analyzer: String,
    /// What the file says.
    pub analysis: Analysis,
}

/// What the files of a layer say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// The layer's diff id.
    pub diff_id: String,
    /// What was found, in any order.
    pub found: Vec<Found>,
}

/// Where a package shows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Location {
    /// The file.
    pub path: String,
    /// The diff id of the layer that brought the package.
    pub layer: String,
    /// How the package is known there.
    pub evidence: Evidence,
    /// The line of the file, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
}

/// A package of an image.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Installed {
    /// The package, known by the best evidence of its locations.
    pub package: Package,
    /// Where it shows, by path; at least one.
    pub locations: Vec<Location>,
}

/// Something that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NotScanned {
    /// The file.
    pub path: String,
    /// The analyzer that read it.
    pub analyzer: String,
    /// Why.
    pub reason: String,
}

/// What is in an image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    /// The operating system, if it says what it is.
    pub system: Option<OperatingSystem>,
    /// The packages, in order of kind, name and version.
    pub packages: Vec<Installed>,
    /// How many packages were dropped because they lie in files of the operating system's packages.
    pub owned_by_system: usize,
    /// What could not be read.
    pub not_scanned: Vec<NotScanned>,
}

/// Puts together what the layers say, lowest first. `is_hidden` answers whether a layer above the one with this index removes or
/// replaces the path; a path that a higher layer has in its list is taken as replaced without asking. `is_foreign` answers whether
/// a package of the operating system's database is not the distribution's own.
pub fn inventory(
    layers: &[Layer],
    is_hidden: &dyn Fn(usize, &str) -> bool,
    is_foreign: &dyn Fn(&Package) -> bool,
) -> Inventory {
    let history = History::new(layers);
    let visible: Vec<Visible<'_>> = history.visible(is_hidden).collect();
    let owners = Owners::new(&visible, &history, is_foreign);
    let licenses = licenses(&visible);

    let mut inventory = Inventory { system: system(&visible), ..Inventory::default() };
    let mut merged: BTreeMap<Key<'_>, Installed> = BTreeMap::new();
    for one in &visible {
        for reason in &one.found.analysis.not_scanned {
            let (path, analyzer) = (one.found.path.clone(), one.found.analyzer.clone());
            inventory.not_scanned.push(NotScanned { path, analyzer, reason: reason.clone() });
        }
        for package in &one.found.analysis.packages {
            let first = history.first(one, package);
            if owners.own(&one.found.path, package, first) {
                inventory.owned_by_system += 1;
                continue;
            }
            let layer = if package.kind.is_of_system() { first } else { one.layer };
            let location = Location {
                path: one.found.path.clone(),
                layer: layers[layer].diff_id.clone(),
                evidence: package.evidence,
                line: package.line,
            };
            merge(&mut merged, package, location);
        }
    }
    inventory.packages = merged.into_values().collect();
    for installed in &mut inventory.packages {
        installed.locations.sort_unstable();
        installed.locations.dedup();
        let package = &mut installed.package;
        if package.kind == Kind::Deb && package.licenses.is_empty() {
            package.licenses =
                licenses.get(package.name.as_str()).map(|known| known.to_vec()).unwrap_or_default();
        }
    }
    inventory.not_scanned.sort_unstable();
    inventory
}

/// A result that no higher layer hides.
struct Visible<'a> {
    layer: usize,
    found: &'a Found,
}

/// The results of all layers, by file and analyzer, lowest layer first.
struct History<'a>(BTreeMap<(&'a str, &'a str), Vec<Past<'a>>>);

/// A result, and its packages to look for.
struct Past<'a> {
    layer: usize,
    found: &'a Found,
    keys: BTreeSet<Key<'a>>,
}

impl<'a> History<'a> {
    fn new(layers: &'a [Layer]) -> Self {
        let mut all: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (index, layer) in layers.iter().enumerate() {
            for found in &layer.found {
                let results = all.entry((found.path.as_str(), found.analyzer.as_str())).or_default();
                let keys = found.analysis.packages.iter().map(key).collect();
                results.push(Past { layer: index, found, keys });
            }
        }
        Self(all)
    }

    fn visible(&self, is_hidden: &dyn Fn(usize, &str) -> bool) -> impl Iterator<Item = Visible<'a>> {
        // Analyzers may leave out a file that another still reads: what counts is the file's last layer.
        let mut last: BTreeMap<&str, usize> = BTreeMap::new();
        for ((path, _), results) in &self.0 {
            let layer = results.last().map_or(0, |result| result.layer);
            last.entry(path).and_modify(|known| *known = layer.max(*known)).or_insert(layer);
        }
        let top = self.0.iter().filter_map(|((path, _), results)| Some((*path, results.last()?)));
        top.filter(move |(path, top)| last.get(path) == Some(&top.layer) && !is_hidden(top.layer, path))
            .map(|(_, top)| Visible { layer: top.layer, found: top.found })
    }

    /// The lowest layer from which on every version of the file up to the visible one has this package.
    fn first(&self, visible: &Visible<'_>, package: &Package) -> usize {
        let file = (visible.found.path.as_str(), visible.found.analyzer.as_str());
        let results = self.0.get(&file).map(Vec::as_slice).unwrap_or_default();
        let row = results.iter().rev().take_while(|result| result.keys.contains(&key(package)));
        row.last().map_or(visible.layer, |result| result.layer)
    }
}

/// What makes two records one package.
type Key<'a> = (Kind, &'a str, &'a str, Option<&'a str>);

fn key(package: &Package) -> Key<'_> {
    (package.kind, &package.name, &package.version, package.architecture.as_deref())
}

/// Adds a record. What records of one package say differently is decided by what they say, not by their order.
fn merge<'a>(merged: &mut BTreeMap<Key<'a>, Installed>, package: &'a Package, location: Location) {
    let Some(known) = merged.get_mut(&key(package)) else {
        let package_ = Package { line: None, ..package.clone() };
        merged.insert(key(package), Installed { package: package_, locations: vec![location] });
        return;
    };
    known.locations.push(location);
    let one = &mut known.package;
    one.evidence = one.evidence.min(package.evidence);
    // Used at run time anywhere is used at run time.
    one.scope = match (one.scope, package.scope) {
        (Scope::Runtime, _) | (_, Scope::Runtime) => Scope::Runtime,
        (first, second) => first.min(second),
    };
    one.source = least(one.source.take(), package.source.as_ref());
    one.vendor = least(one.vendor.take(), package.vendor.as_ref());
    one.module = least(one.module.take(), package.module.as_ref());
    let licenses: BTreeSet<String> = one.licenses.drain(..).chain(package.licenses.iter().cloned()).collect();
    one.licenses = licenses.into_iter().collect();
}

fn least<T: Clone + Ord>(one: Option<T>, other: Option<&T>) -> Option<T> {
    one.into_iter().chain(other.cloned()).min()
}

/// Which file belongs to a package of the operating system, and from which layer on.
struct Owners(BTreeMap<String, usize>);

impl Owners {
    fn new(visible: &[Visible<'_>], history: &History<'_>, is_foreign: &dyn Fn(&Package) -> bool) -> Self {
        let wanted: BTreeSet<String> = visible
            .iter()
            .filter(|one| one.found.analysis.packages.iter().any(can_be_owned))
            .map(|one| merged_usr(&one.found.path))
            .collect();
        let all = visible.iter().flat_map(|one| &one.found.analysis.packages);
        let of_system = all.filter(|package| package.kind.is_of_system() && is_foreign(package));
        let foreign: BTreeSet<&str> = of_system.map(|package| package.name.as_str()).collect();
        let mut owners: BTreeMap<String, usize> = BTreeMap::new();
        for one in visible.iter().filter(|one| !one.found.analysis.owned.is_empty()) {
            let named: BTreeMap<&str, &Package> =
                one.found.analysis.packages.iter().map(|package| (package.name.as_str(), package)).collect();
            let lists = one.found.analysis.owned.iter();
            for owned in lists.filter(|owned| !foreign.contains(owned.package.as_str())) {
                // dpkg's lists lie in files of their own; the other databases have packages and files together.
                let package = named.get(owned.package.as_str());
                let layer = package.map_or(one.layer, |package| history.first(one, package));
                for path in
                    owned.paths.iter().map(|path| merged_usr(path)).filter(|path| wanted.contains(path))
                {
                    let known = owners.entry(path).or_insert(layer);
                    *known = layer.max(*known);
                }
            }
        }
        Self(owners)
    }

    /// Whether the package, which has been in this file from layer `first` on, came with a package of the operating system. A file
    /// that a later layer has put in its place is not the distribution's any more.
    fn own(&self, path: &str, package: &Package, first: usize) -> bool {
        can_be_owned(package) && self.0.get(&merged_usr(path)).is_some_and(|layer| first <= *layer)
    }
}

fn can_be_owned(package: &Package) -> bool {
    !package.kind.is_of_system() && package.evidence != Evidence::LockFile
}

/// The path in a system whose `bin`, `lib` and so on are links into `usr`: packages may still list files there.
pub fn merged_usr(path: &str) -> String {
    let first = path.split('/').next().unwrap_or_default();
    let is_linked = matches!(first, "bin" | "lib" | "lib32" | "lib64" | "libx32" | "sbin");
    if is_linked && first.len() < path.len() { format!("usr/{path}") } else { path.to_owned() }
}

/// The licences of Debian's packages, whose records have none.
fn licenses<'a>(visible: &[Visible<'a>]) -> BTreeMap<&'a str, &'a [String]> {
    let licensed = visible.iter().flat_map(|one| &one.found.analysis.licensed);
    licensed.map(|licensed| (licensed.package.as_str(), licensed.licenses.as_slice())).collect()
}

/// Files that name the operating system, from the one that is believed first. A derivative may keep a file of its parent.
const SYSTEM_FILES: [&str; 10] = [
    "etc/os-release",
    "usr/lib/os-release",
    "etc/oracle-release",
    "etc/centos-release",
    "etc/fedora-release",
    "etc/redhat-release",
    "etc/system-release",
    "etc/alpine-release",
    "etc/lsb-release",
    "etc/debian_version",
];

fn system(visible: &[Visible<'_>]) -> Option<OperatingSystem> {
    let rank =
        |path: &str| SYSTEM_FILES.iter().position(|known| *known == path).unwrap_or(SYSTEM_FILES.len());
    let named = visible.iter().filter_map(|one| Some((&one.found.path, one.found.analysis.system.as_ref()?)));
    named.min_by_key(|(path, _)| (rank(path), path.as_str())).map(|(_, system)| system.clone())
}
