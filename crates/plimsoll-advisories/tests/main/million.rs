//! A million rows in bounded memory. Run alone, with optimisation:
//! `cargo test --release -p plimsoll-advisories -- --ignored --nocapture million`.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Instant;

use plimsoll_advisories::{Builder, Database, DetailsTo, Query, SourceKind};

use crate::support::peak_memory;

const RECORDS: u64 = 100_000;
/// Rows of each record: five packages in two releases.
const ROWS: u64 = 10;
/// What the whole process may take.
const MOST_MEMORY: u64 = 500 << 20;

/// One record, its numbers spread so that almost no text is there twice.
fn record(number: u64) -> String {
    let spread = |salt: u64| (number * ROWS + salt).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut text = String::new();
    for word in 0..60 {
        write!(text, "{:x} ", spread(word) >> 20).expect("memory takes it");
    }
    let mut affected = Vec::new();
    for row in 0..ROWS {
        let package = spread(row / 2) % 60_000;
        let release = 10 + row % 2;
        let version = format!("{}.{}.{}-{}", spread(row) % 40, row, number % 977, number);
        let listed: Vec<String> = (0..10).map(|listed| format!("\"0.{listed}.{number}-1\"")).collect();
        affected.push(format!(
            r#"{{"package":{{"ecosystem":"Debian:{release}","name":"package-{package}"}},
            "ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}},{{"fixed":"1:{version}"}}]}}],"versions":[{}]}}"#,
            listed.join(",")
        ));
    }
    format!(
        r#"{{"id":"DEBIAN-CVE-{}-{number}","upstream":["CVE-{}-{number}"],"details":"{text}",
        "severity":[{{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}}],"affected":[{}]}}"#,
        2000 + number % 25,
        2000 + number % 25,
        affected.join(",")
    )
}

fn write_archive(path: &Path) {
    let file = File::create(path).expect("it can be made");
    let mut archive = tar::Builder::new(zstd::Encoder::new(BufWriter::new(file), 1).expect("zstd works"));
    for number in 0..RECORDS {
        let record = record(number);
        let mut header = tar::Header::new_ustar();
        header.set_size(record.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, format!("{number}.json"), record.as_bytes()).expect("it fits");
    }
    let encoder = archive.into_inner().expect("it is whole");
    encoder.finish().expect("it is whole").flush().expect("it is written");
}

#[test]
#[ignore = "takes a minute, and measures the memory of the whole process"]
fn a_million_rows_take_less_than_500_mb() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let archive = directory.path().join("all.tar.zst");
    write_archive(&archive);
    let before = peak_memory();
    let start = Instant::now();
    let mut builder = Builder::new(1, directory.path());
    let report = builder.add(SourceKind::OsvZip, &archive, "all").expect("it can be read");
    assert_eq!((report.records, report.rows, report.skipped), (RECORDS, RECORDS * ROWS, 0));
    let read = start.elapsed();
    let path = directory.path().join("database");
    let file = BufWriter::new(File::create(&path).expect("it can be made"));
    let report = builder.finish(&mut { file }, DetailsTo::Database).expect("it can be built");
    let (all, peak) = (start.elapsed(), peak_memory());
    let size = std::fs::metadata(&path).expect("it is there").len();
    let database = Database::open(&path).expect("it was just built");
    let start = Instant::now();
    let mut findings = 0;
    for package in 0..1000 {
        let name = format!("package-{}", package * 53);
        let query = Query { ecosystem: "Debian:10", name: &name, version: "0.1.5-1", with_summaries: false };
        findings += database.find(&query).expect("it is whole").findings.len();
    }
    let looked_up = start.elapsed();
    eprintln!(
        "{} entries of {} packages: read {read:.1?}, all {all:.1?}; peak {} MiB (before {} MiB); {} MiB on disk; \
         1000 packages with {findings} findings in {looked_up:.1?}",
        report.entries,
        report.packages,
        peak >> 20,
        before >> 20,
        size >> 20
    );
    assert!(report.entries > 900_000 && findings > 1000);
    assert!(peak < MOST_MEMORY, "{} MiB", peak >> 20);
}
