//! Real advisories, where a folder of them is given.

use std::path::Path;

use plimsoll_advisories::{Builder, Database, DetailsTo, SourceKind};

use crate::support::lines;

/// The variable with the folder.
const VARIABLE: &str = "PLIMSOLL_ADVISORY_DATA";

/// The archives that the folder may have, and how many rows of each are the least that a reader finds.
const ARCHIVES: [(SourceKind, &str, u64); 6] = [
    (SourceKind::OsvZip, "go-osv.tar.zst", 6000),
    (SourceKind::OsvZip, "bitnami-osv.tar.zst", 7000),
    (SourceKind::OsvZip, "pypa-osv.tar.zst", 2500),
    (SourceKind::Rustsec, "rustsec.tar.zst", 900),
    (SourceKind::DebianDsaDla, "debian-dsa-dla.tar.zst", 33_000),
    (SourceKind::AlpineSecdb, "alpine-secdb.tar.zst", 5000),
];

#[test]
fn every_source_of_the_folder_is_read() {
    let Some(folder) = std::env::var_os(VARIABLE) else {
        eprintln!("SKIPPED: `{VARIABLE}` names no folder with advisories");
        return;
    };
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut builder = Builder::new(1, directory.path());
    for (kind, name, least) in ARCHIVES {
        let path = Path::new(&folder).join(name);
        if !path.exists() {
            eprintln!("SKIPPED: `{name}` is not in the folder");
            continue;
        }
        let report = builder.add(kind, &path, name).expect("it can be read");
        eprintln!(
            "{kind} {name}: {} records, {} rows, {} withdrawn, {} not converted, {} other files",
            report.records, report.rows, report.withdrawn, report.skipped, report.ignored_files
        );
        for skip in report.skips.iter().take(15) {
            eprintln!("  {}: {}", skip.name, skip.reason);
        }
        assert!(report.rows >= least, "{name} has {} rows", report.rows);
        assert!(report.skipped * 50 <= report.records, "{name}: {} not converted", report.skipped);
    }
    let mut bytes = Vec::new();
    let report = builder.finish(&mut bytes, DetailsTo::Database).expect("it can be built");
    eprintln!("{} packages, {} entries, {} bytes", report.packages, report.entries, bytes.len());
    let database = Database::from_bytes(bytes, "real").expect("it was just built");
    for (ecosystem, name, affected, id, fixed) in [
        ("Go", "golang.org/x/text", "v0.3.6", "CVE-2021-38561", "v0.3.7"),
        ("crates.io", "time", "0.2.22", "CVE-2020-26235", "0.2.23"),
        ("PyPI", "Jinja2", "2.10", "CVE-2019-10906", "2.10.1"),
        ("Debian:11", "apache2", "2.4.54-1~deb11u1", "CVE-2023-25690", "2.4.56-1~deb11u1"),
        ("Alpine:v3.11", "apache2", "2.4.40-r0", "CVE-2019-9517", "2.4.41-r0"),
        ("Bitnami", "minio", "2022.1.1", "CVE-2023-27589", "2023.3.13"),
    ] {
        if !database.covers(ecosystem) {
            continue;
        }
        let has =
            |version| lines(&database, ecosystem, name, version).iter().any(|line| line.starts_with(id));
        assert!(has(affected), "{ecosystem} {name} {affected}");
        assert!(!has(fixed), "{ecosystem} {name} {fixed}");
    }
}
