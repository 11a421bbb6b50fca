//! Digests of a build context's files, so that files that did not change are not read again.
//!
//! One flat file per context: a header, entries of one size, a hash table of entry numbers, and the paths. It is read whole
//! and used in place, so that opening 50,000 entries allocates once.
//!
//! A file counts as unchanged when device, inode, size, both times and mode are equal. File systems keep times only in
//! ticks, so a file that was written again within the tick in which it was hashed would look unchanged; an entry is
//! therefore not trusted if one of its times is less than two seconds before the walk that produced it began.
//!
//! ```text
//! header   magic 8, checksum 8, began 8 (ns since 1970), entries 4, slots 4
//! entry    device 8, inode 8, size 8, modified 8, changed 8, mode 4, path length 4, path offset 4, zero 4, digest 32
//! slots    4 each: entry number + 1, or 0; linear probing from the path's hash
//! paths    one after the other
//! ```
//! All numbers are little-endian.

use std::fs;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use plimsoll_oci::Digest;

use crate::Store;
use crate::error::{IoContext as _, Result};
use crate::id::random_text;
use crate::layout::{self, STAT_CACHES};

const MAGIC: &[u8; 8] = b"plimst0\n";
const HEADER: usize = 32;
const STAT: usize = 44;
const ENTRY: usize = 88;
const SLOT: usize = 4;
/// Coarser than the tick of any file system in use (FAT has two seconds).
const TICK_NANOSECONDS: i64 = 2_000_000_000;

/// What says that a file is still the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileStat {
    /// The device, encoded as `st_dev` of `stat` is (not as major and minor numbers).
    pub device: u64,
    /// The inode.
    pub inode: u64,
    /// The size in bytes.
    pub size: u64,
    /// The time of the last change of the bytes, in nanoseconds since 1970.
    pub modified: i64,
    /// The time of the last change of the inode, in nanoseconds since 1970.
    pub changed: i64,
    /// Type and permissions.
    pub mode: u32,
}

fn nanoseconds(seconds: i64, nanoseconds: i64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds)
}

impl From<&fs::Metadata> for FileStat {
    fn from(metadata: &fs::Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            changed: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
            mode: metadata.mode(),
        }
    }
}

impl From<&rustix::fs::Statx> for FileStat {
    fn from(statx: &rustix::fs::Statx) -> Self {
        Self {
            device: rustix::fs::makedev(statx.stx_dev_major, statx.stx_dev_minor),
            inode: statx.stx_ino,
            size: statx.stx_size,
            modified: nanoseconds(statx.stx_mtime.tv_sec, i64::from(statx.stx_mtime.tv_nsec)),
            changed: nanoseconds(statx.stx_ctime.tv_sec, i64::from(statx.stx_ctime.tv_nsec)),
            mode: u32::from(statx.stx_mode),
        }
    }
}

impl FileStat {
    fn encode(&self) -> [u8; STAT] {
        let mut out = [0; STAT];
        let numbers = [
            self.device.to_le_bytes(),
            self.inode.to_le_bytes(),
            self.size.to_le_bytes(),
            self.modified.to_le_bytes(),
            self.changed.to_le_bytes(),
        ];
        for (place, number) in out.as_chunks_mut::<8>().0.iter_mut().zip(numbers) {
            *place = number;
        }
        out[40..].copy_from_slice(&self.mode.to_le_bytes());
        out
    }
}

/// The digests of one context's files as they were when last saved. Shared between threads without locks.
#[derive(Debug)]
pub struct StatCache {
    store: Store,
    path: PathBuf,
    bytes: Vec<u8>,
    entries: usize,
    slots: usize,
    began: i64,
}

/// Collects what a walk found, for the next time.
#[derive(Debug)]
pub struct StatCacheWriter {
    store: Store,
    path: PathBuf,
    began: i64,
    entries: Vec<u8>,
    paths: Vec<u8>,
    hashes: Vec<u64>,
}

