//! Each source: what is affected is found, what is fixed is not, and what cannot be converted is named.

use std::io::{Cursor, Write as _};
use std::path::Path;

use plimsoll_advisories::{BuildError, Builder, Database, DetailsTo, Skip, SourceKind, SourceReport};

use crate::support::{ALL, BUILT, database, find, fixture, lines};

fn skips(report: &SourceReport) -> Vec<String> {
    assert_eq!(report.skipped, report.skips.len() as u64);
    report.skips.iter().map(|Skip { name, reason }| format!("{name}: {reason}")).collect()
}

#[test]
fn osv_records_in_json_and_yaml() {
    let (database, report) = database(&[(SourceKind::OsvDir, "osv")]);
    let source = &report.sources[0];
    assert_eq!((source.records, source.withdrawn, source.ignored_files), (13, 1, 1));
    assert_eq!(
        skips(source),
        [
            "broken.json: EOF while parsing an object at line 2 column 0",
            "git-only.json (OSV-2024-1): it names no package of an ecosystem",
            "no-versions.json (GHSA-nnnn-nnnn-nnnn): `npm example-lib` has neither ranges of versions nor versions",
        ]
    );
    let found = |name, version| lines(&database, "npm", name, version);
    let expected = ["CVE-2024-1001 medium(ghsa) fixed 1.4.2 [GHSA-aaaa-bbbb-cccc]"];
    assert_eq!(found("example-lib", "1.4.1"), expected);
    assert_eq!(found("example-lib", "1.4.2"), [""; 0]);
    assert_eq!(found("example-lib", "0.9.0"), [""; 0]);
    let expected = ["CVE-2024-1001 medium(ghsa) fixed 2.1.0 [GHSA-aaaa-bbbb-cccc]"];
    assert_eq!(found("example-lib", "2.0.0-beta.1"), expected);
    let expected = ["CVE-2024-1001 medium(ghsa) affected - [GHSA-aaaa-bbbb-cccc]"];
    assert_eq!(found("@example/unfixed", "3.2.1"), expected);
    assert_eq!(found("@example/unfixed", "3.2.2"), [""; 0]);
    assert_eq!(found("Example-lib", "1.4.1"), [""; 0]);
}

#[test]
fn records_of_one_vulnerability_are_one_finding() {
    let (database, _) = database(&[(SourceKind::OsvDir, "osv")]);
    let found = |name, version| lines(&database, "PyPI", name, version);
    let aliases = "[GHSA-dddd-eeee-ffff PYSEC-2024-7]";
    assert_eq!(
        found("Example.Templates", "2.4.9"),
        [format!("CVE-2024-1002 critical(ghsa) fixed 2.5 {aliases}")]
    );
    // The release candidate that one source calls fixed, the other does not.
    assert_eq!(
        found("example-templates", "2.5rc1"),
        [format!("CVE-2024-1002 critical(ghsa) fixed 2.5 {aliases}")]
    );
    assert_eq!(found("example-templates", "2.5"), [""; 0]);
    // Listed, although no range has it.
    assert_eq!(
        found("example_templates", "1!0.1"),
        [format!("CVE-2024-1002 critical(ghsa) affected - {aliases}")]
    );
    let finding = find(&database, "PyPI", "example-templates", "1.0").remove(0);
    assert_eq!(finding.summary.as_deref(), Some("Templates run code"));
    assert!(finding.vector.is_some_and(|vector| vector.starts_with("CVSS:4.0")));
    assert_eq!(finding.score_tenths, Some(93));
    let details = database.details("CVE-2024-1002").expect("it is whole").expect("there are details");
    assert_eq!(details.text, "Templates run what users write. A second sentence follows.");
}

#[test]
fn records_of_distributions_are_about_their_upstreams() {
    let (database, _) = database(&[(SourceKind::OsvDir, "osv")]);
    let found = |ecosystem, name, version| lines(&database, ecosystem, name, version);
    assert_eq!(
        found("Debian:12", "example", "1:2.3-4"),
        [
            "CVE-2024-1003 medium(nvd) fixed 1:2.3-4+deb12u2 []",
            // The record without a release is for all of them, but says nothing that the release says itself.
            "CVE-2024-1007 unknown(nobody) fixed 1:2.3-5 [DSA-9-1]",
        ]
    );
    assert_eq!(found("Debian:12", "example", "1:2.3-5"), [""; 0]);
    assert_eq!(found("Debian:11", "example", "1:2.3-5"), ["CVE-2024-1003 negligible(debian) affected - []"]);
    assert_eq!(
        found("Red Hat:enterprise_linux:9", "example-libs", "3.0.7-24.el9"),
        [
            "CVE-2024-1004 critical(redhat) fixed 0:3.0.7-25.el9_3 [RHSA-2024:0001]",
            "CVE-2024-1005 critical(redhat) fixed 0:3.0.7-25.el9_3 [RHSA-2024:0001]",
        ]
    );
    assert_eq!(found("Red Hat:enterprise_linux:9", "example-libs", "3.0.7-25.el9_3"), [""; 0]);
    assert_eq!(found("Red Hat:enterprise_linux:8", "example-libs", "3.0.7-24.el8"), [""; 0]);
    assert_eq!(
        found("Rocky Linux:8", "example", "1.2-2.el8"),
        ["CVE-2023-2001 unknown(nobody) fixed 0:1.2-3.el8 [RLSA-2023:1]"]
    );
    assert_eq!(
        found("Ubuntu:22.04", "example", "1.0-1ubuntu2"),
        ["CVE-2024-1006 medium(ubuntu) fixed 1.0-1ubuntu2.1 []"]
    );
    assert_eq!(found("Ubuntu:24.04", "example", "1.0-1ubuntu2"), [""; 0]);
}

