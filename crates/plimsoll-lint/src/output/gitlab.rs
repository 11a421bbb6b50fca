//! Findings as a code quality report of GitLab.

use std::collections::BTreeMap;

use plimsoll_diagnostics::encode::pretty;
use plimsoll_diagnostics::{Severity, sanitize};
use plimsoll_oci::Digest;
use serde::Serialize;

use super::{Checked, Remark};

/// The report about all files.
pub fn report(files: &[Checked]) -> String {
    let mut seen = BTreeMap::new();
    let remarks = files.iter().flat_map(Checked::remarks);
    let entries: Vec<Entry<'_>> = remarks.map(|remark| entry(&remark, &mut seen)).collect();
    pretty(&entries)
}

#[derive(Serialize)]
struct Entry<'a> {
    description: String,
    check_name: &'a str,
    fingerprint: String,
    severity: &'static str,
    location: Location,
}

#[derive(Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: usize,
    end: usize,
}

fn entry(remark: &Remark<'_>, seen: &mut BTreeMap<Digest, usize>) -> Entry<'static> {
    let (start, end) = remark.place();
    Entry {
        description: sanitize::line(&format!("{}: {}", remark.names(), remark.sentence())).into_owned(),
        check_name: remark.diagnostic.code,
        fingerprint: fingerprint(remark, start.line, seen),
        severity: match remark.diagnostic.severity {
            Severity::Error => "critical",
            Severity::Warning => "major",
            Severity::Info => "minor",
            Severity::Style => "info",
        },
        location: Location {
            path: remark.path().to_owned(),
            lines: Lines { begin: start.line, end: end.line },
        },
    }
}

/// What a finding is recognised by in the next run: its rule and the text of its line, not the line's number. Equal ones are counted.
fn fingerprint(remark: &Remark<'_>, line: usize, seen: &mut BTreeMap<Digest, usize>) -> String {
    let parts =
        [remark.path(), remark.diagnostic.code, &remark.diagnostic.message, remark.file.line_text(line)];
    let digest = Digest::of(parts.join("\0"));
    let count = seen.entry(digest).or_default();
    *count += 1;
    Digest::of(format!("{digest} {count}")).hex()
}
