//! What comes from addresses: files, archives, repositories.
//!
//! How a server is reached is the caller's ([`RemoteSources`]). Here is what becomes of it: a name is replaced by what it names now
//! before a key is made of it, and a tree of files becomes a layer like any other, so that its bytes are kept, shared
//! and pruned as those of a step are.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use plimsoll_graph::{ArchiveOp, ArchiveSource, CopyOp, GitSource, GitTimes, Op, without_login};
use plimsoll_layer::{ScanOptions, Timestamp as FileTime, scan_upper};
use plimsoll_oci::Digest;
use plimsoll_snapshot::FetchError;
use plimsoll_solver::Cancel;
use plimsoll_store::LayerDraft;
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};

use crate::copy::{self, Source, Target};
use crate::error::ExecuteError;
use crate::worker::Worker;

/// A file that was fetched from an address, now a blob in the store.
#[derive(Clone, Debug)]
pub struct RemoteFile {
    /// The blob.
    pub digest: Digest,
    /// When the server says it was changed, in seconds since 1970.
    pub modified: i64,
}

/// A commit that a reference leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitCommit {
    /// Its whole id.
    pub id: String,
    /// The whole name of the reference, such as `refs/heads/main`; none if it was named by its id.
    pub reference: Option<String>,
    /// The id of the annotated tag that leads to it.
    pub tag: Option<String>,
}

/// Reaches files and repositories by their addresses.
pub trait RemoteSources: Send + Sync {
    /// Fetches a file into the store, or finds that the one there is still right.
    fn fetch(&self, url: &str, checksum: Option<&Digest>) -> Result<RemoteFile, FetchError>;

    /// Asks which commit a repository's reference leads to now, and checks it against the one that is asked for. What
    /// was asked once in a build is the same until its end.
    fn commit(&self, git: &GitSource) -> Result<GitCommit, FetchError>;

    /// Puts the files of a commit into an empty directory, all of them; the `.git` directory is kept if that is asked
    /// for. Gives the commit's time in seconds since 1970.
    fn check_out(
        &self,
        git: &GitSource,
        commit: &GitCommit,
        directory: &Path,
        cancel: &Cancel,
    ) -> Result<i64, FetchError>;
}

impl Worker<'_> {
    pub(crate) fn fetch(&self, url: &str, checksum: Option<&Digest>) -> Result<RemoteFile, ExecuteError> {
        self.remote
            .fetch(url, checksum)
            .map_err(|source| ExecuteError::Remote { url: without_login(url), source })
    }

    fn commit(&self, git: &GitSource) -> Result<GitCommit, ExecuteError> {
        self.remote.commit(git).map_err(|source| ExecuteError::Remote { url: git.to_string(), source })
    }

    /// A source with what it names now in place of its name; none for other ops.
    pub(crate) fn pinned(&self, op: &Op) -> Result<Option<Op>, ExecuteError> {
        Ok(match op {
            Op::Git(git) => Some(Op::Git(git.pinned(&self.commit(git)?.id))),
            Op::Archive(archive) => {
                let source = ArchiveSource::Blob(self.bytes(archive)?.digest);
                Some(Op::Archive(ArchiveOp { source, ..archive.clone() }))
            }
            _ => None,
        })
    }

    fn bytes(&self, archive: &ArchiveOp) -> Result<RemoteFile, ExecuteError> {
        match &archive.source {
            ArchiveSource::Url(url) => self.fetch(url, None),
            ArchiveSource::Blob(digest) => {
                let modified = self.settings.epoch.unwrap_or(0);
                Ok(RemoteFile { digest: *digest, modified })
            }
        }
    }

    /// Writes what an archive holds into a new layer.
    pub(crate) fn unpack_archive(
        &self,
        archive: &ArchiveOp,
        target: Target<'_>,
    ) -> Result<copy::Written, ExecuteError> {
        let file = self.bytes(archive)?;
        let source = Source::File {
            name: archive.name.clone(),
            path: self.snapshots.store().blob_path(&file.digest),
            mtime: FileTime::from_seconds(file.modified),
            unpack: archive.unpack,
        };
        let op = CopyOp::to_root(Vec::new());
        let sources = vec![source];
        self.snapshots.ensure_room(copy::size(&sources))?;
        copy::copy(&op, sources, target)
    }

    /// Writes the files of a commit into a new layer.
    pub(crate) fn check_out(
        &self,
        git: &GitSource,
        draft: &LayerDraft,
        cancel: &Cancel,
    ) -> Result<copy::Written, ExecuteError> {
        let commit = self.commit(git)?;
        let scratch = Scratch(self.snapshots.store().temporary_directory()?);
        let whole = scratch.0.join("tree");
        let write = |path: &Path, source| ExecuteError::Write { path: path.to_owned(), source };
        fs::DirBuilder::new().mode(0o755).create(&whole).map_err(|error| write(&whole, error))?;
        let time = self.remote.check_out(git, &commit, &whole, cancel).map_err(|source| {
            if cancel.is_raised() {
                ExecuteError::Cancelled
            } else {
                ExecuteError::Remote { url: git.to_string(), source }
            }
        })?;
        let options = ScanOptions {
            xattr_namespace: self.settings.xattr_namespace,
            owners: self.settings.owners,
            base: None,
            side_owners: None,
        };
        let scan = |path: &Path| scan_upper(path, &options).map_err(|source| ExecuteError::Layer { source });
        let taken = match git.subdirectory.as_str() {
            "" => whole,
            subdirectory => {
                // A link on the way is followed by nobody: it could lead to what was not asked for.
                let index = scan(&whole)?;
                let mut path = Vec::new();
                for name in subdirectory.split('/') {
                    path = crate::select::join(&path, name.as_bytes());
                    if !index.entry(&path).is_some_and(plimsoll_layer::Entry::is_directory) {
                        let reason = format!("`{subdirectory}` is no directory of the repository");
                        return Err(ExecuteError::Remote { url: git.to_string(), source: reason.into() });
                    }
                }
                whole.join(subdirectory)
            }
        };
        settle(&taken, (git.times == GitTimes::Commit).then_some(time))?;
        let place = draft.fs();
        fs::remove_dir(&place)
            .and_then(|()| fs::rename(&taken, &place))
            .map_err(|error| write(&place, error))?;
        Ok((scan(&place)?, BTreeSet::new()))
    }
}

/// A directory that goes away with its owner.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left is swept when the process has ended.
        let _removed = fs::remove_dir_all(&self.0);
    }
}

/// Gives everything the modes that git knows, whatever mask this process has, and the time; children before their directory.
fn settle(path: &Path, time: Option<i64>) -> Result<(), ExecuteError> {
    let write = |source| ExecuteError::Write { path: path.to_owned(), source };
    let metadata = path.symlink_metadata().map_err(write)?;
    if !metadata.is_symlink() {
        let mode = match metadata.permissions().mode() {
            _ if metadata.is_dir() => 0o755,
            mode if mode & 0o100 != 0 => 0o755,
            mode if mode & 0o200 != 0 => 0o644,
            _ => 0o444,
        };
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(write)?;
    }
    if metadata.is_dir() {
        for child in fs::read_dir(path).map_err(write)? {
            settle(&child.map_err(write)?.path(), time)?;
        }
    }
    let Some(seconds) = time else { return Ok(()) };
    let time = Timespec { tv_sec: seconds, tv_nsec: 0 };
    let times = Timestamps { last_access: time, last_modification: time };
    utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).map_err(|error| write(error.into()))
}
