//! The index of one layer: every entry, sorted, and the builder that brings entries of any order into that form.
//!
//! The builder settles what a stream of entries leaves open, so that every index of the same changeset is equal:
//! later entries replace earlier ones, a whiteout and a directory of one path become an opaque directory
//! (whiteouts concern lower layers only, image-spec, layer.md, "Whiteouts"), the first name of a hard-link group
//! is the file, and directories that no entry names are listed as implied.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::entry::{Entry, Kind, ancestors, join, shown};
use crate::error::LayerError;
use crate::index_format;
use crate::path;
use crate::xattr;

pub use crate::index_format::DecodeError;

/// Every entry of one layer, sorted by path bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LayerIndex {
    pub(crate) entries: Vec<Entry>,
    pub(crate) implied: Vec<Entry>,
    pub(crate) passwd: Option<Vec<u8>>,
    pub(crate) group: Option<Vec<u8>>,
}

impl LayerIndex {
    /// An index of these entries, in any order except that a hard link comes after its file.
    pub fn from_entries(entries: impl IntoIterator<Item = Entry>) -> Result<Self, LayerError> {
        let mut builder = IndexBuilder::new();
        for entry in entries {
            builder.add(entry)?;
        }
        Ok(builder.finish())
    }

    /// An index of entries that are in its own form already: sorted, each path once, below directories that are listed too,
    /// without marks of removal, hard links to the first name. Others go through the builder, which takes ten times as long.
    pub fn from_sorted(entries: Vec<Entry>) -> Result<Self, LayerError> {
        if is_canonical(&entries) {
            return Ok(Self { entries, ..Self::default() });
        }
        Self::from_entries(entries)
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether the layer changes nothing.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All entries, sorted by path bytes: a directory comes before what is in it, a file before its hard links.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Directories that exist only because an entry lies below them, with mode 0755 and owner 0:0.
    ///
    /// Where a lower layer has the directory, its metadata is the lower layer's.
    pub fn implied(&self) -> &[Entry] {
        &self.implied
    }

    /// The entry at exactly this path.
    pub fn entry(&self, path: &[u8]) -> Option<&Entry> {
        find(&self.entries, path)
    }

    /// The implied directory at exactly this path.
    pub(crate) fn implied_entry(&self, path: &[u8]) -> Option<&Entry> {
        if self.implied.is_empty() { None } else { find(&self.implied, path) }
    }

    /// The entries below a directory, itself excluded.
    pub fn below(&self, directory: &[u8]) -> &[Entry] {
        below(&self.entries, directory)
    }

    /// Bytes of `etc/passwd`, if this layer has that file.
    pub fn passwd(&self) -> Option<&[u8]> {
        self.passwd.as_deref()
    }

    /// Bytes of `etc/group`, if this layer has that file.
    pub fn group(&self) -> Option<&[u8]> {
        self.group.as_deref()
    }

    /// Sum of the sizes of all files in bytes, hard links once.
    pub fn content_size(&self) -> u64 {
        self.entries.iter().fold(0, |sum, entry| match entry.kind {
            Kind::File { size } => sum.saturating_add(size),
            _ => sum,
        })
    }

    /// The stored form: versioned, compact, and with a digest of itself at the end.
    pub fn encode(&self) -> Vec<u8> {
        index_format::encode(self)
    }

    /// Reads the stored form.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        index_format::decode(bytes)
    }
}

fn is_canonical(entries: &[Entry]) -> bool {
    let mut last: Option<&[u8]> = None;
    let mut parent: &[u8] = b"";
    entries.iter().all(|entry| {
        // Of hard links, the builder decides which name is the file.
        let plain =
            !matches!(entry.kind, Kind::Hardlink { .. } | Kind::Whiteout | Kind::Directory { opaque: true });
        let follows = last.replace(&entry.path).is_none_or(|last| last < entry.path.as_slice());
        // The root need not be listed.
        let below = matches!(entry.parent(), known if known == parent || known.is_empty())
            || find(entries, entry.parent()).is_some_and(Entry::is_directory);
        parent = entry.parent();
        plain && follows && below && entry.xattrs.is_empty() && path::check(&entry.path).is_ok()
    })
}

fn find<'a>(entries: &'a [Entry], path: &[u8]) -> Option<&'a Entry> {
    entries.binary_search_by(|entry| entry.path.as_slice().cmp(path)).ok().map(|position| &entries[position])
}

/// The part of a sorted list that lies below a directory, itself excluded.
pub(crate) fn below<'a>(entries: &'a [Entry], directory: &[u8]) -> &'a [Entry] {
    if directory.is_empty() {
        let start = usize::from(entries.first().is_some_and(|entry| entry.path.is_empty()));
        return &entries[start..];
    }
    let prefix = join(directory, b"");
    let start = entries.partition_point(|entry| entry.path.as_slice() < prefix.as_slice());
    let length = entries[start..].partition_point(|entry| entry.path.starts_with(&prefix));
    &entries[start..start + length]
}

