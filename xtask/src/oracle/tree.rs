//! The root file system of an image: its layers, applied one after the other (image-spec, "layer.md").
//!
//! This is written anew on purpose: the code that is under test must not be what looks at its results.

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};

use anyhow::{Context, Result, bail};
use flate2::read::MultiGzDecoder;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tar::EntryType;

/// One path.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Node {
    /// What it is.
    pub(super) kind: String,
    pub(super) mode: u32,
    pub(super) uid: u64,
    pub(super) gid: u64,
    pub(super) size: u64,
    /// The digest of a file's bytes, the target of a symbolic link, the numbers of a device.
    pub(super) content: String,
    /// Extended attributes, values as hexadecimal digits.
    pub(super) xattrs: BTreeMap<String, String>,
    /// In seconds since 1970.
    pub(super) mtime: i64,
    /// The first other name of the same file.
    pub(super) same_as: Option<String>,
    /// Which file it is.
    #[serde(skip)]
    inode: usize,
}

/// Layers, applied.
pub(super) struct Tree {
    files: BTreeMap<Vec<u8>, Node>,
    inodes: usize,
}

impl Default for Tree {
    fn default() -> Self {
        let root = Node {
            kind: "directory".to_owned(),
            mode: 0o755,
            uid: 0,
            gid: 0,
            size: 0,
            content: String::new(),
            xattrs: BTreeMap::new(),
            mtime: 0,
            same_as: None,
            inode: 0,
        };
        Self { files: BTreeMap::from([(Vec::new(), root)]), inodes: 1 }
    }
}

impl Tree {
    /// Applies a layer: a tar, as it is or as gzip.
    pub(super) fn apply(&mut self, layer: &[u8]) -> Result<()> {
        if layer.starts_with(&[0x1f, 0x8b]) {
            let mut bytes = Vec::new();
            MultiGzDecoder::new(layer).read_to_end(&mut bytes)?;
            return self.apply_tar(&bytes);
        }
        self.apply_tar(layer)
    }

    fn apply_tar(&mut self, bytes: &[u8]) -> Result<()> {
        let mut reader = std::io::Cursor::new(bytes);
        // Deletions concern the layers below only, wherever in the archive they stand.
        for entry in tar::Archive::new(&mut reader).entries()? {
            self.delete(&clean(&entry?.path_bytes()));
        }
        reader.seek(SeekFrom::Start(0))?;
        for entry in tar::Archive::new(&mut reader).entries()? {
            let mut entry = entry?;
            let path = clean(&entry.path_bytes());
            if split(&path).1.starts_with(b".wh.") {
                continue;
            }
            if entry.header().entry_type() == EntryType::Link {
                let target = clean(&entry.link_name_bytes().context("a hard link without a target")?);
                let Some(node) = self.files.get(&target).cloned() else {
                    bail!("`{}` is a hard link to what is not there", String::from_utf8_lossy(&path));
                };
                self.put(path, node);
            } else {
                let node = self.node(&mut entry)?;
                self.put(path, node);
            }
        }
        Ok(())
    }

    fn delete(&mut self, path: &[u8]) {
        let (parent, name) = split(path);
        if name == b".wh..wh..opq" {
            self.remove_below(parent);
        } else if let Some(name) = name.strip_prefix(b".wh.") {
            let path = if parent.is_empty() { name.to_vec() } else { [parent, b"/", name].concat() };
            self.remove_below(&path);
            self.files.remove(&path);
        }
    }

    fn remove_below(&mut self, directory: &[u8]) {
        self.files.retain(|path, _| !is_below(path, directory));
    }

    fn put(&mut self, path: Vec<u8>, node: Node) {
        if node.kind != "directory" && self.files.get(&path).is_some_and(|old| old.kind == "directory") {
            self.remove_below(&path);
        }
        self.files.insert(path, node);
    }

    fn node<R: Read>(&mut self, entry: &mut tar::Entry<'_, R>) -> Result<Node> {
        self.inodes += 1;
        let mut xattrs = BTreeMap::new();
        if let Some(extensions) = entry.pax_extensions()? {
            for extension in extensions {
                let extension = extension?;
                if let Some(name) = extension.key_bytes().strip_prefix(b"SCHILY.xattr.") {
                    let name = String::from_utf8_lossy(name).into_owned();
                    xattrs.insert(name, hex::encode(extension.value_bytes()));
                }
            }
        }
        let header = entry.header().clone();
        let device = || -> Result<String> {
            let (major, minor) = (header.device_major()?, header.device_minor()?);
            Ok(format!("{}:{}", major.unwrap_or(0), minor.unwrap_or(0)))
        };
        let (kind, content) = match header.entry_type() {
            EntryType::Directory => ("directory", String::new()),
            EntryType::Symlink => {
                let target = entry.link_name_bytes().context("a symbolic link without a target")?;
                ("symbolic link", shown(&target))
            }
            EntryType::Char => ("character device", device()?),
            EntryType::Block => ("block device", device()?),
            EntryType::Fifo => ("pipe", String::new()),
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                let mut digest = Sha256::new();
                let mut buffer = vec![0; 1 << 16];
                loop {
                    let count = entry.read(&mut buffer)?;
                    if count == 0 {
                        break;
                    }
                    digest.update(&buffer[..count]);
                }
                ("file", hex::encode(digest.finalize()))
            }
            other => bail!("an entry of the kind {other:?}"),
        };
        Ok(Node {
            kind: kind.to_owned(),
            mode: header.mode()? & 0o7777,
            uid: header.uid()?,
            gid: header.gid()?,
            size: if kind == "file" { entry.size() } else { 0 },
            content,
            xattrs,
            mtime: entry_time(entry)?,
            same_as: None,
            inode: self.inodes,
        })
    }

    /// All paths, as text, with what shares a file.
    pub(super) fn into_files(self) -> BTreeMap<String, Node> {
        let mut first: BTreeMap<usize, Vec<u8>> = BTreeMap::new();
        let mut files = BTreeMap::new();
        for (path, mut node) in self.files {
            match first.get(&node.inode) {
                Some(other) => node.same_as = Some(shown(other)),
                None => drop(first.insert(node.inode, path.clone())),
            }
            files.insert(format!("/{}", shown(&path)), node);
        }
        files
    }
}

/// The time of an entry: the extended header's, where it has one.
fn entry_time<R: Read>(entry: &mut tar::Entry<'_, R>) -> Result<i64> {
    let plain = i64::try_from(entry.header().mtime().unwrap_or(0))?;
    let Some(extensions) = entry.pax_extensions()? else { return Ok(plain) };
    for extension in extensions {
        let extension = extension?;
        if extension.key_bytes() == b"mtime" {
            let text = extension.value().context("a time is no text")?;
            let seconds: f64 = text.parse().context("a time is no number")?;
            #[expect(clippy::cast_possible_truncation, reason = "whole seconds are compared")]
            return Ok(seconds.floor() as i64);
        }
    }
    Ok(plain)
}

/// A path without `./`, slashes at its ends and doubled slashes.
fn clean(path: &[u8]) -> Vec<u8> {
    let parts: Vec<&[u8]> =
        path.split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".").collect();
    parts.join(&b'/')
}

fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (&[], path),
    }
}

fn is_below(path: &[u8], directory: &[u8]) -> bool {
    if directory.is_empty() {
        return !path.is_empty();
    }
    path.strip_prefix(directory).is_some_and(|rest| rest.starts_with(b"/"))
}

/// Bytes as text; those that are none as escapes.
fn shown(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.escape_ascii().to_string(),
    }
}
