//! Digest of a selection of files: what a COPY, an ADD or a bind mount takes, by content.
//!
//! Version 1. SHA-256 over the fields below, each with its length in front (8 bytes, little endian), numbers as 8
//! bytes, little endian. Items are sorted by path bytes first, so their order in a directory does not matter.
//!
//! | field | counts | why |
//! | --- | --- | --- |
//! | version | first | another encoding is another digest |
//! | path, relative to the selection | yes | it becomes the name at the destination |
//! | type | yes | |
//! | mode, twelve bits | yes, but not of symbolic links, whose mode means nothing | |
//! | owner, group | only with `SelectionOwners::Kept` | a context is always sent as 0:0 |
//! | extended attributes, sorted by name | yes | capabilities decide what a program may do |
//! | digest of the bytes | of files and hard links | |
//! | target of a symbolic link | yes | |
//! | device numbers | yes | |
//! | hard-link group | path of its first name in the selection; nothing for a single one | the copy keeps links |
//! | opaque mark | no | the merged view has none |
//! | times | never | a fresh checkout must not rebuild everything |

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use plimsoll_oci::{Digest, Hasher};

use crate::entry::{Entry, Kind};

const VERSION: &[u8] = b"selection-1";

/// One selected entry.
#[derive(Debug, Clone, Copy)]
pub struct SelectionItem<'a> {
    /// Path relative to the selection; empty for the selected file or directory itself.
    pub path: &'a [u8],
    /// Its metadata; the path in it and the target of a hard link are not used.
    pub entry: &'a Entry,
    /// Digest of the bytes of a file or hard link.
    pub content: Option<Digest>,
    /// Items with the same number are names of one inode.
    pub link_group: Option<u64>,
}

/// Whether owners count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SelectionOwners {
    /// As they are: stages and images.
    Kept,
    /// All as 0:0: build contexts.
    Root,
}

/// The digest of a selection: everything but times. The order of the items does not matter.
pub fn selection_digest<'a>(
    owners: SelectionOwners,
    items: impl IntoIterator<Item = SelectionItem<'a>>,
) -> Digest {
    let mut items: Vec<SelectionItem<'a>> = items.into_iter().collect();
    items.sort_by(|left, right| left.path.cmp(right.path));
    let mut groups: HashMap<u64, (&[u8], usize)> = HashMap::new();
    for item in &items {
        if let Some(group) = item.link_group {
            groups.entry(group).or_insert((item.path, 0)).1 += 1;
        }
    }
    let mut hasher = Hasher::new();
    hasher.field(VERSION);
    for item in &items {
        let group = item.link_group.and_then(|group| groups.get(&group)).filter(|(_, count)| *count > 1);
        add(&mut hasher, owners, item, group.map(|(first, _)| *first));
    }
    hasher.finish()
}

fn add(hasher: &mut Hasher, owners: SelectionOwners, item: &SelectionItem<'_>, group: Option<&[u8]>) {
    let entry = item.entry;
    let number = |hasher: &mut Hasher, number: u64| hasher.field(number.to_le_bytes());
    hasher.field(item.path);
    let (kind, mode): (&[u8], u32) = match entry.kind {
        Kind::File { .. } | Kind::Hardlink { .. } => (b"file", entry.mode),
        Kind::Directory { .. } => (b"directory", entry.mode),
        Kind::Symlink { .. } => (b"symlink", 0),
        Kind::CharDevice { .. } => (b"character", entry.mode),
        Kind::BlockDevice { .. } => (b"block", entry.mode),
        Kind::Fifo => (b"fifo", entry.mode),
        Kind::Whiteout => (b"whiteout", 0),
    };
    hasher.field(kind);
    number(hasher, u64::from(mode & 0o7777));
    let (uid, gid) = match owners {
        SelectionOwners::Kept => (entry.uid, entry.gid),
        SelectionOwners::Root => (0, 0),
    };
    number(hasher, u64::from(uid));
    number(hasher, u64::from(gid));
    number(hasher, entry.xattrs.len() as u64);
    for (name, value) in &entry.xattrs {
        hasher.field(name);
        hasher.field(value);
    }
    match &entry.kind {
        Kind::Symlink { target } => hasher.field(target),
        Kind::CharDevice { major, minor } | Kind::BlockDevice { major, minor } => {
            number(hasher, u64::from(*major));
            number(hasher, u64::from(*minor));
        }
        _ => {}
    }
    match item.content {
        Some(digest) => hasher.field(digest.as_bytes()),
        None => hasher.field(b""),
    }
    match group {
        Some(first) => {
            number(hasher, 1);
            hasher.field(first);
        }
        None => number(hasher, 0),
    }
}