#[test]
fn ecosystems_are_open() {
    let (database, _) = database(&[(SourceKind::OsvDir, "osv")]);
    let found = |ecosystem, name, version| lines(&database, ecosystem, name, version);
    let expected = ["SWIFT-1 unknown(nobody) fixed 4.29.4 []"];
    assert_eq!(found("SwiftURL", "github.com/example/server", "4.9.0"), expected);
    assert_eq!(found("SwiftURL", "https://github.com/Example/Server", "4.29.4"), [""; 0]);
    let expected = ["NEW-1 unknown(nobody) affected - []"];
    assert_eq!(found("Tomorrow", "thing", "1.9"), expected);
    assert_eq!(found("Tomorrow", "thing", "0.9"), expected);
    assert_eq!(found("Tomorrow", "thing", "1.10"), [""; 0]);
}

#[test]
fn the_debian_tracker_knows_what_will_not_be_fixed() {
    let (database, report) = database(&[(SourceKind::DebianTracker, "debian-tracker")]);
    let source = &report.sources[0];
    assert_eq!(source.records, 7);
    assert_eq!(
        skips(source),
        [
            "example CVE-2024-1010: there is no Debian release `someday`",
            "example CVE-2024-1011 in bookworm: its status is `undetermined`",
            "example CVE-2024-1012: invalid type: string \"nonsense\", expected a map",
            "example CVE-2024-1013 in bookworm: `not a version` is no version of `deb`",
            "broken: it is no object of vulnerabilities",
        ]
    );
    let found = |release, version| lines(&database, release, "example", version);
    assert_eq!(
        found("Debian:12", "1:2.3-4+deb12u2"),
        [
            "CVE-2024-1003 unknown(nobody) fixed 1:2.3-4+deb12u3 []",
            "CVE-2024-1010 low(debian) will-not-fix - []",
            "TEMP-0000001-ABCDEF low(debian) affected - []",
        ]
    );
    assert_eq!(
        found("Debian:11", "1:2.0-1"),
        ["CVE-2024-1003 negligible(debian) affected - []", "CVE-2024-1010 unknown(nobody) postponed - []",]
    );
    assert_eq!(found("Debian:13", "1"), ["CVE-2024-1010 unknown(nobody) will-not-fix - []"]);
    assert_eq!(found("Debian:10", "1"), ["CVE-2024-1010 unknown(nobody) end-of-life - []"]);
    assert_eq!(found("Debian:sid", "1"), ["CVE-2024-1010 high(debian) affected - []"]);
    let summary = find(&database, "Debian:11", "example", "1")[0].summary.clone();
    assert_eq!(summary.as_deref(), Some("A buffer in example is too short"));
}

#[test]
fn debian_s_lists_of_advisories() {
    let (database, report) = database(&[(SourceKind::DebianDsaDla, "debian-lists")]);
    assert_eq!(
        skips(&report.sources[0]),
        [
            "DLA/list:4: it is no head of an advisory",
            "DLA/list:5: it belongs to no advisory",
            "DSA/list:8 (DSA-5): there is no Debian release `someday`",
            "DSA/list:9 (DSA-5): `[woody] nonsense` is not `[release] - package version`",
        ]
    );
    let found = |release, name, version| lines(&database, release, name, version);
    assert_eq!(
        found("Debian:12", "example", "1:2.3-4"),
        [
            "CVE-2024-1003 unknown(nobody) fixed 1:2.3-4+deb12u2 [DSA-5001-1]",
            "CVE-2024-1020 unknown(nobody) fixed 1:2.3-4+deb12u2 [DSA-5001-1]",
        ]
    );
    assert_eq!(found("Debian:12", "example", "1:2.3-4+deb12u2"), [""; 0]);
    assert_eq!(found("Debian:11", "example", "1:2.3-4"), [""; 0]);
    assert_eq!(found("Debian:3.0", "oldone", "0.9-1"), ["DSA-5 unknown(nobody) fixed 1.0-1 []"]);
    assert_eq!(
        found("Debian:10", "example", "9"),
        ["CVE-2024-1021 unknown(nobody) end-of-life - [DLA-3001-1]"]
    );
}

