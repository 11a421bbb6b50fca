//! Where things lie in a store, and how files are put in their places.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use plimsoll_oci::Digest;

use crate::error::{IoContext as _, Result};
use crate::id::{BuildId, LayerId};

/// The description of the store; the last file that is made when a store is created.
pub(crate) const FORMAT: &str = "format.json";
/// The database. `SQLite` keeps two more files beside it, with suffixes.
pub(crate) const DATABASE: &str = "meta-v0.db";
pub(crate) const BLOBS: &str = "blobs-v0";
pub(crate) const LAYERS: &str = "layers-v0";
pub(crate) const MOUNTS: &str = "mounts-v0";
pub(crate) const LOGS: &str = "logs-v0";
pub(crate) const STAT_CACHES: &str = "stat-v0";
pub(crate) const FACTS: &str = "facts-v0";
pub(crate) const TEMPORARY: &str = "tmp";
pub(crate) const TRASH: &str = "trash";
pub(crate) const LOCKS: &str = "locks";

/// Every directory directly below the root.
pub(crate) const DIRECTORIES: [&str; 9] =
    [BLOBS, LAYERS, MOUNTS, LOGS, STAT_CACHES, FACTS, TEMPORARY, TRASH, LOCKS];

/// The paths of one store.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    root: PathBuf,
}

impl Layout {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn format(&self) -> PathBuf {
        self.root.join(FORMAT)
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.root.join(DATABASE)
    }

    pub(crate) fn directory(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    pub(crate) fn blobs(&self) -> PathBuf {
        self.root.join(BLOBS).join("sha256")
    }

    pub(crate) fn blob(&self, digest: &Digest) -> PathBuf {
        self.blobs().join(digest.hex())
    }

    /// What has come of a blob whose download is not complete.
    pub(crate) fn partial(&self, digest: &Digest) -> PathBuf {
        self.root.join(BLOBS).join("partial").join(digest.hex())
    }

    pub(crate) fn layer(&self, id: &LayerId) -> PathBuf {
        self.root.join(LAYERS).join(id.as_str())
    }

    pub(crate) fn logs(&self, id: &BuildId) -> PathBuf {
        self.root.join(LOGS).join(id.as_str())
    }

    pub(crate) fn lock(&self, name: &str) -> PathBuf {
        self.root.join(LOCKS).join(name)
    }

    pub(crate) fn temporary(&self, session: &str) -> PathBuf {
        self.root.join(TEMPORARY).join(session)
    }

    /// Makes every directory that is missing.
    pub(crate) fn create_directories(&self) -> Result<()> {
        for name in DIRECTORIES {
            make_directory(&self.root.join(name))?;
        }
        make_directory(&self.blobs())?;
        make_directory(&self.root.join(BLOBS).join("partial"))
    }
}

/// Makes a directory for the owner alone, and those above it; one that is there already is fine.
pub(crate) fn make_directory(path: &Path) -> Result<()> {
    DirBuilder::new().mode(0o700).recursive(true).create(path).on("create the directory", path)
}

/// Opens a new file for the owner alone.
pub(crate) fn create_file(path: &Path) -> Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .on("create the file", path)
}

/// Puts a small file in place so that nobody ever sees half of it; `scratch` must be on the same file system.
pub(crate) fn write_by_rename(scratch: &Path, path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = create_file(scratch)?;
    file.write_all(bytes).on("write", scratch)?;
    drop(file);
    fs::rename(scratch, path).on("put in place", path)
}
