//! An overlay upper directory to an index.
//!
//! The upper directory of a step is the changeset already; this reads it as the index has it. Overlayfs writes a
//! removed name as character device 0:0 and a replaced directory as one with an opaque mark (kernel
//! documentation, overlayfs.rst, "whiteouts and opaque directories"). Marks that hide nothing are dropped, and so
//! are directories that were only copied up. Times are cut to whole seconds, as the tar writer does, so that the
//! index says what the layer's tar says. The directory is trusted to be at rest, its names and links are not:
//! nothing is followed.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Read;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use rustix::fs::{AtFlags, FileType, RawDir, Statx, StatxFlags};
use rustix::io::Errno;

use crate::beneath::{Root, descriptor_path};
use crate::chain::ChainIndex;
use crate::entry::{Entry, Kind, Timestamp, ancestors, join};
use crate::error::LayerError;
use crate::index::{IndexBuilder, LayerIndex};
use crate::unpack::{Owners, XattrNamespace};
use crate::xattr::{self, Attributes};

/// Largest `etc/passwd` or `etc/group` in bytes that is kept in the index.
const MAXIMUM_USER_FILE: u64 = 1 << 20;

/// How an upper directory is read.
#[derive(Debug, Clone, Copy)]
pub struct ScanOptions<'a> {
    /// Which attributes overlayfs wrote.
    pub xattr_namespace: XattrNamespace,
    /// How owners are kept.
    pub owners: Owners,
    /// The layers below; without them every whiteout and every directory is kept.
    pub base: Option<&'a ChainIndex>,
    /// Owners given by chown that the disk does not have (user and group id by path); they beat the attribute.
    pub side_owners: Option<&'a BTreeMap<Vec<u8>, (u32, u32)>>,
}

/// Walks an overlay upper directory that nobody writes to any more. Its root is no entry; sockets are skipped.
pub fn scan_upper(directory: &Path, options: &ScanOptions<'_>) -> Result<LayerIndex, LayerError> {
    let root = Root::open(directory).map_err(|source| LayerError::file("open", b"", source))?;
    let mut scanner = Scanner {
        root,
        options,
        entries: Vec::new(),
        inodes: HashMap::new(),
        pending: vec![Pending { path: Vec::new(), base_is_visible: true }],
        listing: vec![MaybeUninit::uninit(); 64 << 10],
        attributes: Vec::new(),
    };
    while let Some(directory) = scanner.pending.pop() {
        scanner.directory(&directory)?;
    }
    scanner.finish()
}

struct Pending {
    path: Vec<u8>,
    /// Whether what the base has at this path shows through.
    base_is_visible: bool,
}

struct Scanner<'o> {
    root: Root,
    options: &'o ScanOptions<'o>,
    entries: Vec<Entry>,
    /// Names of files with more than one link, by device and inode.
    inodes: HashMap<(u32, u32, u64), Vec<usize>>,
    pending: Vec<Pending>,
    listing: Vec<MaybeUninit<u8>>,
    attributes: Vec<u8>,
}