/// Odd, with bits spread evenly: 2^64 divided by the golden ratio.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// A fast hash for corruption and for the table; no defence against malice, which has other ways into a user's own cache.
fn mix(bytes: &[u8], seed: u64) -> u64 {
    let step = |state: u64, word: u64| (state ^ word).wrapping_mul(FACTOR).rotate_left(29);
    let (words, rest) = bytes.as_chunks::<8>();
    let mut state =
        words.iter().fold(seed ^ bytes.len() as u64, |state, word| step(state, u64::from_le_bytes(*word)));
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    state = step(state, u64::from_le_bytes(last));
    state ^ (state >> 31)
}

fn checksum(bytes: &[u8]) -> u64 {
    // Four lanes, because one would wait for each multiplication.
    let quarter = (bytes.len() / 4) & !7;
    let (a, rest) = bytes.split_at(quarter);
    let (b, rest) = rest.split_at(quarter);
    let (c, d) = rest.split_at(quarter);
    let mut lanes = [1, 2, 3, 4];
    let words = a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0).zip(c.as_chunks::<8>().0);
    for ((a, b), c) in words {
        for (lane, word) in lanes.iter_mut().zip([a, b, c]) {
            *lane = (*lane ^ u64::from_le_bytes(*word)).wrapping_mul(FACTOR).rotate_left(29);
        }
    }
    lanes[3] = mix(d, 4);
    lanes.iter().fold(bytes.len() as u64, |state, lane| (state ^ lane).wrapping_mul(FACTOR).rotate_left(29))
}

