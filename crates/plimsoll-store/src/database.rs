//! The metadata database: one `SQLite` connection per store, behind a mutex, in write-ahead mode.
//!
//! Several processes write at once; `SQLite` makes them wait for each other. What must never happen is that two of them
//! create the database at the same time (the switch to write-ahead mode ignores the time-out for busy databases), so that
//! is done under the store's creation lock.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use plimsoll_oci::{DiffId, Digest};
use rusqlite::config::DbConfig;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::error::{Error, Result};

/// The version of the tables; a database of a later version is refused.
pub(crate) const SCHEMA_VERSION: u32 = 1;

/// How long one process waits for another one's transaction, which takes well below a millisecond.
const BUSY_TIMEOUT: Duration = Duration::from_secs(20);

const SCHEMA: &str = "
CREATE TABLE results (
    row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, key BLOB NOT NULL, base TEXT NOT NULL, layer TEXT, created_seconds INTEGER NOT NULL,
    created_nanoseconds INTEGER NOT NULL, output BLOB NOT NULL, last_use INTEGER NOT NULL);
CREATE INDEX results_of_key ON results (key);
CREATE TABLE keys (
    row INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, name TEXT NOT NULL, ingredients BLOB NOT NULL, last_use INTEGER NOT NULL);
CREATE INDEX keys_of_name ON keys (name);
CREATE TABLE selections (
    row INTEGER PRIMARY KEY, chain BLOB NOT NULL, spec BLOB NOT NULL, digest BLOB NOT NULL, last_use INTEGER NOT NULL, UNIQUE (chain, spec));
CREATE TABLE layers (
    row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, diff_id BLOB, size INTEGER NOT NULL, last_use INTEGER NOT NULL);
CREATE INDEX layers_of_diff_id ON layers (diff_id);
CREATE TABLE layer_blobs (
    row INTEGER PRIMARY KEY, layer TEXT NOT NULL, variant TEXT NOT NULL, diff_id BLOB NOT NULL, digest BLOB NOT NULL, size INTEGER NOT NULL,
    uncompressed_size INTEGER NOT NULL, media_type TEXT NOT NULL, last_use INTEGER NOT NULL, UNIQUE (layer, variant));
CREATE INDEX layer_blobs_of_diff_id ON layer_blobs (diff_id);
CREATE TABLE base_layers (
    row INTEGER PRIMARY KEY, diff_id BLOB NOT NULL UNIQUE, descriptor TEXT NOT NULL, last_use INTEGER NOT NULL);
CREATE TABLE blobs (
    row INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, size INTEGER NOT NULL, boot TEXT NOT NULL, committed INTEGER NOT NULL,
    last_use INTEGER NOT NULL);
CREATE TABLE blob_sources (
    row INTEGER PRIMARY KEY, digest BLOB NOT NULL, location TEXT NOT NULL, last_use INTEGER NOT NULL, UNIQUE (digest, location));
CREATE TABLE images (
    row INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, target TEXT NOT NULL, updated INTEGER NOT NULL, last_use INTEGER NOT NULL);
CREATE TABLE sources (
    row INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, digest BLOB NOT NULL, resolved_seconds INTEGER NOT NULL,
    resolved_nanoseconds INTEGER NOT NULL, last_use INTEGER NOT NULL);
CREATE TABLE builds (
    row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, started_seconds INTEGER NOT NULL, started_nanoseconds INTEGER NOT NULL,
    finished_seconds INTEGER, finished_nanoseconds INTEGER, status TEXT NOT NULL);
CREATE TABLE synced (boot TEXT NOT NULL UNIQUE, until INTEGER NOT NULL);
";

/// The open database.
#[derive(Debug)]
pub(crate) struct Database {
    path: PathBuf,
    connection: Mutex<Connection>,
}

impl Database {
    /// Opens the database; `None` if its tables are missing, so that it must be created first.
    pub(crate) fn open(path: &Path) -> Result<Option<Self>> {
        let failed = |source| Error::Database { action: "open the tables", path: path.to_owned(), source };
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = match Connection::open_with_flags(path, flags) {
            Err(error)
                if error.sqlite_error_code() == Some(rusqlite::ErrorCode::CannotOpen) && !path.exists() =>
            {
                return Ok(None);
            }
            other => other.map_err(failed)?,
        };
        connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
        connection.set_prepared_statement_cache_capacity(64);
        // Closing would otherwise wait for the disk; the log is emptied in the background, after the last commit.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(failed)?;
        connection.pragma_update(None, "synchronous", "NORMAL").map_err(failed)?;
        let version: u32 =
            connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(failed)?;
        if version > SCHEMA_VERSION {
            return Err(Error::NewerFormat { path: path.to_owned(), found: version, known: SCHEMA_VERSION });
        }
        let database = Self { path: path.to_owned(), connection: Mutex::new(connection) };
        Ok((version == SCHEMA_VERSION).then_some(database))
    }

