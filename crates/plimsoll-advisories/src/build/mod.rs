//! Building a database: sources are read one after the other into two sorters, whose rows are then merged and written.

mod merge;
mod sink;
mod sorter;
mod tables;
mod writer;

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::database::format::SourceEntry;
use crate::error::BuildError;
use crate::sources::{self, SourceKind};

pub(crate) use sink::Sink;
pub use sink::{Skip, SourceReport};
pub(crate) use tables::Rank;

use sorter::{RUN_SIZE, Sorter};
use tables::Tables;

/// Where the details go: summaries, texts and links, which matching does not need.
pub enum DetailsTo<'w> {
    /// Into the database itself, behind what matching needs.
    Database,
    /// Into a file of their own.
    File(&'w mut dyn Write),
    /// Nowhere.
    Nowhere,
}

/// What a built database has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BuildReport {
    /// What became of each source.
    pub sources: Vec<SourceReport>,
    /// How many packages have an entry, each in each release.
    pub packages: u64,
    /// How many entries there are: one vulnerability of one package.
    pub entries: u64,
}

/// Builds a database.
#[derive(Debug)]
pub struct Builder {
    built: u64,
    directory: PathBuf,
    rows: Sorter,
    details: Sorter,
    tables: Tables,
    reports: Vec<SourceReport>,
}

impl Builder {
    /// A database without sources. Its time, in seconds since 1970, is given so that the same sources make the same bytes; temporary
    /// files go into a directory.
    pub fn new(built: u64, directory: &Path) -> Self {
        Self {
            built,
            directory: directory.to_owned(),
            rows: Sorter::new(directory, RUN_SIZE),
            details: Sorter::new(directory, RUN_SIZE),
            tables: Tables::default(),
            reports: Vec::new(),
        }
    }

    /// Reads a source. Its name is what reports and the database call it.
    ///
    /// What cannot be converted is counted and named in the report. It is an error when the source cannot be read, and when there is no
    /// record of its kind in it.
    pub fn add(&mut self, kind: SourceKind, path: &Path, name: &str) -> Result<&SourceReport, BuildError> {
        let source = u16::try_from(self.reports.len()).map_err(|_| BuildError::TooManySources)?;
        let mut report = SourceReport::new(kind, name);
        let mut sink = Sink::new(source, &mut report, &mut self.rows, &mut self.details, &mut self.tables);
        sources::read(kind, path, &mut sink)?;
        if report.records == 0 && report.skipped == 0 {
            return Err(BuildError::NoRecords { path: path.to_owned(), kind });
        }
        self.reports.push(report);
        Ok(self.reports.last().expect("it was just pushed"))
    }

    /// Merges everything and writes the database.
    pub fn finish(self, database: &mut dyn Write, details: DetailsTo<'_>) -> Result<BuildReport, BuildError> {
        let sources = self.reports.iter().map(|report| SourceEntry {
            kind: report.kind.as_str().to_owned(),
            name: report.name.clone(),
            records: report.records,
            rows: report.rows,
            withdrawn: report.withdrawn,
            skipped: report.skipped,
        });
        let mut writer = writer::Writer::new(&self.directory);
        writer.write_rows(self.rows.finish()?, &self.tables)?;
        drop(self.tables);
        let is_wanted = !matches!(details, DetailsTo::Nowhere);
        if is_wanted {
            writer.write_details(self.details.finish()?)?;
        }
        let (packages, entries) = (writer.packages, writer.entries);
        writer.assemble(self.built, &sources.collect::<Vec<_>>(), database, details)?;
        Ok(BuildReport { sources: self.reports, packages, entries })
    }
}
