//! How much room the store takes, by kind: allocated blocks, once per inode, over the root directory and everything below,
//! so that the total is what `du -s -B1` of the root says.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ffi::{CString, OsStr, OsString};
use std::fmt;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::str::FromStr;

use plimsoll_oci::{Descriptor, DiffId, Digest, ImageConfig, ParsedManifest};
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use crate::Store;
use crate::error::{Error, IoContext as _, Result};
use crate::layout::{BLOBS, LAYERS, LOGS, MOUNTS, TEMPORARY, TRASH};

/// The largest manifest that is read; registries refuse more than 4 MiB.
const MANIFEST_LIMIT: u64 = 16 << 20;

/// What takes room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Blobs of images that have a name.
    Image,
    /// Unpacked layers.
    Layer,
    /// Other blobs, and downloads that were interrupted.
    Blob,
    /// Cache mounts.
    CacheMount,
    /// Logs of builds.
    Log,
    /// The database, stat caches, locks and the root directory itself.
    Metadata,
    /// What running commands are working on.
    Temporary,
    /// What is being removed.
    Trash,
}

impl Kind {
    /// All kinds, in the order of reports.
    pub const ALL: [Self; 8] = [
        Self::Image,
        Self::Layer,
        Self::Blob,
        Self::CacheMount,
        Self::Log,
        Self::Metadata,
        Self::Temporary,
        Self::Trash,
    ];

    /// The word for it, as in the `type=` filter.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Layer => "layer",
            Self::Blob => "blob",
            Self::CacheMount => "cache-mount",
            Self::Log => "log",
            Self::Metadata => "metadata",
            Self::Temporary => "temporary",
            Self::Trash => "trash",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or_else(|| Error::UnknownKind { name: text.to_owned() })
    }
}

/// One kind's part of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DfEntry {
    /// What takes room.
    pub kind: Kind,
    /// How many there are.
    pub count: u64,
    /// How many bytes are allocated.
    pub size_bytes: u64,
}

/// What takes how much room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DfReport {
    /// One entry for each kind.
    pub entries: Vec<DfEntry>,
    /// All bytes that are allocated.
    pub total_bytes: u64,
    /// How many directories could not be read: outside of its namespace a user cannot read all of them.
    pub unreadable: u64,
}

/// Sums allocated bytes, once per inode.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    seen: HashSet<(u64, u64)>,
    pub(crate) unreadable: u64,
}

/// Bytes behind a stat; blocks count 512 bytes each, whatever the file system's block size.
pub(crate) fn allocated(stat: &Stat) -> u64 {
    u64::try_from(stat.st_blocks).unwrap_or(0) * 512
}

/// The names in an open directory.
fn names(directory: BorrowedFd<'_>) -> Result<Vec<CString>, Errno> {
    let mut names = Vec::new();
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        if name != c"." && name != c".." {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

/// The names in a directory, sorted so that files with several links are counted at the same place each time.
pub(crate) fn entries(path: &Path) -> Result<Vec<OsString>> {
    let directory =
        match rustix::fs::open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()) {
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(Vec::new()),
            other => other.on("list", path)?,
        };
    let mut names: Vec<_> = names(directory.as_fd())
        .on("list", path)?
        .into_iter()
        .map(|name| OsStr::from_bytes(name.as_bytes()).to_owned())
        .collect();
    names.sort();
    Ok(names)
}

/// Calls `visit` for a path and everything below it, never following links; what vanishes meanwhile is passed over.
/// Gives the number of directories that could not be read.
pub(crate) fn walk(path: &Path, visit: &mut dyn FnMut(&Stat)) -> Result<u64> {
    let name = CString::new(path.as_os_str().as_bytes()).map_err(|_| Errno::INVAL).on("measure", path)?;
    let mut unreadable = 0;
    walk_at(CWD, &name, visit, &mut unreadable).on("measure", path)?;
    Ok(unreadable)
}

fn walk_at(
    parent: BorrowedFd<'_>,
    name: &CString,
    visit: &mut dyn FnMut(&Stat),
    unreadable: &mut u64,
) -> Result<(), Errno> {
    let stat = match rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => return Ok(()),
        Err(Errno::ACCESS) => {
            *unreadable += 1;
            return Ok(());
        }
        other => other?,
    };
    visit(&stat);
    if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
        return Ok(());
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = match rustix::fs::openat(parent, name, flags, Mode::empty()) {
        Err(Errno::NOENT) => return Ok(()),
        Err(Errno::ACCESS) => {
            *unreadable += 1;
            return Ok(());
        }
        other => other?,
    };
    for name in names(directory.as_fd())? {
        walk_at(directory.as_fd(), &name, visit, unreadable)?;
    }
    Ok(())
}

impl Meter {
    /// Allocated bytes of a path and everything below it that was not measured before.
    pub(crate) fn measure(&mut self, path: &Path) -> Result<u64> {
        let mut bytes = 0;
        let seen = &mut self.seen;
        let unreadable = walk(path, &mut |stat| {
            let directory = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
            if directory || stat.st_nlink < 2 || seen.insert((stat.st_dev, stat.st_ino)) {
                bytes += allocated(stat);
            }
        })?;
        self.unreadable += unreadable;
        Ok(bytes)
    }
}

