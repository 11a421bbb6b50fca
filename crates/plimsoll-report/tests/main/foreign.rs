//! Bills of materials in the forms of other tools, and what is none.

use plimsoll_packages::{Evidence, Kind};
use plimsoll_report::{Bom, Format, Options, SbomError, read_sbom, write};
use plimsoll_scan::report::{Location, Named};
use serde_json::{Value, json};

use crate::reports::image;

fn read(document: &Value) -> Bom {
    read_sbom(document.to_string().as_bytes()).expect("a bill of materials")
}

fn named(name: &str, version: &str) -> Named {
    Named { name: name.to_owned(), version: version.to_owned() }
}

fn file(path: &str) -> Location {
    Location { path: path.to_owned(), line: None, layer: None }
}

#[test]
fn syfts_cyclonedx() {
    let bom = read(&json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "metadata": { "component": { "type": "container", "name": "example/app", "version": "sha256:ab" } },
        "components": [
            {
                "type": "library", "name": "libssl3", "version": "3.0.11-1~deb12u1",
                "purl": "pkg:deb/debian/libssl3@3.0.11-1~deb12u1?arch=amd64&distro=debian-12&upstream=openssl",
                "licenses": [{ "license": { "id": "Apache-2.0" } }, { "license": { "name": "GPL-2+" } }],
                "properties": [
                    { "name": "syft:package:foundBy", "value": "dpkg-db-cataloger" },
                    { "name": "syft:location:0:path", "value": "/var/lib/dpkg/status" },
                    { "name": "syft:metadata:source", "value": "openssl" },
                ],
            },
            {
                "type": "library", "name": "github.com/a/b", "version": "v1.2.3", "purl": "pkg:golang/github.com/a/b@v1.2.3",
                "properties": [{ "name": "syft:package:foundBy", "value": "go-module-binary-cataloger" }],
            },
            { "type": "file", "name": "/usr/bin/app" },
            { "type": "application", "name": "node", "version": "20", "purl": "pkg:generic/node@20" },
            {
                "type": "operating-system", "name": "debian", "version": "12", "description": "Debian GNU/Linux 12 (bookworm)",
                "properties": [{ "name": "syft:distro:versionID", "value": "12" }],
            },
        ],
    }));
    assert_eq!(bom.target, "example/app");
    let system = bom.system.unwrap();
    assert_eq!(
        (&*system.id, &*system.version, &*system.name),
        ("debian", "12", "Debian GNU/Linux 12 (bookworm)")
    );
    assert_eq!(bom.packages.len(), 2);
    let ssl = &bom.packages[0];
    assert_eq!((ssl.kind, &*ssl.name, ssl.architecture.as_deref()), (Kind::Deb, "libssl3", Some("amd64")));
    assert_eq!(ssl.source, Some(named("openssl", "3.0.11-1~deb12u1")));
    assert_eq!(ssl.purl, "pkg:deb/debian/libssl3@3.0.11-1~deb12u1?arch=amd64&distro=debian-12");
    assert_eq!(ssl.licenses, ["Apache-2.0", "GPL-2+"]);
    assert_eq!(ssl.locations, [file("var/lib/dpkg/status")]);
    assert_eq!(bom.packages[1].evidence, Evidence::Binary);
    assert_eq!(bom.not_scanned.len(), 1);
    assert!(bom.not_scanned[0].reason.contains("package type `generic`: node"), "{:?}", bom.not_scanned);
}

#[test]
fn trivys_cyclonedx() {
    let property =
        |name: &str, value: &str| json!({ "name": format!("aquasecurity:trivy:{name}"), "value": value });
    let bom = read(&json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "metadata": { "component": { "type": "container", "name": "example/app:1", "purl": "pkg:oci/app@sha256%3Aab" } },
        "components": [
            { "type": "operating-system", "name": "debian", "version": "12.5" },
            { "type": "application", "name": "app/package-lock.json", "properties": [property("Type", "npm")] },
            {
                "type": "library", "name": "vim-common", "version": "2:9.0.1378-2", "supplier": { "name": "Somebody" },
                "purl": "pkg:deb/debian/vim-common@9.0.1378-2?arch=all&distro=debian-12.5&epoch=2",
                "properties": [
                    property("PkgType", "debian"), property("SrcName", "vim"), property("SrcVersion", "9.0.1378"),
                    property("SrcRelease", "2"), property("SrcEpoch", "2"),
                ],
            },
            {
                "type": "library", "group": "@babel", "name": "core", "version": "7.0.0", "purl": "pkg:npm/%40babel/core@7.0.0",
                "properties": [property("PkgType", "npm"), property("FilePath", "app/package-lock.json")],
            },
            {
                "type": "library", "group": "org.example", "name": "a", "version": "1", "purl": "pkg:maven/org.example/a@1",
                "properties": [property("PkgType", "jar")],
            },
        ],
    }));
    let names: Vec<&str> = bom.packages.iter().map(|package| &*package.name).collect();
    assert_eq!(names, ["vim-common", "org.example:a", "@babel/core"]);
    assert_eq!(bom.packages[0].version, "2:9.0.1378-2");
    assert_eq!(bom.packages[0].source, Some(named("vim", "2:9.0.1378-2")));
    assert_eq!(bom.packages[2].evidence, Evidence::LockFile);
    assert_eq!(bom.packages[2].locations, [file("app/package-lock.json")]);
    assert_eq!(bom.system.unwrap().version, "12");
    assert!(bom.not_scanned.is_empty(), "{:?}", bom.not_scanned);
}

