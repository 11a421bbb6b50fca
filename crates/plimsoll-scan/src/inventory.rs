//! The packages of an image: what its layers say, put together.
//!
//! A file counts when no later layer replaces or removes it. The database of the operating system is one file that many layers
//! write anew: a package came with the lowest layer from which on it stands in each of them. What belongs to a package of the
//! operating system is that package, and not one of the language it is written in: its maker mends it.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_packages::{Evidence, Kind, OperatingSystem, Package as Found};

use crate::facts::LayerFacts;
use crate::report::{Location, Named, Package};

/// The files of os-release(5), in the order in which they count.
const RELEASE_FILES: [&str; 2] = ["etc/os-release", "usr/lib/os-release"];

/// What the layers of an image say together.
#[derive(Debug, Default)]
pub struct Inventory {
    /// The operating system.
    pub system: Option<OperatingSystem>,
    /// The packages, by type, name, version and architecture.
    pub packages: Vec<Package>,
    /// How many files of language packages belong to packages of the operating system.
    pub owned_by_system: usize,
}

/// What makes two packages one.
type Key = (Kind, String, String, Option<String>);

/// Puts layers together, bottom first. `has_layers` tells whether places name them.
pub fn inventory(layers: &[LayerFacts], has_layers: bool) -> Inventory {
    let visible = visible(layers);
    let system = system(layers, &visible);
    let owned = owned(layers, &visible);
    let mut inventory = Inventory { system, ..Inventory::default() };
    let mut packages: BTreeMap<Key, Package> = BTreeMap::new();
    for (&path, &top) in &visible {
        if owned.contains(path) {
            inventory.owned_by_system += 1;
            continue;
        }
        for (analyzer, analysis) in &layers[top].files[path] {
            for found in &analysis.packages {
                let origin =
                    if found.kind.is_of_system() { origin(layers, top, path, analyzer, found) } else { top };
                let location =
                    Location { path: path.to_owned(), line: found.line, layer: has_layers.then_some(origin) };
                add(&mut packages, found, location, inventory.system.as_ref());
            }
        }
    }
    let licenses = licenses(layers, &visible);
    for package in packages.values_mut().filter(|package| package.kind.is_of_system()) {
        for license in licenses.get(package.name.as_str()).into_iter().copied().flatten() {
            if !package.licenses.contains(license) {
                package.licenses.push(license.clone());
            }
        }
    }
    inventory.packages = packages.into_values().collect();
    inventory
}

/// The paths that something was found at and that can be seen in the end, with the layers that they are in.
fn visible(layers: &[LayerFacts]) -> BTreeMap<&str, usize> {
    let mut visible = BTreeMap::new();
    for (place, layer) in layers.iter().enumerate() {
        for path in layer.files.keys() {
            if !is_hidden(layers, place, path) {
                visible.insert(path.as_str(), place);
            }
        }
    }
    visible
}

/// Whether a file of a layer cannot be seen through those above it.
pub(crate) fn is_hidden(layers: &[LayerFacts], place: usize, path: &str) -> bool {
    layers[place + 1..].iter().any(|above| above.paths.hide(path))
}

fn system(layers: &[LayerFacts], visible: &BTreeMap<&str, usize>) -> Option<OperatingSystem> {
    let of = |path: &str| {
        let layer = visible.get(path)?;
        layers[*layer].files[path].values().find_map(|analysis| analysis.system.clone())
    };
    let named = RELEASE_FILES.into_iter().find_map(of);
    named.or_else(|| visible.keys().find_map(|path| of(path)))
}

/// The paths with findings of language packages that belong to packages of the operating system.
fn owned<'f>(layers: &'f [LayerFacts], visible: &BTreeMap<&'f str, usize>) -> BTreeSet<&'f str> {
    let mut candidates: BTreeMap<&str, &str> = BTreeMap::new();
    for (&path, &layer) in visible {
        let is_language =
            |package: &Found| !package.kind.is_of_system() && package.evidence != Evidence::LockFile;
        if layers[layer].files[path].values().flat_map(|analysis| &analysis.packages).any(is_language) {
            candidates.insert(merged(path), path);
        }
    }
    let mut owned = BTreeSet::new();
    if candidates.is_empty() {
        return owned;
    }
    for (&path, &layer) in visible {
        let lists = layers[layer].files[path].values().flat_map(|analysis| &analysis.owned);
        for claimed in lists.flat_map(|owned| &owned.paths) {
            owned.extend(candidates.get(merged(claimed)).copied());
        }
    }
    owned
}

/// The licences of packages of the operating system that stand elsewhere than in its database.
fn licenses<'f>(
    layers: &'f [LayerFacts],
    visible: &BTreeMap<&'f str, usize>,
) -> BTreeMap<&'f str, &'f Vec<String>> {
    let said = visible.iter().flat_map(|(path, layer)| layers[*layer].files[*path].values());
    said.flat_map(|analysis| &analysis.licensed).map(|one| (one.package.as_str(), &one.licenses)).collect()
}

/// A path as it is in a system that keeps `bin`, `sbin` and `lib` in `usr`, which package lists write either way.
fn merged(path: &str) -> &str {
    let inner = path.strip_prefix("usr/").unwrap_or(path);
    let first = inner.split('/').next().unwrap_or_default();
    if matches!(first, "bin" | "sbin") || first.starts_with("lib") { inner } else { path }
}

/// The lowest layer from which on a package of the operating system stands in each database up to the one that counts.
fn origin(layers: &[LayerFacts], top: usize, path: &str, analyzer: &str, package: &Found) -> usize {
    let mut origin = top;
    for place in (0..top).rev() {
        let Some(analysis) = layers[place].files.get(path).and_then(|said| said.get(analyzer)) else {
            continue;
        };
        let is_same = |other: &Found| {
            (&other.name, &other.version, &other.architecture)
                == (&package.name, &package.version, &package.architecture)
        };
        if !analysis.packages.iter().any(is_same) {
            break;
        }
        origin = place;
    }
    origin
}

