//! Why a layer could not be read, written or unpacked.

use std::io;

/// What went wrong, and on which path of the layer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LayerError {
    /// The stream could not be read.
    #[error("cannot read the layer at byte {offset}")]
    Read {
        /// Position in the uncompressed tar.
        offset: u64,
        /// What the reader said.
        #[source]
        source: io::Error,
    },
    /// The destination could not be written.
    #[error("cannot write the layer")]
    Write {
        /// What the writer said.
        #[source]
        source: io::Error,
    },
    /// The tar ends in the middle of an entry.
    #[error("the tar ends early, at byte {offset}")]
    Truncated {
        /// Position in the uncompressed tar.
        offset: u64,
    },
    /// A header's checksum or a numeric field is wrong: this is no tar, or a damaged one.
    #[error("the tar header at byte {offset} is not valid: `{field}`")]
    Header {
        /// Position in the uncompressed tar.
        offset: u64,
        /// The field of the header.
        field: &'static str,
    },
    /// An extended header is not valid.
    #[error("the extended tar header at byte {offset} is not valid: `{record}`")]
    ExtendedHeader {
        /// Position in the uncompressed tar.
        offset: u64,
        /// The record, shortened.
        record: String,
    },
    /// An entry has a type that no layer may have.
    #[error("`{path}` has the unknown tar type {type_flag:#04x}")]
    EntryType {
        /// Path of the entry.
        path: String,
        /// Type byte of the header.
        type_flag: u8,
    },
    /// A name that could leave the root or that no file system can hold.
    #[error("`{path}` is not a path a layer may hold: {reason}")]
    Path {
        /// The path as given.
        path: String,
        /// Which rule it breaks.
        reason: &'static str,
    },
    /// A hard link names a file this layer does not have.
    #[error("the hard link `{path}` names `{target}`, which is no file of this layer")]
    LinkTarget {
        /// Path of the link.
        path: String,
        /// What it names.
        target: String,
    },
    /// Symbolic links of the layer lead in a circle.
    #[error("too many symbolic links on the way to `{path}`")]
    SymlinkLoop {
        /// Path of the entry.
        path: String,
    },
    /// An entry lies below something that is not a directory.
    #[error("`{path}` lies below `{parent}`, which is not a directory")]
    ParentNotDirectory {
        /// Path of the entry.
        path: String,
        /// The path that is not a directory.
        parent: String,
    },
    /// A limit against hostile archives was reached.
    #[error("the layer has more than the allowed {limit} {what}")]
    Limit {
        /// What was counted.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// The content of a file is shorter or longer than its entry says.
    #[error("the content of `{path}` is not {expected} bytes long; it changed while it was read")]
    ContentSize {
        /// Path of the entry.
        path: String,
        /// Size in the index.
        expected: u64,
    },
    /// The content of a file could not be had.
    #[error("cannot read the content of `{path}`")]
    Content {
        /// Path of the entry.
        path: String,
        /// What the source said.
        #[source]
        source: io::Error,
    },
    /// A system call on an unpacked layer failed.
    #[error("cannot {action} `{path}`")]
    File {
        /// What was attempted.
        action: &'static str,
        /// Path within the layer.
        path: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// An owner does not exist in this user namespace.
    #[error("the owner {uid}:{gid} of `{path}` is not among the ids of this user namespace")]
    OwnerNotMapped {
        /// Path of the entry.
        path: String,
        /// User id in the layer.
        uid: u32,
        /// Group id in the layer.
        gid: u32,
    },
    /// PAX records cannot hold an attribute of this name.
    #[error("the extended attribute `{name}` of `{path}` cannot be stored in a layer: its name has a `=`")]
    AttributeName {
        /// Path of the entry.
        path: String,
        /// Name of the attribute.
        name: String,
    },
}

impl LayerError {
    pub(crate) fn file(action: &'static str, path: &[u8], source: impl Into<io::Error>) -> Self {
        Self::File { action, path: crate::entry::shown(path), source: source.into() }
    }

    pub(crate) fn path(path: &[u8], reason: &'static str) -> Self {
        Self::Path { path: crate::entry::shown(path), reason }
    }
}
