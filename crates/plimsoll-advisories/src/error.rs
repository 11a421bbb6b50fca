//! What can go wrong with a database.

use std::io;
use std::path::{Path, PathBuf};

/// A database cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A source cannot be read at all.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The source.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A source is not of the kind that it is said to be.
    #[error("`{}` is no source of kind `{kind}`: nothing in it is a record", path.display())]
    NoRecords {
        /// The source.
        path: PathBuf,
        /// What it should be.
        kind: crate::SourceKind,
    },
    /// Too many sources.
    #[error("there are more than {} sources", u16::MAX)]
    TooManySources,
    /// Rows are sorted on disk.
    #[error("cannot sort the advisories in `{}`", directory.display())]
    Sort {
        /// The directory for temporary files.
        directory: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The database cannot be written.
    #[error("cannot write the database")]
    Write(#[source] io::Error),
    /// The texts are more than offsets of the format reach.
    #[error("the database would be larger than its format allows")]
    TooLarge,
}

impl BuildError {
    pub(crate) fn read(path: &Path, source: io::Error) -> Self {
        Self::Read { path: path.to_owned(), source }
    }
}

/// A database cannot be read. It is untrusted: whatever its bytes are, reading ends in an answer or in one of these.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The file cannot be opened or read.
    #[error("cannot read the database `{name}`")]
    Read {
        /// Its path.
        name: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another kind of file.
    #[error("`{name}` is no advisory database")]
    NotADatabase {
        /// Its path.
        name: String,
    },
    /// Written by another version of the program.
    #[error("the database `{name}` has format {format}, this program reads format {}", crate::FORMAT)]
    Format {
        /// Its path.
        name: String,
        /// Its format.
        format: u32,
    },
    /// The bytes contradict each other.
    #[error("the database `{name}` is corrupt: {part}")]
    Corrupt {
        /// Its path.
        name: String,
        /// What is wrong.
        part: &'static str,
    },
    /// Two files that do not belong together.
    #[error("`{details}` has no details for the database `{name}`: they were not built together")]
    OtherDetails {
        /// The database.
        name: String,
        /// The file with details.
        details: String,
    },
    /// A folder of records cannot be read.
    #[error("cannot read the folder of advisories")]
    Folder(#[source] Box<BuildError>),
}