#[derive(Debug)]
struct Slot {
    entry: Entry,
    /// Set for files only: names of one group are one inode.
    group: Option<usize>,
}

/// Collects entries in the order of a tar; later ones replace earlier ones.
#[derive(Debug, Default)]
pub struct IndexBuilder {
    slots: BTreeMap<Vec<u8>, Slot>,
    groups: usize,
    passwd: Option<Vec<u8>>,
    group: Option<Vec<u8>>,
    /// Parent of the last entry, known to be a directory all the way down.
    checked_parent: Option<Vec<u8>>,
}

impl IndexBuilder {
    /// An empty builder.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one entry. A hard link's target must have been added before; a link to something other than a
    /// file becomes a second entry of that kind, which is how unpacking it would look.
    pub fn add(&mut self, mut entry: Entry) -> Result<(), LayerError> {
        path::check(&entry.path)?;
        if entry.path.is_empty() && !entry.is_directory() {
            return Err(LayerError::path(&entry.path, "the root can only be a directory"));
        }
        self.check_parents(&entry.path)?;
        entry.xattrs.retain(|(name, _)| !xattr::is_internal(name));
        entry.xattrs.sort();
        match entry.kind {
            Kind::Whiteout => {
                self.add_whiteout(entry);
                return Ok(());
            }
            Kind::Directory { opaque } => {
                let replaced = self.slots.get(&entry.path).map(|slot| slot.entry.kind.clone());
                let below_hidden =
                    matches!(replaced, Some(Kind::Whiteout | Kind::Directory { opaque: true }));
                entry.kind = Kind::Directory { opaque: opaque || below_hidden };
                self.slots.insert(entry.path.clone(), Slot { entry, group: None });
                return Ok(());
            }
            _ => {}
        }
        let mut group = None;
        if let Kind::Hardlink { target } = &entry.kind {
            if *target == entry.path && self.slots.contains_key(target) {
                return Ok(());
            }
            (entry, group) = self.linked(&entry.path, target)?;
        } else if matches!(entry.kind, Kind::File { .. }) {
            group = Some(self.groups);
            self.groups += 1;
        }
        self.remove_below(&entry.path);
        self.checked_parent.take_if(|parent| parent.starts_with(&entry.path));
        self.forget_users(&entry.path);
        self.slots.insert(entry.path.clone(), Slot { entry, group });
        Ok(())
    }

    /// Marks a directory opaque, whether or not it has an entry of its own.
    pub fn opaque(&mut self, directory: &[u8]) -> Result<(), LayerError> {
        path::check(directory)?;
        self.check_parents(directory)?;
        let slot = self
            .slots
            .entry(directory.to_vec())
            .or_insert_with(|| Slot { entry: Entry::directory(directory), group: None });
        match slot.entry.kind {
            Kind::Directory { .. } => slot.entry.kind = Kind::Directory { opaque: true },
            Kind::Whiteout => {
                slot.entry = Entry::new(directory, Kind::Directory { opaque: true }, 0o755);
            }
            _ => {
                let path = shown(&join(directory, b".wh..wh..opq"));
                return Err(LayerError::ParentNotDirectory { path, parent: shown(directory) });
            }
        }
        Ok(())
    }

    /// Keeps the bytes of `etc/passwd`; to be called after the entry was added.
    pub fn set_passwd(&mut self, bytes: Vec<u8>) {
        self.passwd = Some(bytes);
    }

    /// Keeps the bytes of `etc/group`; to be called after the entry was added.
    pub fn set_group(&mut self, bytes: Vec<u8>) {
        self.group = Some(bytes);
    }

    /// What was added so far at exactly this path; a hard link is shown as a `File`.
    pub fn entry(&self, path: &[u8]) -> Option<&Entry> {
        self.slots.get(path).map(|slot| &slot.entry)
    }

    /// Sorts, groups hard links, drops marks that an opaque directory above makes needless, and finds implied
    /// directories.
    pub fn finish(mut self) -> LayerIndex {
        self.drop_needless_marks();
        let mut first_names: Vec<Option<Vec<u8>>> = vec![None; self.groups];
        let mut entries: Vec<Entry> = Vec::with_capacity(self.slots.len());
        let mut implied: BTreeMap<Vec<u8>, Entry> = BTreeMap::new();
        let mut last_parent: Vec<u8> = Vec::new();
        for slot in self.slots.values() {
            let parent = slot.entry.parent();
            if parent != last_parent {
                let directories = ancestors(&slot.entry.path).filter(|path| !self.slots.contains_key(*path));
                for path in directories {
                    implied.entry(path.to_vec()).or_insert_with(|| Entry::directory(path));
                }
                last_parent = parent.to_vec();
            }
        }
        for mut slot in self.slots.into_values() {
            if let Some(first) = slot.group.map(|group| &mut first_names[group]) {
                match first {
                    Some(target) => slot.entry.kind = Kind::Hardlink { target: target.clone() },
                    None => *first = Some(slot.entry.path.clone()),
                }
            }
            entries.push(slot.entry);
        }
        LayerIndex {
            entries,
            implied: implied.into_values().collect(),
            passwd: self.passwd,
            group: self.group,
        }
    }

