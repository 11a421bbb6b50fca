//! The cache of fetched files.
//!
//! ```text
//! files-v0/<sha256>             package files and indexes, put in place by rename when their digest is right
//! partial-v0/<sha256>           what is being downloaded; locked while it is
//! releases-v0/<address>         release files as they came, and the answer's validators in <address>.json
//! spool-v0/                     unnamed files of assemblies
//! ```
//!
//! What is read from it is verified again: a file by its digest, a release file by its signature.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use plimsoll_oci::{Digest, Hasher};

use crate::error::ComposeError;

/// Where fetched files are kept.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    directory: PathBuf,
}

impl Cache {
    pub(crate) fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    /// Makes the folders.
    pub(crate) fn prepare(&self) -> Result<(), ComposeError> {
        for name in ["files-v0", "partial-v0", "releases-v0", "spool-v0"] {
            let path = self.directory.join(name);
            fs::create_dir_all(&path).map_err(|source| ComposeError::Io {
                action: "create",
                path,
                source,
            })?;
        }
        Ok(())
    }

    /// Where the file with this digest is, or will be.
    pub(crate) fn file(&self, digest: &Digest) -> PathBuf {
        self.directory.join("files-v0").join(digest.hex())
    }

    /// Whether the file is there, in its full size.
    pub(crate) fn has(&self, digest: &Digest, size_bytes: u64) -> bool {
        fs::metadata(self.file(digest)).is_ok_and(|metadata| metadata.len() == size_bytes)
    }

    /// Where the file with this digest grows while it is downloaded.
    pub(crate) fn partial(&self, digest: &Digest) -> PathBuf {
        self.directory.join("partial-v0").join(digest.hex())
    }

    /// A release file by its address.
    pub(crate) fn release(&self, uri: &str) -> PathBuf {
        self.directory.join("releases-v0").join(Digest::of(uri).hex())
    }

    /// A file without a name, for an assembly.
    pub(crate) fn spool(&self) -> Result<File, ComposeError> {
        let path = self.directory.join("spool-v0");
        tempfile::tempfile_in(&path).map_err(|source| ComposeError::Io {
            action: "create a file in",
            path,
            source,
        })
    }

    /// Opens a file after comparing its digest; one with other bytes is removed.
    pub(crate) fn open(&self, digest: &Digest, what: &str) -> Result<File, ComposeError> {
        let path = self.file(digest);
        let failed = |action: &'static str| {
            let path = path.clone();
            move |source: io::Error| {
                if source.kind() == io::ErrorKind::NotFound {
                    ComposeError::Offline { what: what.to_owned() }
                } else {
                    ComposeError::Io { action, path, source }
                }
            }
        };
        let mut file = File::open(&path).map_err(failed("open"))?;
        let mut hasher = Hasher::new();
        let mut buffer = vec![0; 128 << 10];
        loop {
            let length = file.read(&mut buffer).map_err(failed("read"))?;
            if length == 0 {
                break;
            }
            hasher.update(&buffer[..length]);
        }
        let found = hasher.finish();
        if found != *digest {
            fs::remove_file(&path).map_err(failed("remove"))?;
            return Err(ComposeError::WrongDigest {
                uri: path.display().to_string(),
                expected: *digest,
                found,
            });
        }
        io::Seek::rewind(&mut file).map_err(failed("read"))?;
        Ok(file)
    }
}

/// Writes a file so that readers see the old one or the new one.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), ComposeError> {
    let failed = |source| ComposeError::Io { action: "write", path: path.to_owned(), source };
    let directory = path.parent().expect("cache files lie in a folder");
    let mut file = tempfile::NamedTempFile::new_in(directory).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Opens a growing file and waits until no other process works on it.
pub(crate) fn lock_partial(path: &Path) -> Result<File, ComposeError> {
    let failed = |action| move |source| ComposeError::Io { action, path: path.to_owned(), source };
    loop {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(failed("open"))?;
        file.lock().map_err(failed("lock"))?;
        // Another process may have finished and renamed the file while this one waited: then the name is free
        // or belongs to a newer file, and the lock is on the wrong one.
        let same = fs::metadata(path).is_ok_and(|named| {
            use std::os::unix::fs::MetadataExt;
            file.metadata().is_ok_and(|own| own.ino() == named.ino() && own.dev() == named.dev())
        });
        if same {
            return Ok(file);
        }
    }
}
