//! Layers become one list: what is seen, who owns it, and which layer brought it.

use plimsoll_packages::{
    Analysis, Evidence, Found, Inventory, Kind, Layer, Licensed, OperatingSystem, Owned, Package, Scope,
    inventory,
};
use proptest::prelude::*;

const STATUS: &str = "var/lib/dpkg/status";

fn package(kind: Kind, name: &str, version: &str) -> Package {
    let evidence = if kind == Kind::Golang { Evidence::Binary } else { Evidence::Installed };
    Package::new(kind, name, version, evidence)
}

fn found(path: &str, analyzer: &str, packages: Vec<Package>) -> Found {
    let analysis = Analysis { packages, ..Analysis::default() };
    Found { path: path.to_owned(), analyzer: analyzer.to_owned(), analysis }
}

fn status(packages: &[(&str, &str)]) -> Found {
    found(STATUS, "dpkg", packages.iter().map(|(name, version)| package(Kind::Deb, name, version)).collect())
}

fn list(name: &str, paths: &[&str]) -> Found {
    let owned =
        Owned { package: name.to_owned(), paths: paths.iter().map(|path| (*path).to_owned()).collect() };
    let analysis = Analysis { owned: vec![owned], ..Analysis::default() };
    Found { path: format!("var/lib/dpkg/info/{name}.list"), analyzer: "dpkg-files".to_owned(), analysis }
}

fn layers(all: Vec<Vec<Found>>) -> Vec<Layer> {
    all.into_iter()
        .enumerate()
        .map(|(index, found)| Layer { diff_id: format!("layer-{index}"), found })
        .collect()
}

fn put(all: Vec<Vec<Found>>) -> Inventory {
    inventory(&layers(all), &|_, _| false)
}

/// `name version layer`, a line a location.
fn lines(inventory: &Inventory) -> Vec<String> {
    let one = |installed: &plimsoll_packages::Installed| {
        let package = &installed.package;
        let line = |location: &plimsoll_packages::Location| {
            format!("{} {} {} {}", package.name, package.version, location.path, location.layer)
        };
        installed.locations.iter().map(line).collect::<Vec<_>>()
    };
    inventory.packages.iter().flat_map(one).collect()
}

#[test]
fn a_package_came_with_the_lowest_layer_from_which_on_it_is_in_the_database() {
    let found = put(vec![
        vec![status(&[("base", "1"), ("tool", "1"), ("back", "1")])],
        vec![status(&[("base", "1"), ("tool", "2")])],
        vec![],
        vec![status(&[("base", "1"), ("tool", "2"), ("back", "1"), ("new", "1")])],
    ]);
    assert_eq!(
        lines(&found),
        [
            "back 1 var/lib/dpkg/status layer-3",
            "base 1 var/lib/dpkg/status layer-0",
            "new 1 var/lib/dpkg/status layer-3",
            "tool 2 var/lib/dpkg/status layer-1",
        ]
    );
}

#[test]
fn what_a_higher_layer_hides_says_nothing() {
    let all = layers(vec![
        vec![
            found("app/package.json", "npm", vec![package(Kind::Npm, "old", "1")]),
            found("app/gone.jar", "java-archive", vec![package(Kind::Maven, "a:gone", "1")]),
            found("bin/app", "go-binary", vec![package(Kind::Golang, "stdlib", "1.20")]),
        ],
        vec![
            found("app/package.json", "npm", vec![package(Kind::Npm, "new", "2")]),
            found("bin/app", "rust-binary", vec![package(Kind::Cargo, "libc", "0.2.1")]),
        ],
    ]);
    let removed = |layer: usize, path: &str| layer == 0 && path == "app/gone.jar";
    assert_eq!(
        lines(&inventory(&all, &removed)),
        ["libc 0.2.1 bin/app layer-1", "new 2 app/package.json layer-1"]
    );
}

#[test]
fn what_lies_in_a_file_of_the_distribution_is_the_distributions() {
    let found = put(vec![vec![
        status(&[("python3-six", "1.16.0-4"), ("bat", "0.22-1")]),
        list("python3-six", &["usr/lib/python3/dist-packages/six-1.16.0.egg-info/PKG-INFO"]),
        list("bat", &["bin/bat", "usr/share/java/one.jar"]),
        found(
            "usr/lib/python3/dist-packages/six-1.16.0.egg-info/PKG-INFO",
            "python",
            vec![package(Kind::Pypi, "six", "1.16.0")],
        ),
        found("usr/bin/bat", "rust-binary", vec![package(Kind::Cargo, "libc", "0.2.1")]),
        found("opt/one.jar", "java-archive", vec![package(Kind::Maven, "a:one", "1")]),
        found(
            "usr/share/java/one.jar",
            "java-archive",
            vec![package(Kind::Maven, "a:one", "1"), package(Kind::Maven, "a:two", "2")],
        ),
    ]]);
    assert_eq!(
        lines(&found),
        [
            "bat 0.22-1 var/lib/dpkg/status layer-0",
            "python3-six 1.16.0-4 var/lib/dpkg/status layer-0",
            "a:one 1 opt/one.jar layer-0",
        ]
    );
    assert_eq!(found.owned_by_system, 4);
}

