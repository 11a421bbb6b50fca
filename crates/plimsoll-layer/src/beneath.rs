//! Opening files below a directory without ever leaving it, whatever symbolic links lie there.
//!
//! `openat2` with `RESOLVE_BENEATH` and `RESOLVE_NO_SYMLINKS` does it in one call (openat2(2)); where a kernel or a
//! system-call filter refuses that, each component is opened by itself without following links.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use crate::entry::{Entry, split_last};

/// An open directory below which everything happens.
#[derive(Debug)]
pub(crate) struct Root {
    directory: OwnedFd,
}

impl Root {
    pub(crate) fn open(directory: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self { directory: rustix::fs::open(directory, flags, Mode::empty())? })
    }

    /// Opens a directory only to name things in it.
    pub(crate) fn place(&self, path: &[u8]) -> Result<OwnedFd, Errno> {
        self.open_at(path, OFlags::PATH | OFlags::DIRECTORY)
    }

    /// Opens a directory to read it or to change its metadata.
    pub(crate) fn directory(&self, path: &[u8]) -> Result<OwnedFd, Errno> {
        self.open_at(path, OFlags::RDONLY | OFlags::DIRECTORY)
    }

    /// Opens a file for reading; a named pipe does not block.
    pub(crate) fn file(&self, path: &[u8]) -> Result<OwnedFd, Errno> {
        self.open_at(path, OFlags::RDONLY | OFlags::NONBLOCK)
    }

    fn open_at(&self, path: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
        let path = if path.is_empty() { b"." } else { path };
        let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        match rustix::fs::openat2(&self.directory, path, flags, Mode::empty(), resolve) {
            Err(Errno::NOSYS | Errno::PERM | Errno::AGAIN) => self.open_by_components(path, flags),
            result => result,
        }
    }

    fn open_by_components(&self, path: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
        let (parent, name) = split_last(path);
        let step = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut directory: Option<OwnedFd> = None;
        for component in parent.split(|&byte| byte == b'/').filter(|component| !component.is_empty()) {
            if component == b".." {
                return Err(Errno::XDEV);
            }
            let at = directory.as_ref().map_or(self.directory.as_fd(), AsFd::as_fd);
            directory = Some(rustix::fs::openat(at, component, step, Mode::empty())?);
        }
        if name == b".." {
            return Err(Errno::XDEV);
        }
        let at = directory.as_ref().map_or(self.directory.as_fd(), AsFd::as_fd);
        rustix::fs::openat(at, name, flags, Mode::empty())
    }
}

/// A path by which calls that take no directory descriptor reach a name in an open directory.
pub(crate) fn descriptor_path(directory: BorrowedFd<'_>, name: &[u8]) -> Vec<u8> {
    use std::os::fd::AsRawFd as _;
    let mut path = format!("/proc/self/fd/{}/", directory.as_raw_fd()).into_bytes();
    path.extend_from_slice(name);
    path
}

/// The files of an unpacked layer as contents for `write_tar`.
#[derive(Debug)]
pub struct DirectoryContent {
    root: Root,
}

impl DirectoryContent {
    /// Opens the directory of an unpacked layer.
    pub fn open(directory: &Path) -> io::Result<Self> {
        Ok(Self { root: Root::open(directory)? })
    }

    /// Opens a regular file by its path in the layer; symbolic links on the way are refused.
    pub fn file(&self, path: &[u8]) -> io::Result<File> {
        let file = File::from(self.root.file(path)?);
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        Ok(file)
    }

    /// Opens the content of an entry.
    pub fn content(&self, entry: &Entry) -> io::Result<Box<dyn Read>> {
        Ok(Box::new(self.file(&entry.path)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_opening_refuse_links_and_parents() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(directory.path().join("root/a/b")).unwrap();
        std::fs::write(directory.path().join("outside"), "x").unwrap();
        std::fs::write(directory.path().join("root/a/b/file"), "x").unwrap();
        std::os::unix::fs::symlink("a", directory.path().join("root/link")).unwrap();
        std::os::unix::fs::symlink("../outside", directory.path().join("root/out")).unwrap();
        let root = Root::open(&directory.path().join("root")).unwrap();
        let at_once = |path: &[u8]| root.open_at(path, OFlags::RDONLY).is_ok();
        let stepwise = |path: &[u8]| root.open_by_components(path, OFlags::RDONLY | OFlags::NOFOLLOW).is_ok();
        for path in [&b"a/b/file"[..], b"."] {
            assert!(at_once(path) && stepwise(path), "{}", String::from_utf8_lossy(path));
        }
        for path in [&b"link/b/file"[..], b"out", b"../outside", b"a/../../outside", b".."] {
            assert!(!at_once(path) && !stepwise(path), "{}", String::from_utf8_lossy(path));
        }
    }
}
