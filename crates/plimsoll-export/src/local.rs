//! Root file systems as directories.
//!
//! As with Docker, what is written belongs to whoever runs this: the image's owners are only in the image and in its
//! tars. Links that are in the destination already are never followed.

mod clear;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use plimsoll_layer::{Entry, Kind, Timestamp, copy_sparse, has_holes};
use plimsoll_snapshot::Snapshots;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Timespec, Timestamps, XattrFlags};
use rustix::io::Errno;

use crate::ExportError;
use crate::merged::Merged;
use crate::roots::{self, Root};

/// What of the image a directory of this user could not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unapplied {
    /// Path in the root file system.
    pub path: String,
    /// What could not be set: `device`, `set-user-id`, or the name of an extended attribute.
    pub what: String,
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LocalReport {
    /// Files, directories and links.
    pub entries: u64,
    /// Bytes of files.
    pub size_bytes: u64,
    /// What could not be set; owners are not listed.
    pub unapplied: Vec<Unapplied>,
}

/// Writes root file systems into a directory, which is made if it is not there. What is there already stays, except where
/// an image has something of the same name; with `delete` everything else that is there goes.
///
/// Layers that are not unpacked are unpacked first, for which a plain user needs the user namespace.
pub fn local(
    snapshots: &Snapshots,
    roots: &[Root<'_>],
    directory: &Path,
    delete: bool,
) -> Result<LocalReport, ExportError> {
    let roots = roots::open(snapshots, roots)?;
    let mut report = LocalReport::default();
    for (root, merged) in &roots {
        let mut writer = Writer::open(merged, root, directory, report)?;
        for entry in &merged.entries {
            writer.entry(entry)?;
        }
        report = writer.report;
    }
    if delete {
        let mut kept: BTreeSet<Vec<u8>> = BTreeSet::new();
        for (root, merged) in &roots {
            let prefix = root.directory.map_or_else(Vec::new, |name| [name.as_bytes(), b"/"].concat());
            kept.extend(root.directory.map(|name| name.as_bytes().to_vec()));
            kept.extend(merged.entries.iter().map(|entry| [prefix.as_slice(), &entry.path].concat()));
        }
        clear::clear(directory, &kept)?;
    }
    // Deepest first: writing into a directory changes its time, and some may forbid it.
    for (root, merged) in &roots {
        let mut writer = Writer::open(merged, root, directory, report)?;
        for entry in merged.entries.iter().rev().filter(|entry| entry.is_directory()) {
            writer.finish_directory(entry)?;
        }
        report = writer.report;
    }
    Ok(report)
}

struct Writer<'m> {
    merged: &'m Merged,
    root: OwnedFd,
    /// Whom new files belong to.
    owner: (u32, u32),
    /// The directory written to last.
    parent: Option<(Vec<u8>, OwnedFd)>,
    report: LocalReport,
}

fn failed(action: &'static str, entry: &Entry, source: impl Into<io::Error>) -> ExportError {
    ExportError::Place { action, path: shown(&entry.path), source: source.into() }
}

fn shown(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}

fn name(entry: &Entry) -> &OsStr {
    OsStr::from_bytes(entry.name())
}

impl<'m> Writer<'m> {
    fn open(
        merged: &'m Merged,
        root: &Root<'_>,
        directory: &Path,
        report: LocalReport,
    ) -> Result<Self, ExportError> {
        let path = root.directory.map_or_else(|| directory.to_owned(), |name| directory.join(name));
        let io = |source| ExportError::Io { path: path.clone(), source };
        std::fs::create_dir_all(&path).map_err(io)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open(&path, flags, Mode::empty()).map_err(|error| io(error.into()))?;
        let owner = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        Ok(Self { merged, root, owner, parent: None, report })
    }