    /// In an opaque directory nothing of lower layers is visible, so nothing there needs hiding.
    fn drop_needless_marks(&mut self) {
        let is_opaque = |path: &[u8]| {
            let slot = self.slots.get(path);
            slot.is_some_and(|slot| slot.entry.kind == Kind::Directory { opaque: true })
        };
        let is_mark = |kind: &Kind| matches!(kind, Kind::Whiteout | Kind::Directory { opaque: true });
        let marks = self.slots.iter().filter(|(path, slot)| !path.is_empty() && is_mark(&slot.entry.kind));
        let needless: Vec<Vec<u8>> = marks
            .filter(|(path, _)| is_opaque(b"") || ancestors(path).any(is_opaque))
            .map(|(path, _)| path.clone())
            .collect();
        for path in needless {
            match self.slots.get_mut(&path) {
                Some(slot) if slot.entry.is_directory() => {
                    slot.entry.kind = Kind::Directory { opaque: false }
                }
                _ => drop(self.slots.remove(&path)),
            }
        }
    }

    fn add_whiteout(&mut self, entry: Entry) {
        let has_children = self.first_below(&entry.path).is_some();
        match self.slots.get_mut(&entry.path) {
            Some(slot) => {
                if slot.entry.is_directory() {
                    slot.entry.kind = Kind::Directory { opaque: true };
                }
            }
            None if has_children => {
                let directory = Entry::new(entry.path.clone(), Kind::Directory { opaque: true }, 0o755);
                self.slots.insert(entry.path, Slot { entry: directory, group: None });
            }
            None => {
                self.slots
                    .insert(entry.path.clone(), Slot { entry: Entry::whiteout(entry.path), group: None });
            }
        }
    }

    /// The entry a hard link stands for, and its group.
    fn linked(&mut self, path: &[u8], target: &[u8]) -> Result<(Entry, Option<usize>), LayerError> {
        match self.slots.get(target) {
            Some(slot) if !matches!(slot.entry.kind, Kind::Directory { .. } | Kind::Whiteout) => {
                Ok((Entry { path: path.to_vec(), ..slot.entry.clone() }, slot.group))
            }
            _ => Err(LayerError::LinkTarget { path: shown(path), target: shown(target) }),
        }
    }

    /// Whiteouts on the way become opaque directories; anything else that is not a directory is an error.
    fn check_parents(&mut self, path: &[u8]) -> Result<(), LayerError> {
        let (parent, _) = crate::entry::split_last(path);
        if self.checked_parent.as_deref() == Some(parent) {
            return Ok(());
        }
        for ancestor in ancestors(path) {
            let Some(slot) = self.slots.get_mut(ancestor) else { continue };
            match slot.entry.kind {
                Kind::Directory { .. } => {}
                Kind::Whiteout => {
                    slot.entry = Entry::new(ancestor, Kind::Directory { opaque: true }, 0o755);
                }
                _ => {
                    let parent = shown(ancestor);
                    return Err(LayerError::ParentNotDirectory { path: shown(path), parent });
                }
            }
        }
        self.checked_parent = Some(parent.to_vec());
        Ok(())
    }

    fn first_below(&self, directory: &[u8]) -> Option<&Vec<u8>> {
        let prefix = join(directory, b"");
        let (first, _) = self.slots.range(prefix.clone()..).next()?;
        first.starts_with(&prefix).then_some(first)
    }

    fn remove_below(&mut self, directory: &[u8]) {
        let Some(first) = self.first_below(directory).cloned() else { return };
        let prefix = join(directory, b"");
        let range = (Bound::Included(first), Bound::<Vec<u8>>::Unbounded);
        let gone: Vec<Vec<u8>> = self
            .slots
            .range(range)
            .map(|(path, _)| path.clone())
            .take_while(|path| path.starts_with(&prefix))
            .collect();
        for path in gone {
            self.forget_users(&path);
            self.slots.remove(&path);
        }
    }

    fn forget_users(&mut self, path: &[u8]) {
        match path {
            b"etc/passwd" => self.passwd = None,
            b"etc/group" => self.group = None,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sorted_walk_without_its_root_is_canonical() {
        let file = |path: &str| Entry::new(path, Kind::File { size: 0 }, 0o644);
        let directory = |path: &str| Entry::directory(path);
        let walk =
            [directory("a"), directory("a/b"), file("a/b/c"), file("a-b"), directory("d"), file("d/e")];
        let mut sorted = walk.to_vec();
        sorted.sort_by(|left, right| left.path.cmp(&right.path));
        assert!(is_canonical(&sorted));
        assert!(!is_canonical(&walk[1..]));
        assert!(!is_canonical(&[file("b"), file("a")]));
        assert!(!is_canonical(&[file("a"), file("a/b")]));
    }
}