#[test]
fn what_a_later_layer_puts_in_the_place_of_a_file_is_not_the_distributions() {
    let npm = |version| {
        found("usr/lib/node_modules/npm/package.json", "npm", vec![package(Kind::Npm, "npm", version)])
    };
    let mut database = status(&[("npm", "9.2.0")]);
    database.analysis.owned = vec![Owned {
        package: "npm".to_owned(),
        paths: vec!["usr/lib/node_modules/npm/package.json".to_owned()],
    }];
    let replaced = put(vec![vec![database.clone(), npm("9.2.0")], vec![npm("10.0.0")]]);
    assert_eq!(
        lines(&replaced),
        ["npm 9.2.0 var/lib/dpkg/status layer-0", "npm 10.0.0 usr/lib/node_modules/npm/package.json layer-1"]
    );
    // The same bytes again, with another owner or another time.
    let touched = put(vec![vec![database, npm("9.2.0")], vec![npm("9.2.0")]]);
    assert_eq!(lines(&touched), ["npm 9.2.0 var/lib/dpkg/status layer-0"]);
    assert_eq!(touched.owned_by_system, 1);
}

#[test]
fn records_of_one_package_are_one_entry() {
    let mut locked = Package::new(Kind::Npm, "a", "1", Evidence::LockFile);
    locked.scope = Scope::Development;
    locked.line = Some(7);
    locked.licenses = vec!["MIT".to_owned()];
    let mut other = package(Kind::Npm, "a", "1");
    other.architecture = Some("arm64".to_owned());
    let found = put(vec![vec![
        found("package-lock.json", "npm-lock", vec![locked.clone(), locked]),
        found("node_modules/a/package.json", "npm", vec![package(Kind::Npm, "a", "1"), other]),
    ]]);
    assert_eq!(found.packages.len(), 2);
    let merged = &found.packages[0];
    assert_eq!((merged.package.evidence, merged.package.scope), (Evidence::Installed, Scope::Runtime));
    assert_eq!((merged.package.line, merged.package.licenses.as_slice()), (None, &["MIT".to_owned()][..]));
    let places: Vec<_> = merged.locations.iter().map(|place| (place.path.as_str(), place.line)).collect();
    assert_eq!(places, [("node_modules/a/package.json", None), ("package-lock.json", Some(7))]);
}

#[test]
fn licences_and_the_system_come_from_files_of_their_own() {
    let system = |path: &str, id: &str| {
        let system = OperatingSystem {
            id: id.to_owned(),
            codename: String::new(),
            version: "12".to_owned(),
            name: id.to_owned(),
            like: Vec::new(),
        };
        let analysis = Analysis { system: Some(system), ..Analysis::default() };
        Found { path: path.to_owned(), analyzer: "os-release".to_owned(), analysis }
    };
    let licensed = Licensed { package: "bash".to_owned(), licenses: vec!["GPL-3".to_owned()] };
    let mut copyright = found("usr/share/doc/bash/copyright", "dpkg-licenses", Vec::new());
    copyright.analysis.licensed = vec![licensed];
    let mut broken = found("lib/apk/db/installed", "apk", Vec::new());
    broken.analysis.not_scanned = vec!["it is not an apk database".to_owned()];
    let found = put(vec![vec![
        system("etc/debian_version", "debian"),
        system("usr/lib/os-release", "derivative"),
        status(&[("bash", "5.2")]),
        copyright,
        broken,
    ]]);
    assert_eq!(found.system.map(|system| system.id).as_deref(), Some("derivative"));
    assert_eq!(found.packages[0].package.licenses, ["GPL-3"]);
    assert_eq!(found.not_scanned.len(), 1);
}

/// A result with few names, so that they meet.
fn any_found() -> impl Strategy<Value = Found> {
    let kind = prop_oneof![Just(Kind::Deb), Just(Kind::Npm), Just(Kind::Maven)];
    let one = (kind, 0..3u8, 0..2u8, 0..3u8, proptest::option::of(0..2u8)).prop_map(
        |(kind, name, version, evidence, vendor)| {
            let evidence = [Evidence::Installed, Evidence::Binary, Evidence::LockFile][usize::from(evidence)];
            let mut package = Package::new(kind, format!("p{name}"), format!("{version}"), evidence);
            package.vendor = vendor.map(|vendor| format!("v{vendor}"));
            package.licenses = vec![format!("l{name}"), format!("l{version}")];
            package.scope =
                [Scope::Runtime, Scope::Development, Scope::Project][usize::from(version + name) % 3];
            package
        },
    );
    let owned = (0..3u8, 0..4u8)
        .prop_map(|(name, path)| Owned { package: format!("p{name}"), paths: vec![format!("lib/f{path}")] });
    let packages = proptest::collection::vec(one, 0..4);
    (0..4u8, packages, proptest::collection::vec(owned, 0..2)).prop_map(|(path, packages, owned)| {
        let analysis = Analysis { packages, owned, ..Analysis::default() };
        Found { path: format!("usr/lib/f{path}"), analyzer: "any".to_owned(), analysis }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_files_within_a_layer_does_not_matter(
        all in proptest::collection::vec(proptest::collection::vec(any_found(), 0..6), 0..4),
        hidden in any::<u8>(),
    ) {
        // A layer has a path once.
        let mut all = layers(all);
        for layer in &mut all {
            let mut seen = std::collections::BTreeSet::new();
            layer.found.retain(|found| seen.insert(found.path.clone()));
        }
        let is_hidden = |layer: usize, path: &str| usize::from(hidden) & (1 << ((layer + path.len()) % 8)) != 0;
        let forward = inventory(&all, &is_hidden);
        for layer in &mut all {
            layer.found.reverse();
        }
        prop_assert_eq!(&forward, &inventory(&all, &is_hidden));
        let json = serde_json::to_string(&forward).expect("JSON");
        prop_assert_eq!(forward, serde_json::from_str(&json).expect("the same"));
    }
}