/// SHA-256 of a file's bytes.
pub fn file_digest(path: &Path) -> io::Result<Digest> {
    reader_digest(&mut File::open(path)?)
}

/// SHA-256 of what a reader gives until its end.
pub fn reader_digest(reader: &mut dyn Read) -> io::Result<Digest> {
    let mut buffer = vec![0; 256 << 10];
    let mut hasher = Hasher::new();
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(hasher.finish()),
            Ok(count) => hasher.update(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Timestamp;

    fn file(mode: u32) -> Entry {
        Entry::new(*b"ignored", Kind::File { size: 1 }, mode)
    }

    fn item<'a>(path: &'a [u8], entry: &'a Entry) -> SelectionItem<'a> {
        SelectionItem { path, entry, content: Some(Digest::of(b"x")), link_group: None }
    }

    fn digest<'a>(items: impl IntoIterator<Item = SelectionItem<'a>>) -> Digest {
        selection_digest(SelectionOwners::Kept, items)
    }

    #[test]
    fn order_and_times_do_not_count() {
        let first = file(0o644);
        let later = Entry { mtime: Timestamp::from_seconds(9), ..first.clone() };
        assert_eq!(
            digest([item(b"a", &first), item(b"b", &first)]),
            digest([item(b"b", &first), item(b"a", &later)])
        );
    }

    #[test]
    fn every_other_field_counts() {
        let plain = file(0o644);
        let variants = [
            file(0o755),
            Entry { uid: 1, ..plain.clone() },
            Entry { gid: 1, ..plain.clone() },
            Entry { xattrs: vec![(b"user.a".to_vec(), b"1".to_vec())], ..plain.clone() },
            Entry { kind: Kind::Fifo, ..plain.clone() },
            Entry { kind: Kind::Symlink { target: b"a".to_vec() }, ..plain.clone() },
            Entry { kind: Kind::Symlink { target: b"b".to_vec() }, ..plain.clone() },
            Entry { kind: Kind::CharDevice { major: 1, minor: 2 }, ..plain.clone() },
            Entry { kind: Kind::BlockDevice { major: 1, minor: 2 }, ..plain.clone() },
            Entry { kind: Kind::CharDevice { major: 2, minor: 1 }, ..plain.clone() },
        ];
        let mut digests: Vec<Digest> = variants.iter().map(|entry| digest([item(b"a", entry)])).collect();
        digests.push(digest([item(b"a", &plain)]));
        digests.push(digest([item(b"b", &plain)]));
        digests.push(digest([SelectionItem { content: Some(Digest::of(b"y")), ..item(b"a", &plain) }]));
        digests.push(digest([]));
        let count = digests.len();
        digests.sort();
        digests.dedup();
        assert_eq!(digests.len(), count);
    }

    #[test]
    fn owners_count_only_when_kept() {
        let root = file(0o644);
        let other = Entry { uid: 5, gid: 6, ..root.clone() };
        let selection = |entry| selection_digest(SelectionOwners::Root, [item(b"a", entry)]);
        assert_eq!(selection(&root), selection(&other));
    }

    #[test]
    fn hard_links_count_by_their_names_not_their_numbers() {
        let entry = file(0o644);
        let linked = |path, group| SelectionItem { link_group: Some(group), ..item(path, &entry) };
        let unlinked = digest([item(b"a", &entry), item(b"b", &entry)]);
        let together = digest([linked(b"a", 7), linked(b"b", 7)]);
        assert_eq!(together, digest([linked(b"b", 1), linked(b"a", 1)]));
        assert_ne!(together, unlinked);
        assert_eq!(digest([linked(b"a", 1), linked(b"b", 2)]), unlinked);
    }
}
