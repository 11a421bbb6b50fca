//! A directory of the caller's as a build context.
//!
//! Everything belongs to 0:0, as Docker sends it. The ignore file prunes the walk; bytes are only read for what a
//! step selects, and their digests are kept in a cache keyed by the file's stat, so that an unchanged context costs
//! one `statx` a file. A file is stat'ed before it is read: one that changes meanwhile is not trusted next time.

use std::collections::{BTreeMap, HashMap};
use std::ffi::{CStr, OsStr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use plimsoll_dockerfile::ignore::{IgnoreFile, Matched};
use plimsoll_layer::{ChainIndex, Entry, Found, Kind, LayerError, LayerIndex, Timestamp};
use plimsoll_oci::Digest;
use plimsoll_store::{FileStat, StatCache, StatCacheWriter, Store};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, StatxFlags};

use crate::error::ExecuteError;
use crate::tree::Tree;

/// A directory that can be named as a context.
#[derive(Clone, Debug)]
pub struct LocalContext {
    /// The directory.
    pub path: PathBuf,
    /// What of it is left out.
    pub ignore: Arc<IgnoreFile>,
    /// Where that is written, for messages.
    pub ignore_name: String,
}

/// A context that was walked.
pub(crate) struct ContextTree {
    pub(crate) tree: Tree,
    /// One an entry of the index.
    stats: Vec<FileStat>,
    cache: StatCache,
    known: Mutex<Known>,
    /// There is none: the Dockerfile came alone.
    pub(crate) is_absent: bool,
}

struct Known {
    /// Of files that had to be read, by the places of their entries. If there are any, the cache is written again.
    digests: HashMap<usize, Digest>,
    writer: Option<StatCacheWriter>,
}

impl ContextTree {
    /// The context of a Dockerfile that came alone: nothing is in it.
    pub(crate) fn absent(store: &Store) -> Result<Self, LayerError> {
        let index = ChainIndex::new(vec![Arc::new(LayerIndex::from_entries([])?)]);
        let tree = Tree::without_files(index);
        let known = Known { digests: HashMap::new(), writer: None };
        let cache = StatCache::open(store, Path::new(""));
        Ok(Self { tree, stats: Vec::new(), cache, known: Mutex::new(known), is_absent: true })
    }

    /// Walks a context.
    pub(crate) fn scan(context: &LocalContext, store: &Store) -> Result<Self, ExecuteError> {
        let path = std::path::absolute(&context.path).map_err(|source| read_error(&context.path, source))?;
        let cache = StatCache::open(store, &path);
        let writer = cache.writer();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open(&path, flags, Mode::empty()).map_err(|e| read_error(&path, e.into()))?;
        let mut walk =
            Walk { ignore: &context.ignore, found: Vec::new(), buffer: Vec::with_capacity(64 * 1024) };
        walk.directory(root.as_fd(), &[], &Matched::default())?;
        let Walk { mut found, .. } = walk;
        found.sort_unstable_by(|a, b| a.0.path.cmp(&b.0.path));
        link_names(&mut found);
        let (entries, stats): (Vec<_>, Vec<_>) =
            found.into_iter().map(|(entry, seen)| (entry, seen.stat)).unzip();
        let index = LayerIndex::from_sorted(entries).map_err(|source| ExecuteError::Layer { source })?;
        // A directory is walked once, so that no entry replaces another, and stats stay at their entries' places.
        debug_assert_eq!(index.len(), stats.len());
        let index = ChainIndex::new(vec![Arc::new(index)]);
        let tree = Tree::new(index, vec![path.clone()]).map_err(|source| read_error(&path, source))?;
        let known = Known { digests: HashMap::new(), writer: Some(writer) };
        Ok(Self { tree, stats, cache, known: Mutex::new(known), is_absent: false })
    }

    fn entries(&self) -> &[Entry] {
        self.tree.index.layers().first().map_or(&[], |index| index.entries())
    }

    /// The place of an entry of this context, without a search.
    fn place(&self, entry: &Entry) -> Option<usize> {
        let entries = self.entries();
        let bytes = std::ptr::from_ref(entry).addr().checked_sub(entries.as_ptr().addr())?;
        let place = bytes / size_of::<Entry>();
        entries.get(place).filter(|found| std::ptr::eq(*found, entry)).map(|_| place)
    }

    fn cached(&self, place: usize, path: &[u8]) -> Option<Digest> {
        self.cache.lookup(path, self.stats.get(place)?)
    }

    /// The digest of a file's bytes.
    pub(crate) fn digest(&self, found: Found<'_>) -> Result<Digest, ExecuteError> {
        let data = self.tree.data(found).map_err(|e| read_error(&display(&found.entry.path), e))?;
        let path = &data.entry.path;
        let place = self.place(data.entry).expect("the file is an entry of this context");
        if let Some(digest) = self.cached(place, path) {
            return Ok(digest);
        }
        if let Some(digest) = self.known.lock().unwrap_or_else(PoisonError::into_inner).digests.get(&place) {
            return Ok(*digest);
        }
        let digest = self.tree.digest(data).map_err(|source| read_error(&display(path), source))?;
        self.known.lock().unwrap_or_else(PoisonError::into_inner).digests.insert(place, digest);
        Ok(digest)
    }

