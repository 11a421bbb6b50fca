//! Builds and their logs.

use std::path::PathBuf;

use rusqlite::{OptionalExtension as _, Row};

use crate::Store;
use crate::error::{IoContext as _, Result};
use crate::id::BuildId;
use crate::layout;
use crate::lease::Name;
use crate::records::{id, timestamp};
use crate::remove::remove_tree;
use crate::time::Timestamp;

/// How a build stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuildStatus {
    /// Under way, or ended without saying so.
    Running,
    /// Done.
    Succeeded,
    /// A step failed, or it could not be done.
    Failed,
    /// Stopped by the user.
    Interrupted,
}

impl BuildStatus {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }

    fn from_text(text: &str) -> Self {
        match text {
            "succeeded" => Self::Succeeded,
            "failed" => Self::Failed,
            "interrupted" => Self::Interrupted,
            _ => Self::Running,
        }
    }
}

/// One build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildRecord {
    /// Its name, and that of its logs' directory.
    pub id: BuildId,
    /// What was built, for people.
    pub name: String,
    /// When it began.
    pub started: Timestamp,
    /// When it ended; none while it runs, or if it was killed.
    pub finished: Option<Timestamp>,
    /// How it stands.
    pub status: BuildStatus,
}

const COLUMNS: &str =
    "id, name, started_seconds, started_nanoseconds, status, finished_seconds, finished_nanoseconds";

fn build_record(row: &Row<'_>) -> rusqlite::Result<BuildRecord> {
    let finished: Option<i64> = row.get(5)?;
    Ok(BuildRecord {
        id: id(row, 0)?,
        name: row.get(1)?,
        started: timestamp(row, 2)?,
        finished: finished.map(|_| timestamp(row, 5)).transpose()?,
        status: BuildStatus::from_text(&row.get::<_, String>(4)?),
    })
}

impl Store {
    /// Begins a build: makes the directory of its logs and puts it into this handle's lease.
    pub fn begin_build(&self, name: &str) -> Result<BuildRecord> {
        let record = BuildRecord {
            id: BuildId::random()?,
            name: name.to_owned(),
            started: Timestamp::now(),
            finished: None,
            status: BuildStatus::Running,
        };
        let directory = self.layout().logs(&record.id);
        self.session()?.protect(&[Name::Build(&record.id)], || layout::make_directory(&directory))?;
        self.database().write("record a build", |transaction| {
            transaction
                .prepare_cached(
                    "INSERT INTO builds (id, name, started_seconds, started_nanoseconds, status) \
                     VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute((
                    record.id.as_str(),
                    name,
                    record.started.seconds,
                    record.started.nanoseconds,
                    record.status.as_str(),
                ))?;
            Ok(())
        })?;
        Ok(record)
    }

    /// Records how a build ended.
    pub fn finish_build(&self, id: &BuildId, status: BuildStatus) -> Result<()> {
        let now = Timestamp::now();
        self.database().write("record the end of a build", |transaction| {
            transaction
                .prepare_cached(
                    "UPDATE builds SET status = ?2, finished_seconds = ?3, finished_nanoseconds = ?4 WHERE id = ?1",
                )?
                .execute((id.as_str(), status.as_str(), now.seconds, now.nanoseconds))?;
            Ok(())
        })
    }

    /// Takes back a build that another process begins anew: its record and the directory of its logs.
    pub fn withdraw_build(&self, id: &BuildId) -> Result<()> {
        let directory = self.layout().logs(id);
        remove_tree(&directory).on("remove", &directory)?;
        self.database().write("withdraw a build", |transaction| {
            transaction.execute("DELETE FROM builds WHERE id = ?1", [id.as_str()])?;
            Ok(())
        })
    }

    /// One build.
    pub fn build(&self, id: &BuildId) -> Result<Option<BuildRecord>> {
        self.database().read("look up a build", |connection| {
            connection
                .prepare_cached(&format!("SELECT {COLUMNS} FROM builds WHERE id = ?1"))?
                .query_row([id.as_str()], build_record)
                .optional()
        })
    }

    /// All builds, newest first.
    pub fn builds(&self) -> Result<Vec<BuildRecord>> {
        self.database().read("list the builds", |connection| {
            connection
                .prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM builds ORDER BY started_seconds DESC, started_nanoseconds DESC"
                ))?
                .query_map([], build_record)?
                .collect()
        })
    }

    /// Removes what builds keep beside their logs under names with this extension, except the newest ones, and those
    /// whose directory somebody holds a lock on.
    pub fn discard_older(&self, extension: &str, keep: usize) -> Result<()> {
        let mut found = Vec::new();
        for build in self.names_in(layout::LOGS)? {
            for name in self.names_in(&format!("{}/{build}", layout::LOGS)).unwrap_or_default() {
                let path = self.layout().directory(layout::LOGS).join(&build).join(&name);
                if path.extension().is_some_and(|found| found == extension) {
                    let changed = path.metadata().and_then(|metadata| metadata.modified());
                    found.extend(changed.ok().map(|changed| (changed, path)));
                }
            }
        }
        found.sort_unstable();
        let surplus = found.len().saturating_sub(keep);
        for (_, path) in &found[..surplus] {
            let Ok(directory) = std::fs::File::open(path) else { continue };
            if rustix::fs::flock(&directory, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_ok() {
                self.discard(path)?;
            }
        }
        if surplus > 0 {
            // What could not be removed stays in the trash.
            let _left = self.empty_trash()?;
        }
        Ok(())
    }

    /// Where the logs of a build are, or were.
    pub fn log_directory(&self, id: &BuildId) -> PathBuf {
        self.layout().logs(id)
    }
}
