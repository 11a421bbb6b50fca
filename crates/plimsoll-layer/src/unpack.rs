//! Tar to an overlay-ready directory.
//!
//! Contents are written as the tar streams in. What depends on the whole layer follows at the end and is taken
//! from the index: whiteouts (character device 0:0), opaque marks, and the metadata of directories, deepest first,
//! so that no later write disturbs a time and no mode locks a directory too early.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, Timespec, Timestamps, Uid, XattrFlags};
use rustix::io::Errno;

use crate::beneath::{Root, descriptor_path};
use crate::chain::{ChainIndex, hides};
use crate::entry::{Entry, Kind, ancestors, shown, split_last};
use crate::error::LayerError;
use crate::index::LayerIndex;
use crate::tar_read::{LayerSink, Limits, ReadOptions, Whiteouts, read_layer};
use crate::xattr;

/// How owners are kept on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owners {
    /// With chown: all ids of the image exist here.
    Real,
    /// As the extended attribute `user.plimsoll.owner` of files and directories: only one id exists here.
    /// For every other kind of entry the owner is in the index only.
    Recorded,
}

/// Which extended attributes overlayfs reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum XattrNamespace {
    /// `trusted.overlay.`, as root.
    Trusted,
    /// `user.overlay.`, with the mount option `userxattr`.
    User,
}

impl XattrNamespace {
    /// Name of the attribute that marks a directory opaque.
    pub const fn opaque_name(self) -> &'static str {
        match self {
            Self::Trusted => "trusted.overlay.opaque",
            Self::User => "user.overlay.opaque",
        }
    }
}

/// How a layer is unpacked.
#[derive(Debug, Clone, Copy)]
pub struct UnpackOptions<'a> {
    /// How owners are kept.
    pub owners: Owners,
    /// Which attribute marks an opaque directory.
    pub xattr_namespace: XattrNamespace,
    /// Limits against hostile archives.
    pub limits: Limits,
    /// The layers below. With them, directories that the tar only implies take their metadata from there, and
    /// whiteouts that hide nothing are left out on disk; without, such directories are 0755 and 0:0.
    pub base: Option<&'a ChainIndex>,
}

/// Something of the layer that this disk could not hold; the index still has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unapplied {
    /// Path within the layer.
    pub path: Vec<u8>,
    /// What could not be set: the name of an extended attribute, or `device`.
    pub what: String,
}

/// What `unpack` made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpacked {
    /// The index of the layer.
    pub index: LayerIndex,
    /// What the disk could not hold, owners with `Owners::Recorded` aside.
    pub unapplied: Vec<Unapplied>,
}

/// Writes an uncompressed tar into the existing, empty `directory`, and nothing outside it.
pub fn unpack(
    reader: &mut dyn Read,
    directory: &Path,
    options: &UnpackOptions<'_>,
) -> Result<Unpacked, LayerError> {
    let root = Root::open(directory).map_err(|source| LayerError::file("open", b"", source))?;
    let mut unpacker =
        Unpacker { root, options, parent: None, unapplied: Vec::new(), buffer: vec![0; COPY_BUFFER] };
    let read = ReadOptions { whiteouts: Whiteouts::Interpret, limits: options.limits };
    let index = read_layer(reader, &read, &mut unpacker)?;
    unpacker.finish(&index)?;
    Ok(Unpacked { index, unapplied: unpacker.unapplied })
}

const COPY_BUFFER: usize = 256 << 10;
/// Mode of directories while the layer is being written.
const BUSY: Mode = Mode::RWXU;

struct Unpacker<'o> {
    root: Root,
    options: &'o UnpackOptions<'o>,
    /// The directory written to last.
    parent: Option<(Vec<u8>, OwnedFd)>,
    unapplied: Vec<Unapplied>,
    buffer: Vec<u8>,
}

impl LayerSink for Unpacker<'_> {
    fn entry(&mut self, entry: &Entry, content: &mut dyn Read) -> Result<(), LayerError> {
        if entry.path.is_empty() || entry.kind == Kind::Whiteout {
            return Ok(());
        }
        let parent = self.enter(entry.parent())?;
        let result = self.create(&parent, entry, content);
        self.parent.get_or_insert((entry.parent().to_vec(), parent));
        result
    }

    fn opaque(&mut self, _: &[u8]) -> Result<(), LayerError> {
        Ok(())
    }
}