    /// Keeps the digests for the next time, those of files that this build did not need included.
    pub(crate) fn save(&self) -> Result<(), ExecuteError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(mut writer) = known.writer.take().filter(|_| !known.digests.is_empty()) else {
            return Ok(());
        };
        for (place, (entry, stat)) in self.entries().iter().zip(&self.stats).enumerate() {
            let Kind::File { .. } = entry.kind else { continue };
            let digest = known.digests.get(&place).copied().or_else(|| self.cached(place, &entry.path));
            if let Some(digest) = digest {
                writer.push(&entry.path, stat, &digest);
            }
        }
        writer.save()?;
        Ok(())
    }
}

/// What a walk learned of a file.
struct Seen {
    stat: FileStat,
    /// How many names its inode has.
    links: u32,
}

struct Walk<'i> {
    ignore: &'i IgnoreFile,
    found: Vec<(Entry, Seen)>,
    buffer: Vec<u8>,
}

impl Walk<'_> {
    /// Adds what a directory holds; true if anything of it is in the context.
    fn directory(
        &mut self,
        directory: BorrowedFd<'_>,
        path: &[u8],
        matched: &Matched,
    ) -> Result<bool, ExecuteError> {
        let failed = |error: rustix::io::Errno| read_error(&display(path), error.into());
        let mut names = Vec::new();
        let mut reader = RawDir::new(directory, self.buffer.spare_capacity_mut());
        while let Some(entry) = reader.next() {
            let entry = entry.map_err(failed)?;
            if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
                names.push(entry.file_name().to_owned());
            }
        }
        let mut any = false;
        for name in names {
            any |= self.child(directory, path, &name, matched)?;
        }
        Ok(any)
    }

    fn child(
        &mut self,
        directory: BorrowedFd<'_>,
        parent: &[u8],
        name: &CStr,
        matched: &Matched,
    ) -> Result<bool, ExecuteError> {
        let path = if parent.is_empty() {
            name.to_bytes().to_vec()
        } else {
            [parent, b"/", name.to_bytes()].concat()
        };
        let failed = |error: rustix::io::Errno| read_error(&display(&path), error.into());
        let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::STATX_DONT_SYNC;
        let stat = match rustix::fs::statx(directory, name, flags, StatxFlags::BASIC_STATS) {
            // Gone since the directory was read.
            Err(rustix::io::Errno::NOENT) => return Ok(false),
            other => other.map_err(failed)?,
        };
        let kind = FileType::from_raw_mode(stat.stx_mode.into());
        let ignored = self.ignore.matches_below(matched, &path).ignored;
        let mut entry = Entry {
            mtime: Timestamp { seconds: stat.stx_mtime.tv_sec, nanoseconds: stat.stx_mtime.tv_nsec },
            ..Entry::new(path.clone(), Kind::Fifo, u32::from(stat.stx_mode) & 0o7777)
        };
        entry.kind = match kind {
            FileType::Directory => {
                if ignored && !self.ignore.may_contain_exception_below(&path) {
                    return Ok(false);
                }
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                let child: OwnedFd =
                    rustix::fs::openat(directory, name, flags, Mode::empty()).map_err(failed)?;
                let any = self.directory(child.as_fd(), &path, &self.ignore.enter(matched, &path))?;
                // An ignored directory is there when something below it is.
                if ignored && !any {
                    return Ok(false);
                }
                Kind::Directory { opaque: false }
            }
            _ if ignored => return Ok(false),
            FileType::RegularFile => Kind::File { size: stat.stx_size },
            FileType::Symlink => {
                let target = rustix::fs::readlinkat(directory, name, Vec::new()).map_err(failed)?;
                Kind::Symlink { target: target.into_bytes() }
            }
            FileType::Fifo => Kind::Fifo,
            FileType::CharacterDevice => {
                Kind::CharDevice { major: stat.stx_rdev_major, minor: stat.stx_rdev_minor }
            }
            FileType::BlockDevice => {
                Kind::BlockDevice { major: stat.stx_rdev_major, minor: stat.stx_rdev_minor }
            }
            // Sockets belong to running programs, and no image can hold one.
            _ => return Ok(false),
        };
        self.found.push((entry, Seen { stat: FileStat::from(&stat), links: stat.stx_nlink }));
        Ok(true)
    }
}

/// Names of one inode: the first one in the order of paths is the file.
fn link_names(found: &mut [(Entry, Seen)]) {
    let mut names: BTreeMap<(u64, u64), (usize, Vec<usize>)> = BTreeMap::new();
    for (place, (entry, Seen { stat, links })) in found.iter().enumerate() {
        if let Kind::File { .. } = entry.kind
            && *links > 1
        {
            names.entry((stat.device, stat.inode)).or_insert((place, Vec::new())).1.push(place);
        }
    }
    for (first, places) in names.into_values() {
        let target = found[first].0.path.clone();
        for place in places.into_iter().skip(1) {
            found[place].0.kind = Kind::Hardlink { target: target.clone() };
        }
    }
}

fn display(path: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(path))
}

fn read_error(path: &Path, source: std::io::Error) -> ExecuteError {
    ExecuteError::Read { path: path.display().to_string(), source }
}
