//! The root file system that a chain of layers shows, with each file's bytes where they lie.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;

use plimsoll_layer::{DirectoryContent, Entry, Kind};
use plimsoll_snapshot::Snapshots;
use plimsoll_store::LayerId;

use crate::ExportError;

/// A merged root file system. Its entries are sorted by path; parents come first, hard links after their files.
pub(crate) struct Merged {
    /// Everything but the root itself; links are only between entries of this list.
    pub(crate) entries: Vec<Entry>,
    layers: Vec<DirectoryContent>,
    /// Layer and path in it of each file's bytes.
    sources: HashMap<Vec<u8>, (usize, Vec<u8>)>,
}

impl Merged {
    /// Unpacks what is not unpacked, and merges the indexes.
    pub(crate) fn open(snapshots: &Snapshots, chain: &[LayerId]) -> Result<Self, ExportError> {
        let gone = |place: usize| ExportError::LayerGone { layer: chain[place].clone() };
        if let Some(place) = snapshots.materialise(chain)? {
            return Err(gone(place));
        }
        let index = snapshots.chain(chain)?.map_err(gone)?;
        let open = |layer: &LayerId| {
            let path: PathBuf = snapshots.store().layer_fs(layer);
            DirectoryContent::open(&path).map_err(|source| ExportError::Io { path, source })
        };
        let layers = chain.iter().map(open).collect::<Result<Vec<_>, _>>()?;
        let mut merged = Self { entries: Vec::new(), layers, sources: HashMap::new() };
        // The first visible name of an inode is the file; the name that its layer calls so may be hidden.
        let mut first_names: HashMap<(usize, Vec<u8>), Vec<u8>> = HashMap::new();
        for found in index.walk(b"") {
            let mut entry = found.entry.clone();
            if let Kind::Directory { opaque } = &mut entry.kind {
                *opaque = false;
            }
            if let Some(data) = index.data(found) {
                let inode = (data.layer, data.entry.path.clone());
                if let Some(first) = first_names.get(&inode) {
                    entry.kind = Kind::Hardlink { target: first.clone() };
                } else {
                    first_names.insert(inode.clone(), entry.path.clone());
                    merged.sources.insert(entry.path.clone(), inode);
                    entry = Entry { path: entry.path, ..data.entry.clone() };
                }
            }
            merged.entries.push(entry);
        }
        Ok(merged)
    }

    /// Opens the bytes of a file.
    pub(crate) fn content(&self, entry: &Entry) -> io::Result<std::fs::File> {
        let (layer, path) = self.sources.get(&entry.path).ok_or(io::ErrorKind::NotFound)?;
        self.layers[*layer].file(path)
    }
}
