//! The files of an archive on their way into the store.

use std::collections::BTreeMap;
use std::io::{self, Read};

use plimsoll_layer::{Entry, Kind, LayerError, LayerSink};
use plimsoll_oci::Digest;
use plimsoll_store::Store;

use crate::ExportError;
use crate::layout::{BLOBS, DOCKER_MANIFEST, INDEX, OCI_LAYOUT};

/// A list of images larger than this many bytes is none.
pub(super) const LARGEST_LIST: u64 = 16 << 20;

/// A file of an archive that is no list.
#[derive(Clone, Debug)]
pub(super) enum ArchiveFile {
    /// Its bytes are this blob.
    Blob { digest: Digest, size: u64 },
    /// It leads to another path.
    Link { target: String },
}

/// Takes an archive apart: lists into memory, everything else into blobs.
pub(super) struct ArchiveSink<'s> {
    store: &'s Store,
    /// `index.json`, `manifest.json` and `oci-layout`.
    pub(super) lists: BTreeMap<String, Vec<u8>>,
    /// Files outside of `blobs/`, by path.
    pub(super) files: BTreeMap<String, ArchiveFile>,
    /// Why reading ended early, in words of this crate.
    pub(super) failure: Option<ExportError>,
}

impl<'s> ArchiveSink<'s> {
    pub(super) fn new(store: &'s Store) -> Self {
        Self { store, lists: BTreeMap::new(), files: BTreeMap::new(), failure: None }
    }

    fn take(&mut self, entry: &Entry, content: &mut dyn Read) -> Result<(), ExportError> {
        // No path of an image archive needs more than ASCII; others are of no use here.
        let Ok(path) = std::str::from_utf8(&entry.path) else { return Ok(()) };
        match &entry.kind {
            Kind::File { size } => self.file(path, *size, content),
            Kind::Symlink { target } => {
                let Ok(target) = std::str::from_utf8(target) else { return Ok(()) };
                if let Some(target) = relative(path, target) {
                    self.files.insert(path.to_owned(), ArchiveFile::Link { target });
                }
                Ok(())
            }
            Kind::Hardlink { target } => {
                let target = String::from_utf8_lossy(target).into_owned();
                self.files.insert(path.to_owned(), ArchiveFile::Link { target });
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn file(&mut self, path: &str, size: u64, content: &mut dyn Read) -> Result<(), ExportError> {
        let problem = |problem| ExportError::ArchiveEntry { path: path.to_owned(), problem };
        if matches!(path, INDEX | DOCKER_MANIFEST | OCI_LAYOUT) {
            if size > LARGEST_LIST {
                return Err(problem("is larger than 16 MiB"));
            }
            let mut bytes = Vec::new();
            content
                .read_to_end(&mut bytes)
                .map_err(|source| ExportError::Io { path: path.into(), source })?;
            self.lists.insert(path.to_owned(), bytes);
            return Ok(());
        }
        if path.starts_with("blobs/") {
            let digits = path.strip_prefix(BLOBS).and_then(|rest| rest.strip_prefix('/'));
            let digest = digits.and_then(|digits| Digest::from_hex(digits).ok());
            let digest = digest.ok_or_else(|| problem("is not named by a sha256 digest"))?;
            if !self.store.protect_blobs(&[digest])? {
                self.blob(path, Some(&digest), content)?;
            }
            self.files.insert(path.to_owned(), ArchiveFile::Blob { digest, size });
            return Ok(());
        }
        // What Docker's first archives held beside configs and layers.
        let name = path.rsplit('/').next().unwrap_or(path);
        if matches!(name, "VERSION" | "json" | "repositories") {
            return Ok(());
        }
        let digest = self.blob(path, None, content)?;
        self.files.insert(path.to_owned(), ArchiveFile::Blob { digest, size });
        Ok(())
    }

    fn blob(
        &self,
        path: &str,
        expected: Option<&Digest>,
        content: &mut dyn Read,
    ) -> Result<Digest, ExportError> {
        let mut writer = self.store.blob_writer()?;
        io::copy(content, &mut writer).map_err(|source| ExportError::Io { path: path.into(), source })?;
        Ok(writer.commit(expected)?.0)
    }
}

impl LayerSink for ArchiveSink<'_> {
    fn entry(&mut self, entry: &Entry, content: &mut dyn Read) -> Result<(), LayerError> {
        self.take(entry, content).map_err(|failure| {
            let source = io::Error::other(failure.to_string());
            self.failure = Some(failure);
            LayerError::Write { source }
        })
    }

    fn opaque(&mut self, _: &[u8]) -> Result<(), LayerError> {
        Ok(())
    }
}

/// Where a link in an archive leads, if it stays inside.
fn relative(link: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = if target.starts_with('/') { Vec::new() } else { link.split('/').collect() };
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Follows links to the blob of a path.
pub(super) fn find(files: &BTreeMap<String, ArchiveFile>, path: &str) -> Option<(Digest, u64)> {
    const MOST_LINKS: usize = 40;
    let mut path = relative("", path)?;
    for _ in 0..MOST_LINKS {
        match files.get(&path)? {
            ArchiveFile::Blob { digest, size } => return Some((*digest, *size)),
            ArchiveFile::Link { target } => path.clone_from(target),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_stay_inside_the_archive() {
        assert_eq!(relative("a/layer.tar", "../b/layer.tar").as_deref(), Some("b/layer.tar"));
        assert_eq!(relative("a/b", "/x/./y").as_deref(), Some("x/y"));
        assert_eq!(relative("a/b", "../../x"), None);
        assert_eq!(relative("", "./a//b").as_deref(), Some("a/b"));
    }

    #[test]
    fn a_circle_of_links_is_no_file() {
        let link = |target: &str| ArchiveFile::Link { target: target.to_owned() };
        let files = BTreeMap::from([("a".to_owned(), link("b")), ("b".to_owned(), link("a"))]);
        assert!(find(&files, "a").is_none());
    }
}
