//! The stub layer: mount points that the image does not have.
//!
//! A mount needs something to be mounted on. Making it in the step's upper directory would leave it in the layer,
//! so it goes into one more lower directory on top of the image's, in which existing parents are repeated with
//! their own metadata. The upper directory then holds exactly what the step did, and there is nothing to clean up.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use plimsoll_layer::{ChainIndex, Entry, Kind, Owners, Timestamp};

use crate::changeset::{Changeset, NewDirectory, shown};
use crate::error::ExecuteError;

/// Collects mount points, then writes those that are missing.
pub(crate) struct Stubs<'b> {
    base: &'b ChainIndex,
    changes: Changeset<'b>,
    directory: PathBuf,
    made: BTreeSet<Vec<u8>>,
}

impl<'b> Stubs<'b> {
    /// Stubs over `base`, to be written into the existing, empty `directory`.
    pub(crate) fn new(base: &'b ChainIndex, directory: &Path, owners: Owners) -> Self {
        let changes = Changeset::new(base, directory.to_owned(), owners, BTreeSet::new());
        Self { base, changes, directory: directory.to_owned(), made: BTreeSet::new() }
    }

    /// Makes sure that something can be mounted at `target`; gives the path with links followed.
    pub(crate) fn mount_point(&mut self, target: &str, is_directory: bool) -> Result<PathBuf, ExecuteError> {
        let resolved =
            self.base.resolve(target.as_bytes(), true).map_err(|source| ExecuteError::Resolve { source })?;
        let path = resolved.path.clone();
        let exists = resolved.found.map(|found| found.entry.is_directory());
        match exists.or_else(|| self.changes.is_directory(&path)) {
            Some(found) if found != is_directory => Err(if found {
                ExecuteError::IsADirectory { path: shown(&path) }
            } else {
                ExecuteError::NotADirectory { path: shown(&path) }
            }),
            Some(_) => Ok(absolute(&path)),
            None => {
                let mtime = resolved.parents.last().map_or(Timestamp::default(), |parent| parent.entry.mtime);
                let new = NewDirectory::at(mtime);
                if is_directory {
                    self.changes.ensure_directory(&path, new)?;
                } else {
                    let entry = Entry { mtime, ..Entry::new(path.clone(), Kind::File { size: 0 }, 0o644) };
                    self.changes.ensure_directory(entry.parent(), new)?;
                    self.changes.put_bytes(entry, &mut std::io::empty())?;
                }
                self.made.insert(path.clone());
                Ok(absolute(&path))
            }
        }
    }

    /// The mode of the directory at a path; none if it is not there.
    pub(crate) fn mode_at(&self, target: &str) -> Option<u32> {
        let found = self.base.resolve(target.as_bytes(), true).ok()?.found?;
        found.entry.is_directory().then_some(found.entry.mode)
    }

    /// Everything that is made: mount points and the directories that lead to them.
    pub(crate) fn made(&self) -> Vec<Vec<u8>> {
        self.changes.paths().filter(|path| self.base.lookup(path).is_none()).map(<[u8]>::to_vec).collect()
    }

    /// The same for a target that may lie in `/dev`, where everything is made anew for each step.
    pub(crate) fn mount_point_in_dev(
        &mut self,
        target: &str,
        is_directory: bool,
    ) -> Result<PathBuf, ExecuteError> {
        if Path::new(target).starts_with("/dev") {
            Ok(target.into())
        } else {
            self.mount_point(target, is_directory)
        }
    }

    /// Writes the stubs; none if the image has all mount points.
    pub(crate) fn finish(self) -> Result<Option<PathBuf>, ExecuteError> {
        if self.made.is_empty() {
            return Ok(None);
        }
        self.changes.finish(NonZeroUsize::MIN)?;
        Ok(Some(self.directory))
    }
}

fn absolute(path: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    Path::new("/").join(std::ffi::OsStr::from_bytes(path))
}
