//! Databases of fixtures.

use std::path::{Path, PathBuf};

use plimsoll_advisories::{BuildReport, Builder, Database, DetailsTo, Finding, Query, SourceKind};

/// When the databases of tests are built.
pub(crate) const BUILT: u64 = 1_700_000_000;

pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// The bytes of a database of fixtures.
pub(crate) fn bytes(sources: &[(SourceKind, &str)]) -> (Vec<u8>, BuildReport) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut builder = Builder::new(BUILT, directory.path());
    for (kind, name) in sources {
        builder.add(*kind, &fixture(name), name).expect("the fixture can be read");
    }
    let mut bytes = Vec::new();
    let report = builder.finish(&mut bytes, DetailsTo::Database).expect("it can be built");
    (bytes, report)
}

pub(crate) fn database(sources: &[(SourceKind, &str)]) -> (Database, BuildReport) {
    let (bytes, report) = bytes(sources);
    (Database::from_bytes(bytes, "fixtures").expect("it was just built"), report)
}

/// Every fixture.
pub(crate) const ALL: [(SourceKind, &str); 8] = [
    (SourceKind::OsvDir, "osv"),
    (SourceKind::DebianTracker, "debian-tracker"),
    (SourceKind::DebianDsaDla, "debian-lists"),
    (SourceKind::AlpineSecdb, "alpine"),
    (SourceKind::Rustsec, "rustsec"),
    (SourceKind::Epss, "epss.csv"),
    (SourceKind::Kev, "kev.json"),
    (SourceKind::Nvd, "nvd"),
];

pub(crate) fn find(database: &Database, ecosystem: &str, name: &str, version: &str) -> Vec<Finding> {
    let query = Query { ecosystem, name, version, with_summaries: true };
    let found = database.find(&query).expect("the database is whole");
    assert_eq!(found.not_comparable, [], "{ecosystem} {name} {version}");
    found.findings
}

/// One line a finding: what decides.
pub(crate) fn lines(database: &Database, ecosystem: &str, name: &str, version: &str) -> Vec<String> {
    let line = |finding: Finding| {
        let source = finding.severity_source.as_deref().unwrap_or("nobody");
        let fixed = finding.fixed.as_deref().unwrap_or("-");
        let (id, severity, state) = (&finding.id, finding.severity, finding.state.as_str());
        format!("{id} {severity}({source}) {state} {fixed} [{}]", finding.aliases.join(" "))
    };
    find(database, ecosystem, name, version).into_iter().map(line).collect()
}

/// The most memory that this process had so far, in bytes.
pub(crate) fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux has it");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("Linux has it");
    let kib: u64 = line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("it is a number");
    kib << 10
}
