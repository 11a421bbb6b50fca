//! What is known of a package and has no place of its own in a bill of materials: pairs of a name and a text, which are read
//! back as they were written.

use plimsoll_packages::{Evidence, Purl, Scope};
use plimsoll_scan::report::{Named, Package, Report};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

const EVIDENCE: &str = "evidence";
const SCOPE: &str = "scope";
const ARCHITECTURE: &str = "architecture";
const SOURCE_NAME: &str = "source-name";
const SOURCE_VERSION: &str = "source-version";
const VENDOR: &str = "vendor";
const MODULE: &str = "module";
const LAYER: &str = "layer";

/// The pairs of a package.
pub(super) fn of(report: &Report, package: &Package) -> Vec<(&'static str, String)> {
    let mut pairs = vec![(EVIDENCE, name_of(package.evidence))];
    if package.scope != Scope::Runtime {
        pairs.push((SCOPE, name_of(package.scope)));
    }
    let mut push = |name, value: Option<&String>| pairs.extend(value.map(|value| (name, value.clone())));
    push(ARCHITECTURE, package.architecture.as_ref());
    push(SOURCE_NAME, package.source.as_ref().map(|source| &source.name));
    push(SOURCE_VERSION, package.source.as_ref().map(|source| &source.version));
    push(VENDOR, package.vendor.as_ref());
    push(MODULE, package.module.as_ref());
    let layers = package.locations.iter().filter_map(|location| report.target.layers.get(location.layer?));
    for layer in layers {
        let pair = (LAYER, layer.diff_id.clone());
        if !pairs.contains(&pair) {
            pairs.push(pair);
        }
    }
    pairs
}

/// Puts what a pair says into the package.
pub(super) fn apply(package: &mut Package, name: &str, value: &str) {
    let source = |package: &Package| {
        let own = Named { name: package.name.clone(), version: package.version.clone() };
        package.source.clone().unwrap_or(own)
    };
    match name {
        EVIDENCE => package.evidence = known(value).unwrap_or(package.evidence),
        SCOPE => package.scope = known(value).unwrap_or(package.scope),
        ARCHITECTURE => package.architecture = Some(value.to_owned()),
        SOURCE_NAME => package.source = Some(Named { name: value.to_owned(), ..source(package) }),
        SOURCE_VERSION => package.source = Some(Named { version: value.to_owned(), ..source(package) }),
        VENDOR => package.vendor = Some(value.to_owned()),
        MODULE => package.module = Some(value.to_owned()),
        _ => {}
    }
}

/// The package URL with the source in it, as other scanners look for it: without it they ask for the binary package, of which
/// distributions' advisories know nothing.
pub(super) fn purl(package: &Package) -> String {
    let source = package.source.as_ref().filter(|_| package.kind.is_of_system());
    match (source, Purl::parse(&package.purl)) {
        (Some(source), Ok(mut purl)) => {
            let upstream = if source.version == package.version {
                source.name.clone()
            } else {
                format!("{}@{}", source.name, source.version)
            };
            purl.qualifiers.insert("upstream".to_owned(), upstream);
            purl.to_string()
        }
        _ => package.purl.clone(),
    }
}

fn name_of(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(name)) => name,
        other => unreachable!("{other:?} is no name"),
    }
}

fn known<T: DeserializeOwned>(name: &str) -> Option<T> {
    serde_json::from_value(Value::String(name.to_owned())).ok()
}

/// How other tools' names of what found a package translate: a record of what is installed, a program, or a lock file.
pub(super) fn evidence(finder: &str) -> Evidence {
    const LOCK_FILES: [&str; 20] = [
        "bun",
        "bundler",
        "cargo",
        "cocoapods",
        "composer",
        "conan",
        "gomod",
        "gradle",
        "hex",
        "npm",
        "nuget",
        "pip",
        "pipenv",
        "pnpm",
        "poetry",
        "pom",
        "pub",
        "sbt",
        "uv",
        "yarn",
    ];
    if finder.contains("binary") || finder.contains("auditable") {
        Evidence::Binary
    } else if LOCK_FILES.contains(&finder) || finder.contains("lock") || finder.contains("go-mod-file") {
        Evidence::LockFile
    } else {
        Evidence::Installed
    }
}
