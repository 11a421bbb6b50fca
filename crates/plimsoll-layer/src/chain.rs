//! The merged view of several layers, as overlayfs would show it, without merging them.
//!
//! An entry of a layer is visible unless a layer above removes or replaces it, or one of its ancestors: by a
//! whiteout, by anything that is not a directory, or by an opaque directory. Directories that a layer only
//! implies take their metadata from the next layer below that has them.

mod resolve;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::entry::{Entry, Kind, ancestors, split_last};
use crate::index::{LayerIndex, below};
use crate::users::{UserFile, Users};

pub use resolve::{ResolveError, Resolved};

/// Layers, bottom first, seen as one file system.
#[derive(Debug, Clone)]
pub struct ChainIndex {
    layers: Vec<Arc<LayerIndex>>,
    /// The root of a chain in which no layer has an entry for it.
    root: Entry,
}

/// An entry of the merged view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found<'a> {
    /// Number of the layer, 0 is the bottom.
    pub layer: usize,
    /// The entry in that layer.
    pub entry: &'a Entry,
}

/// A child of a directory of the merged view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Child<'a> {
    /// Last component of the path.
    pub name: &'a [u8],
    /// The entry.
    pub found: Found<'a>,
}

impl Default for ChainIndex {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl ChainIndex {
    /// The merged view of `layers`, bottom first.
    pub fn new(layers: Vec<Arc<LayerIndex>>) -> Self {
        Self { layers, root: Entry::directory([]) }
    }

    /// The layers, bottom first.
    pub fn layers(&self) -> &[Arc<LayerIndex>] {
        &self.layers
    }

    /// The same view with one more layer on top.
    #[must_use]
    pub fn with_layer(&self, layer: Arc<LayerIndex>) -> Self {
        let mut layers = self.layers.clone();
        layers.push(layer);
        Self::new(layers)
    }

    /// The root directory; 0755 and 0:0 in layer 0 when no layer has an entry for it.
    pub fn root(&self) -> Found<'_> {
        let mut layers = self.layers.iter().enumerate().rev();
        layers
            .find_map(|(layer, index)| index.entry(b"").map(|entry| Found { layer, entry }))
            .unwrap_or(Found { layer: 0, entry: &self.root })
    }

    /// What is at exactly this path (in the form of `Entry::path`), without following links. The root always exists.
    pub fn lookup(&self, path: &[u8]) -> Option<Found<'_>> {
        if path.is_empty() {
            return Some(self.root());
        }
        let mut implied: Option<Found<'_>> = None;
        for (layer, index) in self.layers.iter().enumerate().rev() {
            if let Some(entry) = index.entry(path) {
                return match (&entry.kind, implied) {
                    (Kind::Directory { .. }, _) => Some(Found { layer, entry }),
                    (_, Some(directory)) => Some(directory),
                    (Kind::Whiteout, None) => None,
                    _ => Some(Found { layer, entry }),
                };
            }
            if implied.is_none() {
                implied = index.implied_entry(path).map(|entry| Found { layer, entry });
            }
            if hides(index, path) {
                break;
            }
        }
        implied
    }

    /// The children of a directory, sorted by name; none if there is no such directory.
    pub fn children(&self, directory: &[u8]) -> Vec<Child<'_>> {
        let mut names: BTreeMap<&[u8], Option<Found<'_>>> = BTreeMap::new();
        for (layer, index) in self.layers.iter().enumerate().rev() {
            if index.entry(directory).is_some_and(|entry| !entry.is_directory()) {
                break;
            }
            for (list, is_implied) in [(&index.entries, false), (&index.implied, true)] {
                for entry in direct_children(list, directory) {
                    // An implied directory takes its metadata from below, which `lookup` knows how to find.
                    names.entry(entry.name()).or_insert_with(|| {
                        if is_implied { self.lookup(&entry.path) } else { Some(Found { layer, entry }) }
                    });
                }
            }
            if index.entry(directory).is_some_and(Entry::hides_below) || hides(index, directory) {
                break;
            }
        }
        let visible = names.into_iter().filter_map(|(name, found)| Some(Child { name, found: found? }));
        visible.filter(|child| child.found.entry.kind != Kind::Whiteout).collect()
    }

    /// Everything below a directory, itself excluded, sorted by path bytes, so that parents come first.
    pub fn walk(&self, directory: &[u8]) -> Vec<Found<'_>> {
        let mut lists: Vec<(usize, &[Entry])> = Vec::with_capacity(self.layers.len());
        for (layer, index) in self.layers.iter().enumerate().rev() {
            lists.push((layer, below(&index.entries, directory)));
            lists.push((layer, below(&index.implied, directory)));
            if index.entry(directory).is_some_and(Entry::hides_below) || hides(index, directory) {
                break;
            }
        }
        lists.retain(|(_, list)| !list.is_empty());
        if let [(layer, list)] = lists[..]
            && self.layers[layer].implied.is_empty()
        {
            let visible = list.iter().filter(|entry| entry.kind != Kind::Whiteout);
            return visible.map(|entry| Found { layer, entry }).collect();
        }
        Walk { chain: self, lists, hiding: HashMap::new(), parent: (Vec::new(), None) }.collect()
    }

    /// The `File` that holds the bytes of a file or hard link, in the same layer; `None` for other kinds.
    ///
    /// Its path may be hidden in the merged view: the bytes are still in that layer.
    pub fn data<'a>(&'a self, found: Found<'a>) -> Option<Found<'a>> {
        match &found.entry.kind {
            Kind::File { .. } => Some(found),
            Kind::Hardlink { target } => {
                let entry = self.layers.get(found.layer)?.entry(target)?;
                matches!(entry.kind, Kind::File { .. }).then_some(Found { layer: found.layer, entry })
            }
            _ => None,
        }
    }

    /// Bytes of `/etc/passwd`.
    pub fn read_passwd(&self) -> UserFile<'_> {
        self.user_file(b"etc/passwd", LayerIndex::passwd)
    }

    /// Bytes of `/etc/group`.
    pub fn read_group(&self) -> UserFile<'_> {
        self.user_file(b"etc/group", LayerIndex::group)
    }

    /// Users and groups. `Err` is the resolved path of a file whose bytes are not in the index, because
    /// `/etc/passwd` or `/etc/group` is a link: read that file and use `Users::parse`.
    pub fn users(&self) -> Result<Users, Vec<u8>> {
        let bytes = |file| match file {
            UserFile::Absent => Ok(&[][..]),
            UserFile::Bytes(bytes) => Ok(bytes),
            UserFile::Elsewhere { path } => Err(path),
        };
        Ok(Users::parse(bytes(self.read_passwd())?, bytes(self.read_group())?))
    }

    fn user_file(&self, path: &[u8], stored: fn(&LayerIndex) -> Option<&[u8]>) -> UserFile<'_> {
        let Ok(resolved) = self.resolve(path, true) else { return UserFile::Absent };
        let Some(data) = resolved.found.and_then(|found| self.data(found)) else { return UserFile::Absent };
        let bytes = if data.entry.path == path { stored(&self.layers[data.layer]) } else { None };
        match bytes {
            Some(bytes) => UserFile::Bytes(bytes),
            None => UserFile::Elsewhere { path: resolved.path },
        }
    }
}