fn add(
    packages: &mut BTreeMap<Key, Package>,
    found: &Found,
    location: Location,
    system: Option<&OperatingSystem>,
) {
    let key = (found.kind, found.name.clone(), found.version.clone(), found.architecture.clone());
    let system = system.map(|system| (system.id.as_str(), system.version.as_str()));
    let package = packages.entry(key).or_insert_with(|| Package {
        kind: found.kind,
        name: found.name.clone(),
        version: found.version.clone(),
        purl: found.purl(system),
        evidence: found.evidence,
        scope: found.scope,
        architecture: found.architecture.clone(),
        source: found
            .source
            .as_ref()
            .map(|source| Named { name: source.name.clone(), version: source.version.clone() }),
        vendor: found.vendor.clone(),
        module: found.module.clone(),
        licenses: Vec::new(),
        locations: Vec::new(),
    });
    // The strongest evidence and the widest use of all places count.
    package.evidence = package.evidence.min(found.evidence);
    package.scope = package.scope.min(found.scope);
    for license in &found.licenses {
        if !package.licenses.contains(license) {
            package.licenses.push(license.clone());
        }
    }
    if !package.locations.contains(&location) {
        package.locations.push(location);
    }
}

#[cfg(test)]
mod tests {
    use plimsoll_layer::{Entry, LayerIndex};
    use plimsoll_packages::{Analysis, Owned};

    use super::*;
    use crate::facts::Paths;

    fn layer(files: &[(&str, Analysis)], removed: &[&str]) -> LayerFacts {
        let mut facts = LayerFacts::default();
        let mut entries: Vec<Entry> = removed.iter().map(|path| Entry::whiteout(*path)).collect();
        for (path, analysis) in files {
            entries.push(Entry::new(*path, plimsoll_layer::Kind::File { size: 1 }, 0o644));
            facts.files.entry((*path).to_owned()).or_default().insert("x".to_owned(), analysis.clone());
        }
        facts.paths = Paths::of(&LayerIndex::from_entries(entries).unwrap());
        facts
    }

    fn of(packages: &[(Kind, &str, &str)]) -> Analysis {
        let packages = packages
            .iter()
            .map(|(kind, name, version)| Found::new(*kind, *name, *version, Evidence::Installed))
            .collect();
        Analysis { packages, ..Analysis::default() }
    }

    type Places = Vec<(String, Option<usize>)>;

    fn names(inventory: &Inventory) -> Vec<(String, Places)> {
        let places = |package: &Package| {
            package.locations.iter().map(|place| (place.path.clone(), place.layer)).collect::<Vec<_>>()
        };
        inventory.packages.iter().map(|one| (format!("{} {}", one.name, one.version), places(one))).collect()
    }

    #[test]
    fn a_package_of_the_system_came_with_the_first_layer_that_keeps_it() {
        const STATUS: &str = "var/lib/dpkg/status";
        let layers = [
            layer(&[(STATUS, of(&[(Kind::Deb, "a", "1"), (Kind::Deb, "b", "1")]))], &[]),
            layer(&[("other", Analysis::default())], &[]),
            layer(&[(STATUS, of(&[(Kind::Deb, "a", "1"), (Kind::Deb, "b", "2")]))], &[]),
            layer(
                &[(STATUS, of(&[(Kind::Deb, "a", "1"), (Kind::Deb, "b", "2"), (Kind::Deb, "c", "1")]))],
                &[],
            ),
        ];
        let at = |layer| vec![(STATUS.to_owned(), Some(layer))];
        assert_eq!(
            names(&inventory(&layers, true)),
            [("a 1".to_owned(), at(0)), ("b 2".to_owned(), at(2)), ("c 1".to_owned(), at(3))]
        );
    }

    #[test]
    fn what_is_removed_is_not_there_and_what_is_in_two_places_is_one() {
        let npm = |version| of(&[(Kind::Npm, "x", version)]);
        let layers = [
            layer(&[("a/p", npm("1")), ("b/p", npm("1")), ("c/p", npm("2"))], &[]),
            layer(&[("b/p", npm("3"))], &["c"]),
        ];
        assert_eq!(
            names(&inventory(&layers, false)),
            [
                ("x 1".to_owned(), vec![("a/p".to_owned(), None)]),
                ("x 3".to_owned(), vec![("b/p".to_owned(), None)])
            ]
        );
    }

    #[test]
    fn what_the_system_owns_is_the_systems() {
        let paths = ["lib/python3/x/METADATA".to_owned(), "usr/share/y.jar".to_owned()];
        let mut list = of(&[(Kind::Deb, "python3-x", "1")]);
        list.owned = vec![Owned { package: "python3-x".to_owned(), paths: paths.to_vec() }];
        let layers = [layer(
            &[
                ("var/lib/dpkg/status", list),
                ("usr/lib/python3/x/METADATA", of(&[(Kind::Pypi, "x", "1")])),
                ("usr/share/y.jar", of(&[(Kind::Maven, "g:y", "1")])),
                ("usr/local/lib/python3/x/METADATA", of(&[(Kind::Pypi, "x", "2")])),
            ],
            &[],
        )];
        let inventory = inventory(&layers, true);
        assert_eq!(inventory.owned_by_system, 2);
        let names: Vec<_> = inventory.packages.iter().map(|package| package.name.as_str()).collect();
        assert_eq!(names, ["python3-x", "x"]);
        assert_eq!(inventory.packages[1].version, "2");
    }
}
