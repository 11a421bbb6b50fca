//! What is written as a bill of materials is read as the same packages.

use plimsoll_packages::{Evidence, Kind, Scope};
use plimsoll_report::{Bom, Format, Options, read_sbom, write};
use plimsoll_scan::Report;
use plimsoll_scan::report::{Named, Package};
use serde_json::Value;

use crate::reports::{image, location, package, plain};

/// The packages as a bill of materials can tell them: layers are the image's own.
fn told(report: &Report) -> Vec<Package> {
    let mut packages = report.packages.clone();
    for location in packages.iter_mut().flat_map(|package| &mut package.locations) {
        location.layer = None;
    }
    packages
}

fn round_trip(report: &Report, format: Format) -> Bom {
    let written = write(format, std::slice::from_ref(report), &Options::default());
    read_sbom(written.as_bytes()).expect("a bill of materials")
}

/// One package of each kind, and of each way to differ.
fn every_kind() -> Report {
    let names = [
        (Kind::Apk, "musl"),
        (Kind::Cargo, "serde_json"),
        (Kind::Cocoapods, "Firebase/Core"),
        (Kind::Composer, "Vendor/Name"),
        (Kind::Conan, "zlib"),
        (Kind::Conda, "numpy"),
        (Kind::Cran, "data.table"),
        (Kind::Deb, "g++"),
        (Kind::Gem, "rails"),
        (Kind::Golang, "github.com/Example/a/v2"),
        (Kind::Hackage, "aeson"),
        (Kind::Hex, "phoenix"),
        (Kind::Julia, "JSON"),
        (Kind::Maven, "org.example:a_b"),
        (Kind::Npm, "@scope/Name"),
        (Kind::Nuget, "Newtonsoft.Json"),
        (Kind::Pub, "http"),
        (Kind::Pypi, "Ruamel.Yaml_Clib"),
        (Kind::Rpm, "bash"),
        (Kind::Swift, "github.com/apple/swift-nio"),
    ];
    let mut packages: Vec<Package> = names
        .iter()
        .map(|(kind, name)| package(*kind, name, "1.0.0+x~1", location("a/file", None, 0)))
        .collect();
    for one in &mut packages {
        match one.kind {
            Kind::Deb => {
                *one = package(Kind::Deb, "g++", "4:12.2.0-3+b1", location("var/lib/dpkg/status", None, 0));
                one.source = Some(Named { name: "gcc-defaults".to_owned(), version: "1.203".to_owned() });
                one.vendor = Some("Debian".to_owned());
            }
            Kind::Rpm => {
                *one =
                    package(Kind::Rpm, "bash", "1:5.1-2.el9", location("var/lib/rpm/rpmdb.sqlite", None, 0));
                one.source =
                    Some(Named { name: "bash-source".to_owned(), version: "1:5.1-2.el9".to_owned() });
                one.module = Some("a:b:c:d".to_owned());
            }
            Kind::Golang => one.evidence = Evidence::Binary,
            Kind::Npm => {
                one.scope = Scope::Development;
                one.locations.push(location("b/package-lock.json", Some(9), 0));
            }
            Kind::Nuget => one.licenses = vec!["MIT".to_owned(), "See \"LICENSE\"".to_owned()],
            _ => {}
        }
    }
    plain("example/every:1", packages)
}

#[test]
fn packages_and_system_come_back() {
    for report in [image(), every_kind()] {
        for format in [Format::CycloneDx, Format::CycloneDxVex, Format::Spdx] {
            let bom = round_trip(&report, format);
            assert_eq!(bom.packages, told(&report), "{format}");
            assert_eq!(bom.target, report.target.name);
            assert!(bom.not_scanned.is_empty(), "{:?}", bom.not_scanned);
            let (read, system) = (bom.system.unwrap(), report.os.as_ref().unwrap());
            assert_eq!((&read.id, &read.version, &read.name), (&system.id, &system.version, &system.name));
        }
    }
}

#[test]
fn several_reports_are_in_one_document() {
    let (one, two) = (image(), plain("example/two:1", every_kind().packages));
    for format in [Format::CycloneDxVex, Format::Spdx] {
        let written = write(format, &[one.clone(), two.clone()], &Options::default());
        let bom = read_sbom(written.as_bytes()).unwrap();
        assert_eq!(bom.target, "example/app:1.0, example/two:1");
        assert_eq!(bom.packages.len(), one.packages.len() + two.packages.len());
    }
}

#[test]
fn other_scanners_find_the_source_package() {
    let mut report = image();
    report.packages.retain(|package| package.name == "libc6" || package.name == "libssl3");
    let written = write(Format::CycloneDx, std::slice::from_ref(&report), &Options::default());
    assert!(written.contains("&upstream=glibc%402.36-9\""), "{written}");
    assert!(written.contains("&upstream=openssl\""), "{written}");
}

#[test]
fn names_of_documents_follow_their_content() {
    let (image, other) = (image(), every_kind());
    let name = |report: &Report, format: Format, member: &str| {
        let written = write(format, std::slice::from_ref(report), &Options::default());
        let value: Value = serde_json::from_str(&written).unwrap();
        value[member].as_str().unwrap().to_owned()
    };
    for (format, member) in [(Format::CycloneDx, "serialNumber"), (Format::Spdx, "documentNamespace")] {
        assert_eq!(name(&image, format, member), name(&image, format, member));
        assert_ne!(name(&image, format, member), name(&other, format, member));
    }
}
