//! What can go wrong in the store, each with what was attempted and on what.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use plimsoll_oci::Digest;

/// An error of the store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file system refused something.
    #[error("could not {action} `{}`", path.display())]
    Io {
        /// What was attempted, as a verb.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// The metadata database refused something.
    #[error("could not {action} in the store's database `{}`", path.display())]
    Database {
        /// What was attempted, as a verb.
        action: &'static str,
        /// The database file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: rusqlite::Error,
    },
    /// The directory has contents, but they are not a store's.
    #[error("`{}` is not a store: it holds `{entry}`; choose an empty or a new directory with `--root`", path.display())]
    NotAStore {
        /// The directory.
        path: PathBuf,
        /// The first entry that does not belong into a store.
        entry: String,
    },
    /// The store's description cannot be read.
    #[error("the description `{}` of the store is malformed", path.display())]
    MalformedFormat {
        /// The description's file.
        path: PathBuf,
        /// What the reader said.
        #[source]
        source: serde_json::Error,
    },
    /// The store was written by a later version of the program.
    #[error(
        "the store `{}` has format {found}, this program knows formats up to {known}; use a newer program, or another \
         directory with `--root`",
        path.display()
    )]
    NewerFormat {
        /// The store.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format that is known here.
        known: u32,
    },
    /// The store belongs to somebody else.
    #[error(
        "the store `{}` belongs to user {owner}, not to user {caller}: owners of files in its layers would be mixed; use \
         another directory with `--root`",
        path.display()
    )]
    OtherUser {
        /// The store.
        path: PathBuf,
        /// The user whose store it is.
        owner: u32,
        /// The user who wanted to use it.
        caller: u32,
    },
    /// The store was filled under another mapping of user ids.
    #[error(
        "the store `{}` was filled with the id mapping `{recorded}`, the mapping is now `{current}`: owners of files in its \
         layers would be read wrongly; restore the mapping, remove the store with `plimsoll reset`, or use another \
         directory with `--root`",
        path.display()
    )]
    OtherIdMap {
        /// The store.
        path: PathBuf,
        /// The mapping that the store was made with.
        recorded: String,
        /// The caller's.
        current: String,
    },
    /// The bytes are not the ones that were asked for.
    #[error("the bytes have digest `{actual}` where `{expected}` was expected")]
    DigestMismatch {
        /// What was asked for.
        expected: Digest,
        /// What came.
        actual: Digest,
    },
    /// The blob is not in the store.
    #[error("blob `{digest}` is not in the store")]
    BlobAbsent {
        /// The blob.
        digest: Digest,
    },
    /// The blob is larger than the reader accepts.
    #[error("blob `{digest}` has {size} bytes where at most {limit} are accepted")]
    BlobTooLarge {
        /// The blob.
        digest: Digest,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// A name that cannot be the name of a directory in the store.
    #[error("`{name}` cannot be used as an id: only letters, digits, `-`, `_` and `.` inside are allowed")]
    UnsafeId {
        /// The name.
        name: String,
    },
    /// The one who waited for a lock gave up.
    #[error("waiting for {what} was cancelled after {waited:?}")]
    Cancelled {
        /// What the lock protects.
        what: String,
        /// How long it had waited.
        waited: Duration,
    },
    /// The store's size limit does not allow what is to be written.
    #[error(
        "{needed} bytes are needed, the store uses {used} of its limit of {limit} bytes; make room with `plimsoll prune` or \
         raise `store.max-size` in the configuration"
    )]
    StoreFull {
        /// How many bytes are to be written.
        needed: u64,
        /// How many the store uses.
        used: u64,
        /// How many it may use.
        limit: u64,
    },
    /// The file system has too little room left.
    #[error(
        "{needed} bytes are needed, the file system of `{}` has {available} bytes left and {reserve} are kept in reserve; \
         make room on it, with `plimsoll prune` for a part, or lower `store.reserve` in the configuration",
        path.display()
    )]
    DiskFull {
        /// The store.
        path: PathBuf,
        /// How many bytes are to be written.
        needed: u64,
        /// How many a user may still write.
        available: u64,
        /// How many must stay free.
        reserve: u64,
    },
    /// No kind of stored things has this name.
    #[error(
        "`{name}` is no kind of stored things: choose among image, layer, blob, cache-mount, log, metadata, temporary and trash"
    )]
    UnknownKind {
        /// The name as given.
        name: String,
    },
    /// The system has no random numbers.
    #[error("could not draw a random id: {reason}")]
    Random {
        /// What the system said.
        reason: String,
    },
}

/// A result with the store's error.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Adds what was attempted and on what to an error of the system.
pub(crate) trait IoContext<T> {
    /// `action` is a verb that reads well after "could not".
    fn on(self, action: &'static str, path: impl AsRef<Path>) -> Result<T>;
}

impl<T, E: Into<io::Error>> IoContext<T> for std::result::Result<T, E> {
    fn on(self, action: &'static str, path: impl AsRef<Path>) -> Result<T> {
        self.map_err(|source| Error::Io { action, path: path.as_ref().to_owned(), source: source.into() })
    }
}