impl Unpacker<'_> {
    /// Opens a directory, making what is missing of it. The caller gives the descriptor back to `parent`.
    fn enter(&mut self, path: &[u8]) -> Result<OwnedFd, LayerError> {
        if let Some((open, descriptor)) = self.parent.take()
            && open == path
        {
            return Ok(descriptor);
        }
        let failed = |error: Errno| LayerError::file("open the directory", path, error);
        match self.root.place(path) {
            Err(Errno::NOENT) => {}
            result => return result.map_err(failed),
        }
        for ancestor in ancestors(path).chain([path]) {
            let (above, name) = split_last(ancestor);
            let above = self.root.place(above).map_err(failed)?;
            match rustix::fs::mkdirat(&above, name, BUSY) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(LayerError::file("make the directory", ancestor, error)),
            }
        }
        self.root.place(path).map_err(failed)
    }

    fn create(&mut self, parent: &OwnedFd, entry: &Entry, content: &mut dyn Read) -> Result<(), LayerError> {
        let name = entry.name();
        let place = parent.as_fd();
        match &entry.kind {
            Kind::Directory { .. } => make(place, entry, |place| rustix::fs::mkdirat(place, name, BUSY)),
            Kind::File { .. } => self.write_file(place, entry, content),
            Kind::Symlink { target } => {
                let target = target.as_slice();
                make(place, entry, |place| rustix::fs::symlinkat(target, place, name))?;
                self.describe_name(place, entry)
            }
            Kind::Hardlink { target } => {
                let (directory, target) = split_last(target);
                let source = self.root.place(directory);
                let source =
                    source.map_err(|error| LayerError::file("open the directory", directory, error))?;
                make(place, entry, |place| rustix::fs::linkat(&source, target, place, name, AtFlags::empty()))
            }
            Kind::CharDevice { major, minor } => self.device(place, entry, true, (*major, *minor)),
            Kind::BlockDevice { major, minor } => self.device(place, entry, false, (*major, *minor)),
            Kind::Fifo => {
                let mode = Mode::RUSR | Mode::WUSR;
                make(place, entry, |place| rustix::fs::mknodat(place, name, FileType::Fifo, mode, 0))?;
                self.describe_name(place, entry)
            }
            Kind::Whiteout => Ok(()),
        }
    }

    fn write_file(
        &mut self,
        place: BorrowedFd<'_>,
        entry: &Entry,
        content: &mut dyn Read,
    ) -> Result<(), LayerError> {
        let mut file = create_file(place, entry)?;
        loop {
            let failed = |source| LayerError::file("write", &entry.path, source);
            match content.read(&mut self.buffer) {
                Ok(0) => break,
                Ok(count) => file.write_all(&self.buffer[..count]).map_err(failed)?,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(source) => return Err(LayerError::Content { path: shown(&entry.path), source }),
            }
        }
        self.describe(file.as_fd(), entry)
    }

    /// Makes a device node, or where that is not permitted an empty file that names the device.
    fn device(
        &mut self,
        place: BorrowedFd<'_>,
        entry: &Entry,
        is_character: bool,
        (major, minor): (u32, u32),
    ) -> Result<(), LayerError> {
        let file_type = if is_character { FileType::CharacterDevice } else { FileType::BlockDevice };
        let device = rustix::fs::makedev(major, minor);
        if self.options.owners == Owners::Real {
            let mode = Mode::RUSR | Mode::WUSR;
            let made = make(place, entry, |place| {
                match rustix::fs::mknodat(place, entry.name(), file_type, mode, device) {
                    Err(Errno::PERM) => Ok(false),
                    result => result.map(|()| true),
                }
            })?;
            if made {
                return self.describe_name(place, entry);
            }
        }
        let file = create_file(place, entry)?;
        self.unapplied.push(Unapplied { path: entry.path.clone(), what: "device".to_owned() });
        self.describe(file.as_fd(), entry)?;
        self.attribute(file.as_fd(), entry, xattr::DEVICE, &xattr::device_value(is_character, major, minor))
    }

    /// Sets the metadata of an open file or directory. A chown takes away set-user-id bits and capabilities,
    /// so it comes first.
    fn describe(&mut self, file: BorrowedFd<'_>, entry: &Entry) -> Result<(), LayerError> {
        match self.options.owners {
            Owners::Real => {
                let (uid, gid) = (Uid::from_raw(entry.uid), Gid::from_raw(entry.gid));
                rustix::fs::fchown(file, Some(uid), Some(gid)).map_err(|error| not_owned(entry, error))?;
            }
            Owners::Recorded if (entry.uid, entry.gid) != (0, 0) => {
                self.attribute(file, entry, xattr::OWNER, &xattr::owner_value(entry.uid, entry.gid))?;
            }
            Owners::Recorded => {}
        }
        rustix::fs::fchmod(file, Mode::from_raw_mode(entry.mode))
            .map_err(|error| LayerError::file("set the mode of", &entry.path, error))?;
        for (name, value) in &entry.xattrs {
            self.attribute(file, entry, name, value)?;
        }
        rustix::fs::futimens(file, &times(entry))
            .map_err(|error| LayerError::file("set the times of", &entry.path, error))
    }

    /// The same for what cannot be opened.
    fn describe_name(&mut self, place: BorrowedFd<'_>, entry: &Entry) -> Result<(), LayerError> {
        let name = entry.name();
        if self.options.owners == Owners::Real {
            let (uid, gid) = (Uid::from_raw(entry.uid), Gid::from_raw(entry.gid));
            rustix::fs::chownat(place, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)
                .map_err(|error| not_owned(entry, error))?;
        }
        if !matches!(entry.kind, Kind::Symlink { .. }) {
            rustix::fs::chmodat(place, name, Mode::from_raw_mode(entry.mode), AtFlags::empty())
                .map_err(|error| LayerError::file("set the mode of", &entry.path, error))?;
        }
        for (attribute, value) in &entry.xattrs {
            let path = descriptor_path(place, name);
            let result =
                rustix::fs::lsetxattr(path.as_slice(), attribute.as_slice(), value, XattrFlags::empty());
            self.note(result, entry, attribute)?;
        }
        rustix::fs::utimensat(place, name, &times(entry), AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|error| LayerError::file("set the times of", &entry.path, error))
    }

    fn attribute(
        &mut self,
        file: BorrowedFd<'_>,
        entry: &Entry,
        name: &[u8],
        value: &[u8],
    ) -> Result<(), LayerError> {
        self.note(rustix::fs::fsetxattr(file, name, value, XattrFlags::empty()), entry, name)
    }

    /// What the disk or the rights here do not allow is noted: the index still has it.
    fn note(&mut self, result: Result<(), Errno>, entry: &Entry, name: &[u8]) -> Result<(), LayerError> {
        match result {
            Ok(()) => Ok(()),
            Err(Errno::OPNOTSUPP | Errno::PERM | Errno::ACCESS | Errno::INVAL) => {
                self.unapplied.push(Unapplied { path: entry.path.clone(), what: shown(name) });
                Ok(())
            }
            Err(error) => Err(LayerError::file("set an extended attribute of", &entry.path, error)),
        }
    }

    fn finish(&mut self, index: &LayerIndex) -> Result<(), LayerError> {
        // Overlayfs shows a whiteout as a name without a file where no layer below has the directory, so one that
        // hides nothing is better not made.
        let hides_something =
            |entry: &&Entry| self.options.base.is_none_or(|base| base.lookup(&entry.path).is_some());
        let whiteouts = index.entries().iter().filter(|entry| entry.kind == Kind::Whiteout);
        for entry in whiteouts.filter(hides_something).collect::<Vec<_>>() {
            let place = self.enter(entry.parent())?;
            make(place.as_fd(), entry, |place| {
                rustix::fs::mknodat(place, entry.name(), FileType::CharacterDevice, Mode::empty(), 0)
            })?;
            self.parent = Some((entry.parent().to_vec(), place));
        }
        self.parent = None;
        let mut directories: Vec<&Entry> =
            index.entries().iter().filter(|entry| entry.is_directory()).collect();
        let implied = index.implied().iter().map(|entry| {
            let base = self.options.base.filter(|_| !hides(index, &entry.path));
            let below = base.and_then(|base| base.lookup(&entry.path));
            below.map_or(entry, |found| if found.entry.is_directory() { found.entry } else { entry })
        });
        directories.extend(implied);
        directories.sort_unstable_by(|left, right| right.path.cmp(&left.path));
        for entry in directories {
            self.finish_directory(entry, index.entry(&entry.path))?;
        }
        Ok(())
    }

    fn finish_directory(&mut self, entry: &Entry, own: Option<&Entry>) -> Result<(), LayerError> {
        let failed = |error: Errno| LayerError::file("open the directory", &entry.path, error);
        let directory = match self.root.directory(&entry.path) {
            // An opaque mark may be all there is of a directory.
            Err(Errno::NOENT) => {
                drop(self.enter(&entry.path)?);
                self.root.directory(&entry.path).map_err(failed)?
            }
            result => result.map_err(failed)?,
        };
        if own.is_some_and(|own| own.kind == Kind::Directory { opaque: true }) {
            let name = self.options.xattr_namespace.opaque_name();
            rustix::fs::fsetxattr(&directory, name, b"y", XattrFlags::empty())
                .map_err(|error| LayerError::file("mark as opaque", &entry.path, error))?;
        }
        self.describe(directory.as_fd(), entry)
    }
}

