//! Removing what an image does not have from a directory.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

use crate::ExportError;

const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Removes everything below a directory whose path is not in the list. Links are removed, never followed.
pub(super) fn clear(directory: &Path, kept: &BTreeSet<Vec<u8>>) -> Result<(), ExportError> {
    let io = |error: Errno| ExportError::Io { path: directory.to_owned(), source: error.into() };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = rustix::fs::open(directory, flags, Mode::empty()).map_err(io)?;
    below(root.as_fd(), b"", &|path| kept.contains(path)).map_err(|(path, error)| ExportError::Place {
        action: "remove",
        path: String::from_utf8_lossy(&path).into_owned(),
        source: error.into(),
    })
}

type Failure = (Vec<u8>, Errno);

fn below(directory: BorrowedFd<'_>, path: &[u8], is_kept: &dyn Fn(&[u8]) -> bool) -> Result<(), Failure> {
    let at = |error| (path.to_vec(), error);
    let mut names = Vec::new();
    for entry in Dir::read_from(directory).map_err(at)? {
        let name = entry.map_err(at)?.file_name().to_bytes().to_vec();
        if name != b"." && name != b".." {
            names.push(name);
        }
    }
    for name in names {
        let own = if path.is_empty() { name.clone() } else { [path, b"/", &name].concat() };
        let fail = |error| (own.clone(), error);
        let name = OsStr::from_bytes(&name);
        let stat = rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW).map_err(fail)?;
        let is_directory = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
        let kept = is_kept(&own);
        if is_directory {
            if !kept {
                rustix::fs::chmodat(directory, name, Mode::RWXU, AtFlags::empty()).map_err(fail)?;
            }
            let inner = rustix::fs::openat(directory, name, DIRECTORY, Mode::empty()).map_err(fail)?;
            if kept {
                below(inner.as_fd(), &own, is_kept)?;
            } else {
                below(inner.as_fd(), &own, &|_| false)?;
                rustix::fs::unlinkat(directory, name, AtFlags::REMOVEDIR).map_err(fail)?;
            }
        } else if !kept {
            rustix::fs::unlinkat(directory, name, AtFlags::empty()).map_err(fail)?;
        }
    }
    Ok(())
}
