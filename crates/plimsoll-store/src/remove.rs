//! Removing trees: first out of sight by rename, then at leisure.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::Store;
use crate::error::{IoContext as _, Result};
use crate::id::random_text;
use crate::layout::TRASH;

/// Removes a file or a whole tree, never following links; what is not there is fine.
///
/// A user who is not root cannot empty directories without write permission, such as overlayfs leaves behind and images
/// contain; those get it first.
pub(crate) fn remove_tree(path: &Path) -> io::Result<()> {
    let gone = |result: io::Result<()>| match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    };
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    if !metadata.is_dir() {
        return gone(fs::remove_file(path));
    }
    match gone(fs::remove_dir_all(path)) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            open_directories(path)?;
            gone(fs::remove_dir_all(path))
        }
        other => other,
    }
}

/// Gives the owner all rights on every directory of a tree.
fn open_directories(path: &Path) -> io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            open_directories(&entry.path())?;
        }
    }
    Ok(())
}

impl Store {
    /// Takes a file or directory out of sight; false if it was not there.
    pub(crate) fn discard(&self, path: &Path) -> Result<bool> {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let target = self.layout().directory(TRASH).join(format!("{}-{name}", random_text()?));
        match fs::rename(path, &target) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            other => other.on("put into the trash", path).map(|()| true),
        }
    }

    /// Removes what lies in the trash; gives what could not be removed. Several processes may do so at once.
    pub(crate) fn empty_trash(&self) -> Result<Vec<PathBuf>> {
        let mut left = Vec::new();
        for name in self.names_in(TRASH)? {
            let path = self.layout().directory(TRASH).join(name);
            if remove_tree(&path).is_err() {
                left.push(path);
            }
        }
        Ok(left)
    }
}