/// Allocated bytes of one file or directory itself.
fn measure_alone(path: &Path) -> Result<u64> {
    match rustix::fs::lstat(path) {
        Ok(stat) => Ok(allocated(&stat)),
        Err(Errno::NOENT) => Ok(0),
        Err(error) => Err(error).on("measure", path),
    }
}

/// What an image consists of, as far as its manifests are in the store.
#[derive(Clone, Debug, Default)]
pub(crate) struct ImageParts {
    pub(crate) blobs: BTreeSet<Digest>,
    pub(crate) diff_ids: BTreeSet<DiffId>,
}

impl Store {
    /// Follows an image's manifests to its blobs and layers. What is not in the store, or damaged, ends the way there.
    pub(crate) fn image_parts(&self, target: &Descriptor) -> Result<ImageParts> {
        let mut parts = ImageParts::default();
        let mut manifests = vec![target.digest];
        while let Some(digest) = manifests.pop() {
            if !parts.blobs.insert(digest) {
                continue;
            }
            let Some(bytes) = self.small_blob(&digest)? else { continue };
            match ParsedManifest::parse(&bytes, None) {
                Ok(ParsedManifest::Index(index)) => {
                    manifests.extend(index.manifests.iter().map(|manifest| manifest.digest));
                }
                Ok(ParsedManifest::Manifest(manifest)) => {
                    parts.blobs.extend(manifest.layers.iter().map(|layer| layer.digest));
                    parts.blobs.insert(manifest.config.digest);
                    let config = self.small_blob(&manifest.config.digest)?;
                    if let Some(config) =
                        config.and_then(|bytes| serde_json::from_slice::<ImageConfig>(&bytes).ok())
                    {
                        parts.diff_ids.extend(config.rootfs.diff_ids);
                    }
                }
                Err(_) => {}
            }
        }
        Ok(parts)
    }

    /// A blob's bytes, if it is there, small and whole. Never changes anything.
    fn small_blob(&self, digest: &Digest) -> Result<Option<Vec<u8>>> {
        let path = self.blob_path(digest);
        match std::fs::metadata(&path) {
            Ok(metadata) if metadata.len() <= MANIFEST_LIMIT => {}
            _ => return Ok(None),
        }
        let bytes = std::fs::read(&path).on("read", &path)?;
        Ok((Digest::of(&bytes) == *digest).then_some(bytes))
    }

    /// What takes how much room.
    pub fn df(&self) -> Result<DfReport> {
        let images = self.images()?;
        let mut named = BTreeSet::new();
        for image in &images {
            named.extend(self.image_parts(&image.target)?.blobs);
        }
        let mut totals: BTreeMap<Kind, (u64, u64)> =
            Kind::ALL.into_iter().map(|kind| (kind, (0, 0))).collect();
        let mut add = |kind, count, bytes| {
            let total = totals.get_mut(&kind).expect("every kind has a total");
            total.0 += count;
            total.1 += bytes;
        };
        add(Kind::Image, images.len() as u64, 0);

        let mut meter = Meter::default();
        add(Kind::Metadata, 0, measure_alone(self.root())?);
        for entry in entries(self.root())? {
            let path = self.root().join(&entry);
            let kind = match entry.to_str() {
                Some(BLOBS) => {
                    self.measure_blobs(&named, &mut meter, &mut add)?;
                    continue;
                }
                Some(LAYERS) => Kind::Layer,
                Some(MOUNTS) => Kind::CacheMount,
                Some(LOGS) => Kind::Log,
                Some(TEMPORARY) => Kind::Temporary,
                Some(TRASH) => Kind::Trash,
                _ => Kind::Metadata,
            };
            if kind == Kind::Metadata {
                add(kind, 0, meter.measure(&path)?);
                continue;
            }
            add(kind, 0, measure_alone(&path)?);
            for name in entries(&path)? {
                add(kind, 1, meter.measure(&path.join(name))?);
            }
        }
        let entries: Vec<_> = totals
            .into_iter()
            .map(|(kind, (count, size_bytes))| DfEntry { kind, count, size_bytes })
            .collect();
        let total_bytes = entries.iter().map(|entry| entry.size_bytes).sum();
        Ok(DfReport { entries, total_bytes, unreadable: meter.unreadable })
    }

    fn measure_blobs(
        &self,
        named: &BTreeSet<Digest>,
        meter: &mut Meter,
        add: &mut dyn FnMut(Kind, u64, u64),
    ) -> Result<()> {
        let directory = self.layout().directory(BLOBS);
        add(Kind::Blob, 0, measure_alone(&directory)?);
        for folder in entries(&directory)? {
            let folder = directory.join(folder);
            add(Kind::Blob, 0, measure_alone(&folder)?);
            for name in entries(&folder)? {
                let digest = name.to_str().and_then(|text| Digest::from_hex(text).ok());
                let image =
                    folder == self.layout().blobs() && digest.is_some_and(|digest| named.contains(&digest));
                let bytes = meter.measure(&folder.join(&name))?;
                if image {
                    add(Kind::Image, 0, bytes);
                } else {
                    add(Kind::Blob, 1, bytes);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_reads_as_it_is_written() {
        for kind in Kind::ALL {
            assert_eq!(kind.as_str().parse::<Kind>().unwrap(), kind);
        }
        assert!(matches!("exec".parse::<Kind>(), Err(Error::UnknownKind { .. })));
    }
}