fn spdx_package(id: &str, name: &str, version: &str, purl: &str) -> Value {
    json!({
        "SPDXID": id, "name": name, "versionInfo": version, "downloadLocation": "NOASSERTION",
        "externalRefs": [
            { "referenceCategory": "SECURITY", "referenceType": "cpe23Type", "referenceLocator": "cpe:2.3:a:x" },
            { "referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl },
        ],
    })
}

#[test]
fn spdx_of_syft_and_of_trivy() {
    let mut musl = spdx_package(
        "SPDXRef-1",
        "musl-utils",
        "1.2.4-r2",
        "pkg:apk/alpine/musl-utils@1.2.4-r2?arch=x86_64&distro=3.19.1",
    );
    musl["sourceInfo"] = json!("built package from: musl 1.2.4-r2");
    musl["licenseDeclared"] = json!("MIT AND LicenseRef-x");
    let mut django = spdx_package("SPDXRef-2", "Django", "4.2", "pkg:pypi/django@4.2");
    django["sourceInfo"] =
        json!("acquired package info from installed python package manifest file: /usr/lib/django/METADATA");
    let root =
        json!({ "SPDXID": "SPDXRef-root", "name": "example/app", "primaryPackagePurpose": "CONTAINER" });
    let mut document = json!({
        "spdxVersion": "SPDX-2.2", "SPDXID": "SPDXRef-DOCUMENT", "name": "sbom", "documentDescribes": ["SPDXRef-root"],
        "packages": [root, musl, django],
    });
    let bom = read(&document);
    assert_eq!(bom.target, "example/app");
    let names: Vec<&str> = bom.packages.iter().map(|package| &*package.name).collect();
    assert_eq!(names, ["musl-utils", "Django"]);
    assert_eq!(bom.packages[0].source, Some(named("musl", "1.2.4-r2")));
    assert_eq!(bom.packages[1].locations, [file("usr/lib/django/METADATA")]);
    let system = bom.system.unwrap();
    assert_eq!((&*system.id, &*system.version), ("alpine", "3.19.1"));
    // Without a subject, the document's own name is what there is.
    document["documentDescribes"] = Value::Null;
    document["packages"].as_array_mut().unwrap().remove(0);
    assert_eq!(read(&document).target, "sbom");
}

#[test]
fn the_predicate_of_a_statement() {
    let report = image();
    for (format, kind) in
        [(Format::Spdx, "https://spdx.dev/Document"), (Format::CycloneDx, "https://cyclonedx.org/bom")]
    {
        let document = write(format, std::slice::from_ref(&report), &Options::default());
        let predicate: Value = serde_json::from_str(&document).unwrap();
        let statement = json!({
            "_type": "https://in-toto.io/Statement/v0.1", "predicateType": kind, "subject": [], "predicate": predicate,
        });
        assert_eq!(read(&statement), read_sbom(document.as_bytes()).unwrap());
    }
}

#[test]
fn what_is_passed_over_is_counted_and_named() {
    let component = |at: usize| json!({ "type": "library", "name": format!("c{at}"), "version": "1" });
    let mut components: Vec<Value> = (0..8).map(component).collect();
    components.push(json!({ "type": "library", "name": "broken", "purl": "pkg:npm/x@%zz" }));
    let bom = read(&json!({ "bomFormat": "CycloneDX", "specVersion": "1.4", "components": components }));
    let reasons: Vec<&str> = bom.not_scanned.iter().map(|one| &*one.reason).collect();
    assert_eq!(reasons.len(), 2);
    assert!(reasons[0].contains("a broken package URL") && reasons[0].ends_with(": broken"), "{reasons:?}");
    assert!(reasons[1].ends_with("no package URL: c0, c1, c2, c3, c4 and 3 more"), "{reasons:?}");
}

#[test]
fn what_is_no_bill_of_materials_is_refused_with_the_way_out() {
    let error = |text: &str| read_sbom(text.as_bytes()).unwrap_err();
    assert!(matches!(error("\u{feff}<?xml version=\"1.0\"?><bom/>"), SbomError::Xml));
    assert!(matches!(error("SPDXVersion: SPDX-2.3\n"), SbomError::TagValue));
    assert!(matches!(error("{}"), SbomError::Unknown));
    assert!(matches!(error("{\"bomFormat\":"), SbomError::Json { .. }));
    assert!(matches!(error(r#"{"payloadType":"x","payload":"e30="}"#), SbomError::Envelope));
    assert!(matches!(error(r#"{"predicateType":"slsa","predicate":{}}"#), SbomError::Predicate { .. }));
    assert!(matches!(
        error(r#"{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld"}"#),
        SbomError::Version { .. }
    ));
    let old = error(r#"{"bomFormat":"CycloneDX","specVersion":"1.1"}"#).to_string();
    assert_eq!(old, "it is CycloneDX 1.1, and 1.2 to 1.6 are read");
    let deep = format!(
        "{{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\",\"components\":{}",
        "[".repeat(100_000)
    );
    assert!(matches!(error(&deep), SbomError::Json { .. }));
}

#[test]
fn a_broken_document_is_an_error_and_no_more() {
    for format in [Format::Spdx, Format::CycloneDx] {
        let document = write(format, &[image()], &Options::default()).into_bytes();
        for at in (0..document.len() - 2).step_by(97) {
            assert!(read_sbom(&document[..at]).is_err(), "{at}");
            for byte in [b'"', b'{', 0xff] {
                let mut changed = document.clone();
                changed[at] = byte;
                // Whether it still is a document depends on the place; that it ends is what counts.
                let _any = read_sbom(&changed);
            }
        }
    }
}