#[test]
fn the_alpine_database_and_those_of_its_form() {
    let (database, report) = database(&[(SourceKind::AlpineSecdb, "alpine")]);
    assert_eq!(
        skips(&report.sources[0]),
        [
            "unknown.json: it says neither `distroversion` nor an `urlprefix` of a known distribution",
            "wolfi.json example 2.0-r3: `42` names no vulnerability",
        ]
    );
    let found = |ecosystem, version| lines(&database, ecosystem, "example", version);
    assert_eq!(
        found("Alpine:v3.18", "1.2.3-r0"),
        [
            // Fixed twice: the first fix was not enough.
            "CVE-2024-1030 unknown(nobody) fixed 1.2.4-r1 []",
            "CVE-2024-1031 unknown(nobody) fixed 1.2.4-r1 [XSA-99]",
        ]
    );
    assert_eq!(found("Alpine:v3.18", "1.2.4-r1"), [""; 0]);
    assert_eq!(found("Alpine:v3.17", "1.2.3-r0"), [""; 0]);
    assert_eq!(
        found("Wolfi", "2.0-r2"),
        [
            "CVE-2024-1033 unknown(nobody) fixed 2.0-r3 []",
            "GHSA-gggg-hhhh-iiii unknown(nobody) fixed 2.0-r3 []",
        ]
    );
    assert_eq!(found("Wolfi", "2.0-r3"), [""; 0]);
}

#[test]
fn rustsec_lists_what_is_not_affected() {
    let (database, report) = database(&[(SourceKind::Rustsec, "rustsec")]);
    let source = &report.sources[0];
    assert_eq!((source.records, source.withdrawn), (4, 1));
    assert_eq!(skips(source), ["crates/example/RUSTSEC-2024-0004.md: `at some time` is no requirement"]);
    let found = |name, version| lines(&database, "crates.io", name, version);
    let aliases = "[GHSA-jjjj-kkkk-llll RUSTSEC-2024-0001]";
    assert_eq!(found("example", "0.1.0"), [""; 0]);
    assert_eq!(found("example", "0.4.6"), [format!("CVE-2024-1040 medium(rustsec) fixed 0.4.7 {aliases}")]);
    assert_eq!(found("example", "0.4.7"), [""; 0]);
    assert_eq!(found("example", "1.0.0"), [format!("CVE-2024-1040 medium(rustsec) fixed 1.2.5 {aliases}")]);
    assert_eq!(found("example", "1.2.5"), [""; 0]);
    assert_eq!(found("example-old", "9.9.9"), ["RUSTSEC-2024-0002 negligible(rustsec) affected - []"]);
    let details = database.details("CVE-2024-1040").expect("it is whole").expect("there are details");
    assert_eq!(details.summary, "Keys are compared in variable time");
    assert_eq!((details.text.as_str(), details.links.len()), ("Use another function.", 1));
}

#[test]
fn scores_come_from_sources_of_their_own() {
    let (database, report) = database(&ALL);
    let reports = |kind| report.sources.iter().find(|source| source.kind == kind).expect("it was read");
    assert_eq!(reports(SourceKind::Epss).records, 2);
    assert_eq!(
        skips(reports(SourceKind::Epss)),
        ["epss.csv:5: it is not `cve,epss,percentile`", "epss.csv:6: it is not `cve,epss,percentile`"]
    );
    assert_eq!(skips(reports(SourceKind::Kev)), ["kev.json: `none` is no CVE identifier"]);
    assert_eq!(
        skips(reports(SourceKind::Nvd)),
        ["CVE-2024-9998: none of its vectors can be scored", "table.csv:3: it is not `CVE,vector`"]
    );
    let first = |ecosystem, name, version| find(&database, ecosystem, name, version).remove(0);

    let finding = first("npm", "example-lib", "1.0.0");
    let epss = finding.epss.expect("EPSS has it");
    assert!((epss.score - 0.97565).abs() < 1e-9 && (epss.percentile - 0.99996).abs() < 1e-9);
    assert!(!finding.kev);

    let finding = first("Debian:12", "example", "1:2.3-4");
    assert_eq!((finding.id.as_str(), finding.kev), ("CVE-2024-1003", true));
    let kinds: Vec<&str> =
        finding.sources.iter().map(|place| database.sources()[*place].kind.as_str()).collect();
    assert_eq!(kinds, ["osv-dir", "debian-tracker", "debian-dsa-dla"]);

    // NVD's own vector before that of another, and before an advisory's for several vulnerabilities.
    let found = lines(&database, "Alpine:v3.18", "example", "1.2.3-r0");
    assert_eq!(found[0], "CVE-2024-1030 medium(nvd) fixed 1.2.4-r1 []");
    assert_eq!(found[1], "CVE-2024-1031 medium(nvd) fixed 1.2.4-r1 [XSA-99]");
    let found = lines(&database, "Red Hat:enterprise_linux:9", "example-libs", "1");
    assert_eq!(found[0], "CVE-2024-1004 low(nvd) fixed 0:3.0.7-25.el9_3 [RHSA-2024:0001]");
    assert_eq!(found[1], "CVE-2024-1005 critical(redhat) fixed 0:3.0.7-25.el9_3 [RHSA-2024:0001]");
}