impl Scanner<'_> {
    fn directory(&mut self, pending: &Pending) -> Result<(), LayerError> {
        let failed = |error: Errno| LayerError::file("read the directory", &pending.path, error);
        let directory = self.root.directory(&pending.path).map_err(failed)?;
        let names = self.names(directory.as_fd()).map_err(failed)?;
        for name in names {
            let path = join(&pending.path, &name);
            let mask = StatxFlags::BASIC_STATS;
            let flags = AtFlags::SYMLINK_NOFOLLOW;
            let status = rustix::fs::statx(&directory, name.as_slice(), flags, mask)
                .map_err(|error| LayerError::file("look at", &path, error))?;
            self.item(directory.as_fd(), &name, path, &status, pending.base_is_visible)?;
        }
        Ok(())
    }

    fn names(&mut self, directory: BorrowedFd<'_>) -> Result<Vec<Vec<u8>>, Errno> {
        let mut names = Vec::new();
        let mut listing = RawDir::new(directory, &mut self.listing);
        while let Some(item) = listing.next() {
            let item = item?;
            let name = item.file_name().to_bytes();
            if !matches!(name, b"." | b"..") {
                names.push(name.to_vec());
            }
        }
        Ok(names)
    }

    fn item(
        &mut self,
        directory: BorrowedFd<'_>,
        name: &[u8],
        path: Vec<u8>,
        status: &Statx,
        base_is_visible: bool,
    ) -> Result<(), LayerError> {
        let file_type = FileType::from_raw_mode(status.stx_mode.into());
        let device = (status.stx_rdev_major, status.stx_rdev_minor);
        if file_type == FileType::Socket {
            return Ok(());
        }
        if file_type == FileType::CharacterDevice && device == (0, 0) {
            if base_is_visible && self.base_has(&path) {
                self.entries.push(Entry::whiteout(path));
            }
            return Ok(());
        }
        let opaque = self.options.xattr_namespace.opaque_name().as_bytes();
        let attributes = xattr::read(&descriptor_path(directory, name), opaque, &mut self.attributes)
            .map_err(|error| LayerError::file("read the extended attributes of", &path, error))?;
        let kind = match file_type {
            FileType::Directory => {
                let is_opaque = attributes.is_opaque && base_is_visible && self.base_has_directory(&path);
                let base_is_visible = base_is_visible && !attributes.is_opaque;
                self.pending.push(Pending { path: path.clone(), base_is_visible });
                Kind::Directory { opaque: is_opaque }
            }
            FileType::Symlink => {
                let target = rustix::fs::readlinkat(directory, name, Vec::new())
                    .map_err(|error| LayerError::file("read the symbolic link", &path, error))?;
                Kind::Symlink { target: target.into_bytes() }
            }
            FileType::CharacterDevice => Kind::CharDevice { major: device.0, minor: device.1 },
            FileType::BlockDevice => Kind::BlockDevice { major: device.0, minor: device.1 },
            FileType::Fifo => Kind::Fifo,
            _ => match attributes.device {
                Some((true, major, minor)) => Kind::CharDevice { major, minor },
                Some((false, major, minor)) => Kind::BlockDevice { major, minor },
                None => Kind::File { size: status.stx_size },
            },
        };
        if status.stx_nlink > 1 && matches!(kind, Kind::File { .. }) {
            let inode = (status.stx_dev_major, status.stx_dev_minor, status.stx_ino);
            self.inodes.entry(inode).or_default().push(self.entries.len());
        }
        let (uid, gid) = self.owner(&path, &kind, status, &attributes, base_is_visible);
        self.entries.push(Entry {
            path,
            kind,
            mode: u32::from(status.stx_mode) & 0o7777,
            uid,
            gid,
            mtime: Timestamp::from_seconds(status.stx_mtime.tv_sec),
            xattrs: attributes.image,
        });
        Ok(())
    }

    fn owner(
        &self,
        path: &[u8],
        kind: &Kind,
        status: &Statx,
        attributes: &Attributes,
        base_is_visible: bool,
    ) -> (u32, u32) {
        if self.options.owners == Owners::Real {
            return (status.stx_uid, status.stx_gid);
        }
        if let Some(&owner) = self.options.side_owners.and_then(|owners| owners.get(path)) {
            return owner;
        }
        if attributes.owner.is_some() || matches!(kind, Kind::File { .. } | Kind::Directory { .. }) {
            return attributes.owner.unwrap_or_default();
        }
        // Links and devices can carry no attribute: one that was copied up still is what the base says.
        let base = self.options.base.filter(|_| base_is_visible).and_then(|base| base.lookup(path));
        base.filter(|found| found.entry.kind == *kind)
            .map_or((0, 0), |found| (found.entry.uid, found.entry.gid))
    }

    /// Whether there may be something below to remove.
    fn base_has(&self, path: &[u8]) -> bool {
        self.options.base.is_none_or(|base| base.lookup(path).is_some())
    }

    fn base_has_directory(&self, path: &[u8]) -> bool {
        let is_directory =
            |base: &ChainIndex| base.lookup(path).is_some_and(|found| found.entry.is_directory());
        self.options.base.is_none_or(is_directory)
    }

    fn finish(mut self) -> Result<LayerIndex, LayerError> {
        self.link();
        self.entries.sort_unstable_by(|left, right| left.path.cmp(&right.path));
        let unchanged = self.unchanged_directories();
        let mut position = 0;
        self.entries.retain(|_| {
            position += 1;
            !unchanged.contains(&(position - 1))
        });
        let mut builder = IndexBuilder::new();
        for entry in self.entries {
            builder.add(entry)?;
        }
        for (path, set) in [
            (&b"etc/passwd"[..], IndexBuilder::set_passwd as fn(&mut IndexBuilder, Vec<u8>)),
            (b"etc/group", IndexBuilder::set_group),
        ] {
            let Some(Kind::File { size }) = builder.entry(path).map(|entry| &entry.kind) else { continue };
            if *size <= MAXIMUM_USER_FILE {
                let mut bytes = Vec::new();
                let file = self.root.file(path).map_err(std::io::Error::from);
                file.and_then(|file| std::fs::File::from(file).take(*size).read_to_end(&mut bytes))
                    .map_err(|source| LayerError::file("read", path, source))?;
                set(&mut builder, bytes);
            }
        }
        Ok(builder.finish())
    }

    /// Whether the base has the same file at the same path, as far as can be told without its bytes.
    fn is_copied_up(&self, entry: &Entry) -> bool {
        let Some(base) = self.options.base else { return false };
        let Some(found) = base.lookup(&entry.path).and_then(|found| base.data(found)) else { return false };
        let below = Entry { path: entry.path.clone(), ..found.entry.clone() };
        let mtime = Timestamp::from_seconds(below.mtime.seconds);
        *entry == Entry { mtime, ..below }
    }

    /// Makes the names of one inode hard links of the first. Names outside the upper directory do not count.
    fn link(&mut self) {
        #[expect(
            clippy::iter_over_hash_type,
            reason = "the groups are disjoint, their order changes nothing"
        )]
        for (_, mut names) in std::mem::take(&mut self.inodes) {
            // A file that is as it was below is not a new name of another: linking to it only copied it up.
            names.retain(|&name| !self.is_copied_up(&self.entries[name]));
            names.sort_by(|&left, &right| self.entries[left].path.cmp(&self.entries[right].path));
            let side_owner = |entry: &Entry| self.options.side_owners?.get(&entry.path).copied();
            let owner = names.iter().find_map(|&name| side_owner(&self.entries[name]));
            let Some((&first, others)) = names.split_first() else { continue };
            if let Some((uid, gid)) = owner {
                (self.entries[first].uid, self.entries[first].gid) = (uid, gid);
            }
            let target = self.entries[first].path.clone();
            for &other in others {
                self.entries[other].kind = Kind::Hardlink { target: target.clone() };
            }
        }
    }

    /// Positions of directories that equal the base's and in which nothing changed.
    fn unchanged_directories(&self) -> HashSet<usize> {
        let mut unchanged = HashSet::new();
        let Some(base) = self.options.base else { return unchanged };
        let mut changed_parents: HashSet<&[u8]> = HashSet::new();
        // Below an opaque directory nothing of the base is left: what looks the same there was made anew.
        let opaque: HashSet<&[u8]> = self
            .entries
            .iter()
            .filter(|entry| entry.kind == Kind::Directory { opaque: true })
            .map(|entry| entry.path.as_slice())
            .collect();
        let is_hidden = |path: &[u8]| {
            !opaque.is_empty()
                && (opaque.contains(&b""[..]) || ancestors(path).any(|above| opaque.contains(above)))
        };
        // Children sort after their parents, so backwards each directory comes after all that is in it.
        for (position, entry) in self.entries.iter().enumerate().rev() {
            let is_same = entry.kind == Kind::Directory { opaque: false }
                && !changed_parents.contains(entry.path.as_slice())
                && !is_hidden(&entry.path)
                && base.lookup(&entry.path).is_some_and(|found| is_same_directory(entry, found.entry));
            if is_same {
                unchanged.insert(position);
            } else {
                changed_parents.insert(entry.parent());
            }
        }
        unchanged
    }
}

/// Whether a directory of the upper only repeats what the base says. Its time says nothing: something may have been in it
/// for a moment.
fn is_same_directory(upper: &Entry, base: &Entry) -> bool {
    let portable = base.xattrs.iter().filter(|(name, _)| xattr::is_portable(name));
    base.is_directory()
        && (upper.mode, upper.uid, upper.gid) == (base.mode, base.uid, base.gid)
        && upper.xattrs.iter().eq(portable)
}
