//! File trees to select from: a build context or a stack of layers, seen through one index.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use plimsoll_layer::{ChainIndex, DirectoryContent, Found};
use plimsoll_oci::{Digest, Hasher};

/// An index, and the directories in which the bytes of its layers lie.
pub(crate) struct Tree {
    /// What is there.
    pub(crate) index: ChainIndex,
    contents: Vec<DirectoryContent>,
    directories: Vec<PathBuf>,
}

impl Tree {
    /// A tree whose layer number `i` has its files in `directories[i]`.
    pub(crate) fn new(index: ChainIndex, directories: Vec<PathBuf>) -> io::Result<Self> {
        let contents =
            directories.iter().map(|path| DirectoryContent::open(path)).collect::<io::Result<_>>()?;
        Ok(Self { index, contents, directories })
    }

    /// A tree of directories alone: nothing in it has bytes.
    pub(crate) fn without_files(index: ChainIndex) -> Self {
        Self { index, contents: Vec::new(), directories: Vec::new() }
    }

    /// The directory of one layer.
    pub(crate) fn directory(&self, layer: usize) -> &PathBuf {
        &self.directories[layer]
    }

    /// The entry that holds the bytes of a file or hard link.
    pub(crate) fn data<'a>(&'a self, found: Found<'a>) -> io::Result<Found<'a>> {
        self.index.data(found).ok_or_else(|| {
            let path = String::from_utf8_lossy(&found.entry.path);
            io::Error::new(
                io::ErrorKind::NotFound,
                format!("the file that `{path}` is a hard link to is missing"),
            )
        })
    }

    /// Opens the bytes of a file or hard link.
    pub(crate) fn open(&self, found: Found<'_>) -> io::Result<File> {
        let data = self.data(found)?;
        self.contents[data.layer].file(&data.entry.path)
    }

    /// The digest of the bytes of a file or hard link, read now.
    pub(crate) fn digest(&self, found: Found<'_>) -> io::Result<Digest> {
        let mut hasher = Hasher::new();
        let mut file = self.open(found)?;
        let mut buffer = vec![0; 128 * 1024];
        loop {
            match io::Read::read(&mut file, &mut buffer)? {
                0 => return Ok(hasher.finish()),
                read => hasher.update(&buffer[..read]),
            }
        }
    }
}
