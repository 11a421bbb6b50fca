//! Scans a directory with one thread and says what it found and how fast: `cargo run --release --example scan-tree DIRECTORY`.
#![expect(clippy::print_stdout, reason = "an example program")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use plimsoll_secrets::{Config, Scanner};

fn main() -> std::io::Result<()> {
    let root = PathBuf::from(std::env::args_os().nth(1).unwrap_or_else(|| ".".into()));
    let scanner = Scanner::new(&Config::default()).expect("the default configuration is right");
    let mut totals = Totals::default();
    walk(&scanner, &root, &root, &mut totals)?;
    let seconds = totals.time.as_secs_f64().max(1e-6);
    let megabytes = totals.bytes / 1_000_000;
    let speed = f64::from(u32::try_from(totals.bytes / 1000).unwrap_or(u32::MAX)) / 1000.0 / seconds;
    println!(
        "{} findings in {} of {} files, {megabytes} MB in {seconds:.2} s: {speed:.0} MB/s, {} files skipped",
        totals.findings, totals.with_findings, totals.files, totals.skipped,
    );
    Ok(())
}

#[derive(Default)]
struct Totals {
    files: u64,
    skipped: u64,
    bytes: u64,
    findings: usize,
    with_findings: u64,
    time: Duration,
}

fn walk(scanner: &Scanner, root: &Path, folder: &Path, totals: &mut Totals) -> std::io::Result<()> {
    let mut entries: Vec<_> = fs::read_dir(folder)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let kind = entry.file_type()?;
        if kind.is_dir() {
            walk(scanner, root, &path, totals)?;
        } else if kind.is_file() {
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            totals.files += 1;
            if !scanner.wants(&name, entry.metadata()?.len()) {
                totals.skipped += 1;
                continue;
            }
            // The reading is not measured.
            let content = fs::read(&path)?;
            let start = Instant::now();
            let found = scanner.scan(&name, &content[..])?;
            totals.time += start.elapsed();
            totals.bytes += found.read_bytes;
            totals.with_findings += u64::from(!found.findings.is_empty());
            totals.findings += found.findings.len();
            for finding in found.findings {
                println!(
                    "{name}:{}:{}: {} [{}] {}",
                    finding.line, finding.column, finding.rule, finding.severity, finding.excerpt
                );
            }
        }
    }
    Ok(())
}