#[test]
fn the_distribution_s_own_source_decides() {
    let (database, _) = database(&ALL);
    assert_eq!(
        lines(&database, "Debian:12", "example", "1:2.3-4+deb12u2"),
        [
            // The conversion and the list say that this version is fixed, the tracker says that it is not.
            "CVE-2024-1003 medium(nvd) fixed 1:2.3-4+deb12u3 [DSA-5001-1]",
            // Not affected, says the tracker of CVE-2024-1007; the record without a release still names it.
            "CVE-2024-1007 unknown(nobody) fixed 1:2.3-5 [DSA-9-1]",
            "CVE-2024-1010 low(debian) will-not-fix - []",
            "TEMP-0000001-ABCDEF low(debian) affected - []",
        ]
    );
}

/// The same records, however they are packed.
#[test]
fn archives_are_read_as_folders_are() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut tar = tar::Builder::new(Vec::new());
    tar.append_dir_all("osv", fixture("osv")).expect("the fixture can be packed");
    let tar = tar.into_inner().expect("memory takes it");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&tar).expect("memory takes it");
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for name in [
        "GHSA-aaaa-bbbb-cccc.json",
        "GHSA-dddd-eeee-ffff.json",
        "distributions.json",
        "withdrawn.json",
        "broken.json",
        "git-only.json",
        "no-versions.json",
        "README.md",
        "nested/PYSEC-2024-7.yaml",
    ] {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).expect("memory takes it");
        zip.write_all(&std::fs::read(fixture("osv").join(name)).expect("it is there"))
            .expect("memory takes it");
    }
    let archives = [
        ("all.zip", zip.finish().expect("memory takes it").into_inner()),
        ("osv.tar.zst", zstd::encode_all(tar.as_slice(), 3).expect("memory takes it")),
        ("osv.tar.gz", gzip.finish().expect("memory takes it")),
        ("osv.tar", tar),
    ];
    let build = |path: &Path| {
        let mut builder = Builder::new(BUILT, directory.path());
        builder.add(SourceKind::OsvZip, path, "same").expect("it can be read");
        let mut bytes = Vec::new();
        builder.finish(&mut bytes, DetailsTo::Database).expect("it can be built");
        bytes
    };
    let expected = build(&fixture("osv"));
    for (name, content) in archives {
        let path = directory.path().join(name);
        std::fs::write(&path, content).expect("it can be written");
        assert!(build(&path) == expected, "{name}");
    }
    let single = directory.path().join("GHSA-aaaa-bbbb-cccc.json.gz");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&std::fs::read(fixture("osv/GHSA-aaaa-bbbb-cccc.json")).expect("it is there"))
        .expect("it fits");
    std::fs::write(&single, gzip.finish().expect("it fits")).expect("it can be written");
    let database = Database::from_bytes(build(&single), "single").expect("it was just built");
    assert_eq!(find(&database, "npm", "example-lib", "1.0.0").len(), 1);
}

#[test]
fn a_source_of_another_kind_is_an_error() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut builder = Builder::new(BUILT, directory.path());
    let added = builder.add(SourceKind::OsvDir, &fixture("rustsec"), "rustsec").map(|_| ());
    assert!(matches!(added, Err(BuildError::NoRecords { .. })), "{added:?}");
    let added = builder.add(SourceKind::Kev, &fixture("epss.csv"), "epss").map(|_| ());
    assert!(matches!(added, Err(BuildError::Read { .. })), "{added:?}");
    let added = builder.add(SourceKind::Kev, Path::new("/dev/null"), "null").map(|_| ());
    assert!(matches!(added, Err(BuildError::Read { .. })), "{added:?}");
    for kind in SourceKind::ALL {
        assert_eq!(kind.as_str().parse::<SourceKind>().expect("it is its name"), kind);
    }
}