fn number<const N: usize>(bytes: &[u8], offset: usize) -> Option<[u8; N]> {
    bytes.get(offset..)?.first_chunk().copied()
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

impl StatCache {
    /// The cache of a context; empty if there is none, or if it cannot be read or is damaged.
    pub fn open(store: &Store, context: &Path) -> Self {
        let name = Digest::of(context.as_os_str().as_bytes()).hex();
        let path = store.layout().directory(STAT_CACHES).join(&name[..32]);
        let mut bytes = fs::read(&path).unwrap_or_default();
        let (entries, slots, began) = Self::parse(&bytes).unwrap_or_else(|| {
            bytes.clear();
            (0, 0, 0)
        });
        Self { store: store.clone(), path, bytes, entries, slots, began }
    }

    fn parse(bytes: &[u8]) -> Option<(usize, usize, i64)> {
        if bytes.get(..8)? != MAGIC || number(bytes, 8)? != checksum(bytes.get(16..)?).to_le_bytes() {
            return None;
        }
        let began = i64::from_le_bytes(number(bytes, 16)?);
        let entries = u32::from_le_bytes(number(bytes, 24)?) as usize;
        let slots = u32::from_le_bytes(number(bytes, 28)?) as usize;
        let tables = entries.checked_mul(ENTRY)?.checked_add(slots.checked_mul(SLOT)?)?;
        let fits = bytes.len() >= HEADER.checked_add(tables)? && slots.is_power_of_two() && slots > entries;
        fits.then_some((entries, slots, began))
    }

    /// How many files are known.
    pub fn len(&self) -> usize {
        self.entries
    }

    /// Whether no file is known.
    pub fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// The digest of a file, if it was seen before with exactly this stat and can be trusted. `path` is relative to the
    /// context.
    pub fn lookup(&self, path: &[u8], stat: &FileStat) -> Option<Digest> {
        if self.entries == 0 || stat.modified.max(stat.changed).saturating_add(TICK_NANOSECONDS) > self.began
        {
            return None;
        }
        let slots = HEADER + self.entries * ENTRY;
        let paths = self.bytes.get(slots + self.slots * SLOT..)?;
        let wanted = stat.encode();
        let mask = self.slots - 1;
        let mut slot = usize::try_from(mix(path, 0) & mask as u64).ok()?;
        // The table has more slots than entries, so an empty one ends every search; the bound guards against a bad file.
        for _ in 0..self.slots {
            let index = u32::from_le_bytes(number(&self.bytes, slots + slot * SLOT)?) as usize;
            let entry = self.bytes.get(HEADER + index.checked_sub(1)? * ENTRY..)?.first_chunk::<ENTRY>()?;
            let length = u32::from_le_bytes(number(entry, STAT)?) as usize;
            let offset = u32::from_le_bytes(number(entry, 48)?) as usize;
            if length == path.len() && paths.get(offset..)?.get(..length)? == path {
                return (entry[..STAT] == wanted).then(|| number(entry, 56).map(Digest::from_bytes))?;
            }
            slot = (slot + 1) & mask;
        }
        None
    }

    /// Begins to collect entries for the next time; call it before the first file is looked at.
    pub fn writer(&self) -> StatCacheWriter {
        StatCacheWriter {
            store: self.store.clone(),
            path: self.path.clone(),
            began: now(),
            entries: Vec::with_capacity(self.entries * ENTRY),
            paths: Vec::new(),
            hashes: Vec::with_capacity(self.entries),
        }
    }
}

impl StatCacheWriter {
    /// Adds a file whose stat was taken before its bytes were read. Each path only once.
    pub fn push(&mut self, path: &[u8], stat: &FileStat, digest: &Digest) {
        let (Ok(length), Ok(offset)) = (u32::try_from(path.len()), u32::try_from(self.paths.len())) else {
            // Paths of more than 4 GiB together: files that are not in the cache are simply read again.
            return;
        };
        self.entries.extend_from_slice(&stat.encode());
        self.entries.extend_from_slice(&length.to_le_bytes());
        self.entries.extend_from_slice(&offset.to_le_bytes());
        self.entries.extend_from_slice(&[0; 4]);
        self.entries.extend_from_slice(digest.as_bytes());
        self.paths.extend_from_slice(path);
        self.hashes.push(mix(path, 0));
    }

    /// Puts the new cache in the place of the old one. Not needed when every file was found in the old one.
    pub fn save(self) -> Result<()> {
        let Ok(count) = u32::try_from(self.hashes.len()) else { return Ok(()) };
        let slots = (self.hashes.len() * 2).max(2).next_power_of_two();
        let Ok(slot_count) = u32::try_from(slots) else { return Ok(()) };
        let mut table = vec![0_u32; slots];
        for (hash, number) in self.hashes.iter().zip(1..) {
            let mut slot = usize::try_from(hash & (slots as u64 - 1))
                .expect("a slot number fits, the table is in memory");
            while table[slot] != 0 {
                slot = (slot + 1) & (slots - 1);
            }
            table[slot] = number;
        }
        let mut body = Vec::with_capacity(16 + self.entries.len() + slots * SLOT + self.paths.len());
        body.extend_from_slice(&self.began.to_le_bytes());
        body.extend_from_slice(&count.to_le_bytes());
        body.extend_from_slice(&slot_count.to_le_bytes());
        body.extend_from_slice(&self.entries);
        body.extend(table.iter().flat_map(|number| number.to_le_bytes()));
        body.extend_from_slice(&self.paths);

        let scratch = self.store.session()?.directory().join(format!("stat-{}", random_text()?));
        let mut file = layout::create_file(&scratch)?;
        let written = file
            .write_all(MAGIC)
            .and_then(|()| file.write_all(&checksum(&body).to_le_bytes()))
            .and_then(|()| file.write_all(&body));
        written.on("write", &scratch)?;
        fs::rename(&scratch, &self.path).on("put in place", &self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Owner, XattrNamespace};

    fn store(root: &Path) -> Store {
        let owner = Owner { uid: 0, id_map: String::new(), xattr_namespace: XattrNamespace::User };
        Store::open(root, owner).unwrap()
    }

    fn stat(inode: u64) -> FileStat {
        FileStat { device: 1, inode, size: 10, modified: 1_000, changed: 2_000, mode: 0o100_644 }
    }

    fn saved(root: &Path, files: u64) -> StatCache {
        let (store, context) = (store(root), Path::new("/src"));
        let mut writer = StatCache::open(&store, context).writer();
        for number in 0..files {
            let path = format!("directory/{number}");
            writer.push(path.as_bytes(), &stat(number), &Digest::of(&path));
        }
        writer.save().unwrap();
        StatCache::open(&store, context)
    }

    #[test]
    fn every_file_is_found_again_and_no_other() {
        let directory = tempfile::tempdir().unwrap();
        for files in [0, 1, 2, 1000] {
            let cache = saved(directory.path(), files);
            assert_eq!(cache.len() as u64, files);
            for number in 0..files {
                let path = format!("directory/{number}");
                assert_eq!(cache.lookup(path.as_bytes(), &stat(number)), Some(Digest::of(&path)));
            }
            assert_eq!(cache.lookup(b"directory", &stat(0)), None);
            assert_eq!(cache.lookup(b"", &stat(0)), None);
        }
    }

    #[test]
    fn any_difference_in_the_stat_is_a_miss() {
        let directory = tempfile::tempdir().unwrap();
        let cache = saved(directory.path(), 1);
        let same = stat(0);
        assert!(cache.lookup(b"directory/0", &same).is_some());
        for other in [
            FileStat { device: 2, ..same },
            FileStat { inode: 2, ..same },
            FileStat { size: 2, ..same },
            FileStat { modified: 2, ..same },
            FileStat { changed: 2, ..same },
            FileStat { mode: 2, ..same },
        ] {
            assert_eq!(cache.lookup(b"directory/0", &other), None);
        }
    }

    #[test]
    fn files_changed_shortly_before_the_walk_are_not_trusted() {
        let directory = tempfile::tempdir().unwrap();
        let (store, context) = (store(directory.path()), Path::new("/src"));
        let mut writer = StatCache::open(&store, context).writer();
        let began = writer.began;
        let at = |time| FileStat { modified: time, ..stat(1) };
        let changed_at = |time| FileStat { changed: time, ..stat(1) };
        writer.push(b"old", &at(began - TICK_NANOSECONDS), &Digest::of("x"));
        writer.push(b"racy", &at(began - TICK_NANOSECONDS + 1), &Digest::of("x"));
        writer.push(b"racy change", &changed_at(began - 1), &Digest::of("x"));
        writer.push(b"future", &at(began + 1), &Digest::of("x"));
        writer.save().unwrap();
        let cache = StatCache::open(&store, context);
        assert!(cache.lookup(b"old", &at(began - TICK_NANOSECONDS)).is_some());
        assert!(cache.lookup(b"racy", &at(began - TICK_NANOSECONDS + 1)).is_none());
        assert!(cache.lookup(b"racy change", &changed_at(began - 1)).is_none());
        assert!(cache.lookup(b"future", &at(began + 1)).is_none());
    }

    #[test]
    fn any_damaged_byte_empties_the_cache() {
        let directory = tempfile::tempdir().unwrap();
        let cache = saved(directory.path(), 3);
        let (path, bytes) = (cache.path.clone(), cache.bytes.clone());
        for place in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[place] ^= 0x10;
            fs::write(&path, &damaged).unwrap();
            assert!(StatCache::open(&cache.store, Path::new("/src")).is_empty(), "byte {place}");
        }
        for length in 0..bytes.len() {
            fs::write(&path, &bytes[..length]).unwrap();
            assert!(StatCache::open(&cache.store, Path::new("/src")).is_empty(), "length {length}");
        }
    }

    #[test]
    fn both_kinds_of_stat_agree() {
        let path = Path::new("/proc/self/exe").canonicalize().unwrap();
        let statx = rustix::fs::statx(
            rustix::fs::CWD,
            &path,
            rustix::fs::AtFlags::SYMLINK_NOFOLLOW,
            rustix::fs::StatxFlags::BASIC_STATS,
        );
        assert_eq!(FileStat::from(&fs::metadata(&path).unwrap()), FileStat::from(&statx.unwrap()));
    }
}