/// Makes something new, replacing what is there; a directory stays when a directory is wanted.
fn make<T>(
    place: BorrowedFd<'_>,
    entry: &Entry,
    mut call: impl FnMut(BorrowedFd<'_>) -> Result<T, Errno>,
) -> Result<T, LayerError>
where
    T: Default,
{
    let failed = |error: Errno| LayerError::file("make", &entry.path, error);
    match call(place) {
        Err(Errno::EXIST) => {}
        result => return result.map_err(failed),
    }
    let is_directory = match rustix::fs::statat(place, entry.name(), AtFlags::SYMLINK_NOFOLLOW) {
        Ok(status) => FileType::from_raw_mode(status.st_mode).is_dir(),
        Err(error) => return Err(failed(error)),
    };
    if is_directory && entry.is_directory() {
        return Ok(T::default());
    }
    remove(place, entry.name()).map_err(|error| LayerError::file("replace", &entry.path, error))?;
    call(place).map_err(failed)
}

fn create_file(place: BorrowedFd<'_>, entry: &Entry) -> Result<File, LayerError> {
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mode = Mode::RUSR | Mode::WUSR;
    let name = entry.name();
    let file = make(place, entry, |place| rustix::fs::openat(place, name, flags, mode).map(Some))?;
    Ok(File::from(file.expect("only a directory is kept as it is")))
}

fn not_owned(entry: &Entry, error: Errno) -> LayerError {
    match error {
        // The kernel says so of ids that the user namespace does not map.
        Errno::INVAL => {
            LayerError::OwnerNotMapped { path: shown(&entry.path), uid: entry.uid, gid: entry.gid }
        }
        _ => LayerError::file("set the owner of", &entry.path, error),
    }
}

fn times(entry: &Entry) -> Timestamps {
    let time = Timespec {
        tv_sec: entry.mtime.seconds,
        tv_nsec: i64::from(entry.mtime.nanoseconds.min(999_999_999)),
    };
    Timestamps { last_access: time, last_modification: time }
}

/// Removes a name and, if it is a directory, what is in it.
fn remove(place: BorrowedFd<'_>, name: &[u8]) -> Result<(), Errno> {
    match rustix::fs::unlinkat(place, name, AtFlags::empty()) {
        Err(Errno::ISDIR) => {}
        result => return result,
    }
    // Depth first without recursion: a directory that is not empty is entered, and tried again afterwards.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut path: Vec<Vec<u8>> = vec![name.to_vec()];
    while let Some(last) = path.last().cloned() {
        let mut above = rustix::io::dup(place)?;
        for component in &path[..path.len() - 1] {
            above = rustix::fs::openat(&above, component.as_slice(), flags, Mode::empty())?;
        }
        if rustix::fs::unlinkat(&above, last.as_slice(), AtFlags::REMOVEDIR).is_ok() {
            path.pop();
            continue;
        }
        let directory = rustix::fs::openat(&above, last.as_slice(), flags, Mode::empty())?;
        let mut inner = None;
        for item in rustix::fs::Dir::read_from(&directory)? {
            let item = item?;
            let item = item.file_name().to_bytes();
            if matches!(item, b"." | b"..") {
                continue;
            }
            match rustix::fs::unlinkat(&directory, item, AtFlags::empty()) {
                Err(Errno::ISDIR) => inner = Some(item.to_vec()),
                result => result?,
            }
        }
        if let Some(inner) = inner {
            path.push(inner);
        } else {
            rustix::fs::unlinkat(&above, last.as_slice(), AtFlags::REMOVEDIR)?;
            path.pop();
        }
    }
    Ok(())
}