    /// Creates the database; the caller holds the creation lock.
    pub(crate) fn create(path: &Path) -> Result<()> {
        if !path.exists() {
            // The database holds build arguments, so nobody else may read it; its companions inherit this mode.
            drop(crate::layout::create_file(path)?);
        }
        let failed = |source| Error::Database { action: "create the tables", path: path.to_owned(), source };
        let connection =
            Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(failed)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
        let mode: String = connection
            .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))
            .map_err(failed)?;
        if mode != "wal" {
            // Write-ahead mode needs shared memory, which network file systems do not have.
            connection
                .pragma_update_and_check(None, "journal_mode", "TRUNCATE", |_| Ok(()))
                .map_err(failed)?;
        }
        let version: u32 =
            connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(failed)?;
        if version == 0 {
            connection
                .execute_batch(&format!("BEGIN; {SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"))
                .map_err(failed)?;
        }
        Ok(())
    }

    /// Runs a query; `action` reads well after "could not".
    pub(crate) fn read<T>(
        &self,
        action: &'static str,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        query(&connection).map_err(|source| self.failed(action, source))
    }

    /// Runs one transaction that writes.
    pub(crate) fn write<T>(
        &self,
        action: &'static str,
        change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let run = || {
            // A transaction that began by reading would fail instead of waiting when another process wrote in between.
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = change(&transaction)?;
            transaction.commit()?;
            Ok(value)
        };
        run().map_err(|source| self.failed(action, source))
    }

    /// Empties the write-ahead log, unless somebody else is in the way.
    pub(crate) fn checkpoint(&self) -> Result<()> {
        self.unless_busy("empty the log", "PRAGMA wal_checkpoint(TRUNCATE)")
    }

    /// Gives room back to the file system when much of the database is empty, unless somebody else is in the way.
    pub(crate) fn shrink(&self) -> Result<()> {
        let unused: i64 = self.read("measure unused room", |connection| {
            connection.pragma_query_value(None, "freelist_count", |row| row.get(0))
        })?;
        if unused < 256 {
            return Ok(());
        }
        self.unless_busy("shrink the tables", "VACUUM")
    }

    /// Runs a statement that can as well be run another time.
    fn unless_busy(&self, action: &'static str, statement: &str) -> Result<()> {
        self.read(action, |connection| {
            connection.busy_timeout(Duration::ZERO)?;
            let ran = connection.execute_batch(statement);
            connection.busy_timeout(BUSY_TIMEOUT)?;
            match ran {
                Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy) => Ok(()),
                other => other,
            }
        })
    }

    fn failed(&self, action: &'static str, source: rusqlite::Error) -> Error {
        Error::Database { action, path: self.path.clone(), source }
    }
}

/// A digest as the database keeps it: 32 raw bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Raw(pub(crate) Digest);

impl From<&Digest> for Raw {
    fn from(digest: &Digest) -> Self {
        Self(*digest)
    }
}

impl From<&DiffId> for Raw {
    fn from(diff_id: &DiffId) -> Self {
        Self(diff_id.0)
    }
}

impl ToSql for Raw {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Blob(self.0.as_bytes())))
    }
}

impl FromSql for Raw {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let bytes = value.as_blob()?;
        let bytes = bytes
            .try_into()
            .map_err(|_| FromSqlError::InvalidBlobSize { expected_size: 32, blob_size: bytes.len() })?;
        Ok(Self(Digest::from_bytes(bytes)))
    }
}

/// A number of bytes; the database knows signed numbers only.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size(pub(crate) u64);

impl ToSql for Size {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Owned(Value::Integer(i64::try_from(self.0).unwrap_or(i64::MAX))))
    }
}

impl FromSql for Size {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let number = value.as_i64()?;
        u64::try_from(number).map(Self).map_err(|_| FromSqlError::OutOfRange(number))
    }
}

/// A value kept as JSON text.
#[derive(Clone, Debug)]
pub(crate) struct Json<T>(pub(crate) T);

impl<T: serde::Serialize> ToSql for Json<T> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let text = serde_json::to_string(&self.0)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        Ok(ToSqlOutput::Owned(Value::Text(text)))
    }
}

impl<T: serde::de::DeserializeOwned> FromSql for Json<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        serde_json::from_str(value.as_str()?).map(Self).map_err(|error| FromSqlError::Other(Box::new(error)))
    }
}
