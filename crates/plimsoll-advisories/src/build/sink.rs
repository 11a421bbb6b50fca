//! What sources write to.

use std::fmt::Display;

use crate::build::sorter::Sorter;
use crate::build::tables::{Rank, Tables};
use crate::error::BuildError;
use crate::row::{Details, Row};
use crate::sources::SourceKind;

/// How many records that could not be converted are named.
const MOST_NAMED: usize = 10_000;

/// What became of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceReport {
    /// What it is.
    pub kind: SourceKind,
    /// What it is called.
    pub name: String,
    /// Records that were read.
    pub records: u64,
    /// What they say of packages: one row a package, release and vulnerability.
    pub rows: u64,
    /// Records that were withdrawn; they have no rows.
    pub withdrawn: u64,
    /// Files that are no records by their name.
    pub ignored_files: u64,
    /// Records, or parts of one, that could not be converted.
    pub skipped: u64,
    /// The first ten thousand of these.
    pub skips: Vec<Skip>,
}

/// What could not be converted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skip {
    /// The file, and the record in it.
    pub name: String,
    /// Why.
    pub reason: String,
}

impl SourceReport {
    pub(crate) fn new(kind: SourceKind, name: &str) -> Self {
        Self {
            kind,
            name: name.to_owned(),
            records: 0,
            rows: 0,
            withdrawn: 0,
            ignored_files: 0,
            skipped: 0,
            skips: Vec::new(),
        }
    }
}

/// Takes what one source has.
pub(crate) struct Sink<'b> {
    source: u16,
    report: &'b mut SourceReport,
    rows: &'b mut Sorter,
    details: &'b mut Sorter,
    tables: &'b mut Tables,
    buffer: Vec<u8>,
}

impl<'b> Sink<'b> {
    pub(super) fn new(
        source: u16,
        report: &'b mut SourceReport,
        rows: &'b mut Sorter,
        details: &'b mut Sorter,
        tables: &'b mut Tables,
    ) -> Self {
        Self { source, report, rows, details, tables, buffer: Vec::new() }
    }

    pub(crate) fn count_record(&mut self) {
        self.report.records += 1;
    }

    pub(crate) fn count_withdrawn(&mut self) {
        self.report.withdrawn += 1;
    }

    pub(crate) fn ignore_file(&mut self) {
        self.report.ignored_files += 1;
    }

    /// Names what could not be converted.
    pub(crate) fn skip(&mut self, name: impl Display, reason: impl Display) {
        self.report.skipped += 1;
        if self.report.skips.len() < MOST_NAMED {
            self.report.skips.push(Skip { name: name.to_string(), reason: reason.to_string() });
        }
    }

    /// Takes a row. A name with a zero byte would end in the middle of it; nothing is called so.
    pub(crate) fn row(&mut self, row: Row) -> Result<(), BuildError> {
        if row.name.is_empty() || row.name.contains('\0') || row.ecosystem.contains('\0') {
            self.skip(row.ids.join(", "), "the name of its package is empty or has a zero byte");
            return Ok(());
        }
        self.report.rows += 1;
        self.buffer.clear();
        Row { source: self.source, ..row }.write(&mut self.buffer);
        self.rows.push(&self.buffer)
    }

    /// Takes what there is to read about a vulnerability.
    pub(crate) fn details(&mut self, id: &str, rank: Rank, details: &Details) -> Result<(), BuildError> {
        let details = details.clone().limited();
        if details.is_empty() || id.contains('\0') {
            return Ok(());
        }
        self.buffer.clear();
        self.buffer.extend_from_slice(id.as_bytes());
        self.buffer.extend_from_slice(&[0, rank as u8]);
        self.buffer.extend_from_slice(&self.source.to_be_bytes());
        details.write(&mut self.buffer);
        self.details.push(&self.buffer)
    }

    /// Takes a CVSS vector; says whether it is one, of a CVE.
    pub(crate) fn vector(&mut self, cve: &str, vector: &str, source: &'static str, rank: Rank) -> bool {
        self.tables.add_vector(cve, vector, source, rank)
    }

    /// Takes an EPSS score; says whether it is of a CVE.
    pub(crate) fn epss(&mut self, cve: &str, score: f64, percentile: f64) -> bool {
        self.tables.add_epss(cve, score, percentile)
    }

    /// Takes a vulnerability that is exploited; says whether it is a CVE.
    pub(crate) fn known_exploited(&mut self, cve: &str) -> bool {
        self.tables.add_exploited(cve)
    }
}