/// Whether a layer hides what layers below it have at `path`, by one of the ancestors of `path`.
pub(crate) fn hides(index: &LayerIndex, path: &[u8]) -> bool {
    index.entry(b"").is_some_and(Entry::hides_below)
        || ancestors(path).any(|ancestor| index.entry(ancestor).is_some_and(Entry::hides_below))
}

/// The entries of a sorted list that lie directly in a directory; deeper ones are skipped by binary search.
fn direct_children<'a>(list: &'a [Entry], directory: &[u8]) -> impl Iterator<Item = &'a Entry> {
    let skip = if directory.is_empty() { 0 } else { directory.len() + 1 };
    let mut rest = below(list, directory);
    std::iter::from_fn(move || {
        loop {
            let (first, others) = rest.split_first()?;
            let Some(slash) = first.path[skip..].iter().position(|&byte| byte == b'/') else {
                rest = others;
                return Some(first);
            };
            let mut past = first.path[..skip + slash].to_vec();
            past.push(b'/' + 1);
            rest = &rest[rest.partition_point(|entry| entry.path < past)..];
        }
    })
}

/// Merges sorted lists, topmost layer first.
struct Walk<'a> {
    chain: &'a ChainIndex,
    lists: Vec<(usize, &'a [Entry])>,
    /// Paths below which all layers under the given one are hidden.
    hiding: HashMap<&'a [u8], usize>,
    /// The parent looked at last and the topmost layer that hides what is in it.
    parent: (Vec<u8>, Option<usize>),
}

impl Walk<'_> {
    /// The topmost layer that hides entries in `parent` from layers below it.
    fn hidden_from(&mut self, parent: &[u8]) -> Option<usize> {
        if self.hiding.is_empty() || parent.is_empty() {
            return None;
        }
        if self.parent.0 != parent {
            let own = self.hiding.get(parent).copied();
            let above = ancestors(parent).filter_map(|ancestor| self.hiding.get(ancestor).copied()).max();
            self.parent = (parent.to_vec(), own.max(above));
        }
        self.parent.1
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Found<'a>;

    fn next(&mut self) -> Option<Found<'a>> {
        loop {
            let path: &'a [u8] =
                self.lists.iter().filter_map(|(_, list)| Some(list.first()?.path.as_slice())).min()?;
            let hidden = self.hidden_from(split_last(path).0);
            let mut top: Option<(Found<'a>, bool)> = None;
            for (layer, list) in &mut self.lists {
                let Some((entry, rest)) = list.split_first().filter(|(entry, _)| entry.path == path) else {
                    continue;
                };
                *list = rest;
                if hidden.is_some_and(|above| *layer < above) {
                    continue;
                }
                let is_implied = self.chain.layers[*layer].implied_entry(path).is_some();
                if entry.hides_below() {
                    let above = self.hiding.entry(path).or_insert(*layer);
                    *above = (*above).max(*layer);
                    self.parent.0.clear();
                    self.parent.1 = None;
                }
                top = top.or(Some((Found { layer: *layer, entry }, is_implied)));
            }
            self.lists.retain(|(_, list)| !list.is_empty());
            match top {
                Some((found, _)) if found.entry.kind == Kind::Whiteout => {}
                Some((_, true)) => return self.chain.lookup(path),
                Some((found, false)) => return Some(found),
                None => {}
            }
        }
    }
}
