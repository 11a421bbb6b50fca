//! An image as it lies in the store: its blobs, read without the program's own code.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use serde_json::Value;

/// An image.
pub(crate) struct Image {
    pub(crate) config: Value,
    /// Entries of each layer's tar, the lowest layer first.
    pub(crate) layers: Vec<Vec<Entry>>,
}

/// What an entry of a tar is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    File(Vec<u8>),
    Directory,
    Symlink(String),
    HardLink(String),
    Other(u8),
}

/// One entry of a layer's tar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The name without a leading or trailing slash; bytes that are not UTF-8 are kept.
    pub(crate) path: Vec<u8>,
    pub(crate) kind: Kind,
    pub(crate) mode: u32,
    pub(crate) uid: u64,
    pub(crate) gid: u64,
    pub(crate) mtime: u64,
}

impl Entry {
    /// The file's content as text.
    pub(crate) fn text(&self) -> &str {
        match &self.kind {
            Kind::File(bytes) => std::str::from_utf8(bytes).unwrap(),
            other => panic!("`{}` is no file but {other:?}", String::from_utf8_lossy(&self.path)),
        }
    }
}

impl Image {
    /// Reads manifest, config and layers.
    pub(crate) fn read(store: &Path, digest: &str) -> Self {
        let blob = |digest: &Value| {
            let hex = digest.as_str().unwrap().strip_prefix("sha256:").unwrap();
            let path = store.join("blobs-v0/sha256").join(hex);
            std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        };
        let manifest: Value = serde_json::from_slice(&blob(&Value::from(digest))).unwrap();
        let config = serde_json::from_slice(&blob(&manifest["config"]["digest"])).unwrap();
        let layers = manifest["layers"].as_array().unwrap().iter();
        let layers = layers.map(|layer| entries(&from_gzip(&blob(&layer["digest"])))).collect();
        Self { config, layers }
    }

    /// Digests of the uncompressed layers.
    pub(crate) fn diff_ids(&self) -> Vec<&str> {
        let ids = self.config["rootfs"]["diff_ids"].as_array().unwrap();
        ids.iter().map(|id| id.as_str().unwrap()).collect()
    }

    /// The root file system: the last entry of each path, deletions done.
    pub(crate) fn files(&self) -> BTreeMap<Vec<u8>, Entry> {
        let mut files: BTreeMap<Vec<u8>, Entry> = BTreeMap::new();
        for entry in self.layers.iter().flatten() {
            let (parent, name) = match entry.path.iter().rposition(|byte| *byte == b'/') {
                Some(at) => (&entry.path[..=at], &entry.path[at + 1..]),
                None => (&[][..], &entry.path[..]),
            };
            let deleted = match name.strip_prefix(b".wh.") {
                Some(b".wh..opq") => parent.to_vec(),
                Some(name) => [parent, name].concat(),
                None => {
                    if entry.kind != Kind::Directory {
                        let below = [&entry.path[..], b"/"].concat();
                        files.retain(|path, _| !path.starts_with(&below));
                    }
                    files.insert(entry.path.clone(), entry.clone());
                    continue;
                }
            };
            let below = if deleted.ends_with(b"/") { deleted.clone() } else { [&deleted[..], b"/"].concat() };
            files.retain(|path, _| *path != deleted && !path.starts_with(&below));
        }
        files
    }

    /// One file of the root file system.
    pub(crate) fn file(&self, path: &str) -> Entry {
        let files = self.files();
        files.get(path.as_bytes()).cloned().unwrap_or_else(|| {
            let names: Vec<_> = files.keys().map(|name| String::from_utf8_lossy(name)).collect();
            let names: Vec<_> = names.iter().filter(|name| !name.starts_with("bin/")).collect();
            panic!("`{path}` is not in the image, only {names:?}")
        })
    }

    /// Whether the root file system has this path.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.files().contains_key(path.as_bytes())
    }
}

fn entries(tar: &[u8]) -> Vec<Entry> {
    let mut archive = tar::Archive::new(tar);
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let path = entry.path_bytes().into_owned();
        let path = path.strip_prefix(b"./").unwrap_or(&path);
        let path = path.strip_suffix(b"/").unwrap_or(path).to_vec();
        let target = entry.link_name_bytes().map(|name| String::from_utf8_lossy(&name).into_owned());
        let header = entry.header().clone();
        let kind = match header.entry_type() {
            tar::EntryType::Regular => {
                let mut bytes = Vec::new();
                entry.read_to_end(&mut bytes).unwrap();
                Kind::File(bytes)
            }
            tar::EntryType::Directory => Kind::Directory,
            tar::EntryType::Symlink => Kind::Symlink(target.unwrap()),
            tar::EntryType::Link => Kind::HardLink(target.unwrap()),
            other => Kind::Other(other.as_byte()),
        };
        let mode = header.mode().unwrap() & 0o7777;
        let (uid, gid) = (header.uid().unwrap(), header.gid().unwrap());
        Entry { path, kind, mode, uid, gid, mtime: header.mtime().unwrap() }
    });
    entries.collect()
}

/// Decompresses all members of a gzip file.
pub(crate) fn from_gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes).read_to_end(&mut out).unwrap();
    out
}