    /// Opens a directory of the destination; no component may be a link.
    fn open_directory(&self, path: &[u8]) -> Result<OwnedFd, Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut directory = rustix::fs::openat(&self.root, ".", flags, Mode::empty())?;
        for component in path.split(|byte| *byte == b'/').filter(|component| !component.is_empty()) {
            directory = rustix::fs::openat(&directory, OsStr::from_bytes(component), flags, Mode::empty())?;
        }
        Ok(directory)
    }

    fn entry(&mut self, entry: &Entry) -> Result<(), ExportError> {
        if self.parent.as_ref().is_none_or(|(path, _)| path != entry.parent()) {
            let directory = self
                .open_directory(entry.parent())
                .map_err(|error| failed("open the directory of", entry, error))?;
            self.parent = Some((entry.parent().to_vec(), directory));
        }
        let (path, parent) = self.parent.take().expect("it was opened just now");
        let result = self.create(parent.as_fd(), entry);
        self.parent = Some((path, parent));
        self.report.entries += 1;
        result
    }

    fn create(&mut self, parent: BorrowedFd<'_>, entry: &Entry) -> Result<(), ExportError> {
        let name = name(entry);
        if let Kind::Directory { .. } = entry.kind {
            return make_directory(parent, entry);
        }
        match rustix::fs::unlinkat(parent, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(failed("replace", entry, error)),
        }
        match &entry.kind {
            Kind::File { .. } => return self.file(parent, entry),
            Kind::Symlink { target } => {
                rustix::fs::symlinkat(OsStr::from_bytes(target), parent, name)
                    .map_err(|error| failed("make the link", entry, error))?;
            }
            Kind::Hardlink { target } => return self.hard_link(parent, entry, target),
            Kind::Fifo => self.node(parent, entry, FileType::Fifo, 0)?,
            Kind::CharDevice { major, minor } => {
                let device = rustix::fs::makedev(*major, *minor);
                self.node(parent, entry, FileType::CharacterDevice, device)?;
            }
            Kind::BlockDevice { major, minor } => {
                let device = rustix::fs::makedev(*major, *minor);
                self.node(parent, entry, FileType::BlockDevice, device)?;
            }
            Kind::Directory { .. } | Kind::Whiteout => {}
        }
        match rustix::fs::utimensat(parent, name, &times(entry.mtime), AtFlags::SYMLINK_NOFOLLOW) {
            // A device that could not be made.
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(failed("set the time of", entry, error)),
        }
    }

    fn file(&mut self, parent: BorrowedFd<'_>, entry: &Entry) -> Result<(), ExportError> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(parent, name(entry), flags, Mode::RUSR | Mode::WUSR)
            .map_err(|error| failed("create", entry, error))?;
        let mut file = File::from(file);
        let mut content =
            self.merged.content(entry).map_err(|source| failed("read the bytes of", entry, source))?;
        // Where a file has holes, so has its copy.
        let metadata = content.metadata().map_err(|source| failed("read the bytes of", entry, source))?;
        let written = if has_holes(&metadata) {
            copy_sparse(&mut content, &mut file)
        } else {
            io::copy(&mut content, &mut file)
        };
        self.report.size_bytes += written.map_err(|source| failed("write", entry, source))?;
        self.attributes(file.as_fd(), entry)
    }

    /// Mode, attributes and times of an open file or directory.
    fn attributes(&mut self, file: BorrowedFd<'_>, entry: &Entry) -> Result<(), ExportError> {
        for (name, value) in &entry.xattrs {
            let set = rustix::fs::fsetxattr(file, OsStr::from_bytes(name), value, XattrFlags::empty());
            if set.is_err() {
                self.unapplied(entry, shown(name));
            }
        }
        // The set-id bits of one owner must not become those of another.
        let mut mode = entry.mode & 0o7777;
        if mode & 0o4000 != 0 && entry.uid != self.owner.0 {
            mode &= !0o4000;
            self.unapplied(entry, "set-user-id".to_owned());
        }
        if mode & 0o2000 != 0 && entry.gid != self.owner.1 {
            mode &= !0o2000;
            self.unapplied(entry, "set-group-id".to_owned());
        }
        rustix::fs::fchmod(file, Mode::from_raw_mode(mode))
            .map_err(|error| failed("set the mode of", entry, error))?;
        rustix::fs::futimens(file, &times(entry.mtime))
            .map_err(|error| failed("set the time of", entry, error))
    }

    fn hard_link(&mut self, parent: BorrowedFd<'_>, entry: &Entry, target: &[u8]) -> Result<(), ExportError> {
        let (directory, last) = match target.iter().rposition(|byte| *byte == b'/') {
            Some(slash) => (&target[..slash], &target[slash + 1..]),
            None => (&[][..], target),
        };
        let directory = self.open_directory(directory).map_err(|error| failed("link", entry, error))?;
        rustix::fs::linkat(&directory, OsStr::from_bytes(last), parent, name(entry), AtFlags::empty())
            .map_err(|error| failed("link", entry, error))
    }

    fn node(
        &mut self,
        parent: BorrowedFd<'_>,
        entry: &Entry,
        kind: FileType,
        device: u64,
    ) -> Result<(), ExportError> {
        let mode = Mode::from_raw_mode(entry.mode & 0o777);
        match rustix::fs::mknodat(parent, name(entry), kind, mode, device) {
            Ok(()) => rustix::fs::chmodat(parent, name(entry), mode, AtFlags::empty())
                .map_err(|error| failed("set the mode of", entry, error)),
            Err(Errno::PERM | Errno::ACCESS) if kind != FileType::Fifo => {
                self.unapplied(entry, "device".to_owned());
                Ok(())
            }
            Err(error) => Err(failed("create", entry, error)),
        }
    }

    fn finish_directory(&mut self, entry: &Entry) -> Result<(), ExportError> {
        let directory =
            self.open_directory(&entry.path).map_err(|error| failed("open the directory", entry, error))?;
        self.attributes(directory.as_fd(), entry)
    }

    fn unapplied(&mut self, entry: &Entry, what: String) {
        self.report.unapplied.push(Unapplied { path: shown(&entry.path), what });
    }
}

/// Makes a directory, or opens one that is there for writing; anything else in its place goes.
fn make_directory(parent: BorrowedFd<'_>, entry: &Entry) -> Result<(), ExportError> {
    let name = name(entry);
    let make = || rustix::fs::mkdirat(parent, name, Mode::RWXU);
    let made = match make() {
        Err(Errno::EXIST) => {
            let stat = rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)
                .map_err(|error| failed("examine", entry, error))?;
            if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
                rustix::fs::chmodat(parent, name, Mode::RWXU, AtFlags::empty())
            } else {
                rustix::fs::unlinkat(parent, name, AtFlags::empty()).and_then(|()| make())
            }
        }
        made => made,
    };
    made.map_err(|error| failed("create the directory", entry, error))
}

fn times(time: Timestamp) -> Timestamps {
    let time = Timespec { tv_sec: time.seconds, tv_nsec: i64::from(time.nanoseconds) };
    Timestamps { last_access: time, last_modification: time }
}
