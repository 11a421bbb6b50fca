//! The database of vulnerabilities that a scan asks.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use plimsoll_advisories::{Age, Builder, DEFAULT_MAX_AGE, Database, DetailsTo, SourceKind, SourceReport};
use plimsoll_diagnostics::sanitize;
use plimsoll_layer::file_digest;
use plimsoll_oci::Digest;

/// How many records that could not be read are named.
const NAMED: usize = 5;

/// A database and the digest of its bytes.
pub(super) struct Source {
    pub(super) database: Database,
    pub(super) digest: String,
}

impl Source {
    /// Opens a built database, or makes one of a folder of records.
    pub(super) fn open(path: &Path, temporary: &Path) -> Result<Self> {
        let failed = || format!("cannot use the database `{}`", path.display());
        if !path.exists() {
            bail!(
                "there is no database `{}`; `plimsoll db build` makes one, and a folder of OSV records in JSON is one too",
                path.display()
            );
        }
        if !path.is_dir() {
            let digest = file_digest(path).with_context(failed)?.to_string();
            return Ok(Self { database: Database::open(path).with_context(failed)?, digest });
        }
        let mut builder = Builder::new(0, temporary);
        let name = path.display().to_string();
        tell_of(builder.add(SourceKind::OsvDir, path, &name).with_context(failed)?, path);
        let mut bytes = Vec::new();
        builder.finish(&mut bytes, DetailsTo::Database).with_context(failed)?;
        // Made of the same records it has the same bytes, whatever their files are called.
        let digest = Digest::of(&bytes).to_string();
        Ok(Self { database: Database::from_bytes(bytes, &name).with_context(failed)?, digest })
    }
}

impl Source {
    /// Refuses a database in which the news of the last days are missing. One that is named is taken as it is.
    pub(super) fn refuse_if_old(&self) -> Result<()> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let now = now.map_or(0, |since| since.as_secs());
        if let Age::TooOld(age) = Age::of(self.database.built(), now, DEFAULT_MAX_AGE) {
            bail!(
                "the database is {} days old, and what was found out since is not in it; `plimsoll db pull` fetches a newer \
                 one, and `--db FILE` or `--offline` take it as it is",
                age.as_secs() / (24 * 3600)
            );
        }
        Ok(())
    }
}

/// Says which records are not in the database.
#[expect(clippy::print_stderr, reason = "it is about what the answer lacks")]
fn tell_of(report: &SourceReport, path: &Path) {
    for skip in report.skips.iter().take(NAMED) {
        eprintln!("warning: {}", sanitize::text(&format!("`{}`: {}", skip.name, skip.reason)));
    }
    if report.skipped > 0 {
        let (count, all) = (report.skipped, report.records + report.skipped);
        eprintln!("warning: {count} of {all} records in `{}` could not be read", path.display());
    }
}
