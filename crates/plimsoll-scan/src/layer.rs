//! A layer as a stream.

use std::collections::BTreeMap;
use std::io::{self, Read};

use plimsoll_layer::{Entry, Kind, LayerError, LayerIndex, LayerSink, ReadOptions, read_layer};
use plimsoll_oci::{DiffId, Hasher};
use plimsoll_packages::File;

use crate::error::ScanError;
use crate::facts::{LayerFacts, Paths};
use crate::file::Scanners;

/// Opens the uncompressed tar of a layer.
pub type OpenLayer<'o> = dyn Fn() -> io::Result<Box<dyn Read + Send>> + 'o;

/// What a layer says, and the digest of its tar. It is read once; a second time only when a file that is wanted is another name
/// of one before it that was not.
pub fn scan_layer(open: &OpenLayer<'_>, scanners: Scanners<'_>) -> Result<(LayerFacts, DiffId), ScanError> {
    let mut sink = Sink { scanners, facts: LayerFacts::default(), links: BTreeMap::new(), only_links: false };
    let (index, diff_id) = pass(open, &mut sink)?;
    sink.facts.paths = Paths::of(&index);
    if !sink.links.is_empty() {
        sink.only_links = true;
        pass(open, &mut sink)?;
    }
    sink.facts.not_scanned.sort();
    Ok((sink.facts.without_public_secrets(), diff_id))
}

fn pass(open: &OpenLayer<'_>, sink: &mut Sink<'_>) -> Result<(LayerIndex, DiffId), ScanError> {
    let reader = open().map_err(|source| ScanError::OpenLayer { source })?;
    let mut reader = Digesting { reader, hasher: Hasher::new() };
    let index = read_layer(&mut reader, &ReadOptions::default(), sink)
        .map_err(|source| ScanError::Layer { source })?;
    Ok((index, DiffId(reader.hasher.finish())))
}

/// Digests what is read.
struct Digesting {
    reader: Box<dyn Read + Send>,
    hasher: Hasher,
}

impl Read for Digesting {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        Ok(count)
    }
}

struct Sink<'s> {
    scanners: Scanners<'s>,
    facts: LayerFacts,
    /// Other names of files that were passed over, by the name that the file has in the tar.
    links: BTreeMap<Vec<u8>, Vec<Link>>,
    only_links: bool,
}

struct Link {
    path: Vec<u8>,
    is_executable: bool,
}

impl LayerSink for Sink<'_> {
    fn entry(&mut self, entry: &Entry, content: &mut dyn Read) -> Result<(), LayerError> {
        let is_executable = entry.mode & 0o111 != 0;
        match &entry.kind {
            Kind::File { size } => self.file(&entry.path, *size, is_executable, content),
            Kind::Hardlink { target } if !self.only_links => {
                // The size is that of the file, which is not known here: a small one would be wanted for its name.
                let named = |path| File { path, size: u64::MAX / 2, is_executable };
                if self.scanners.want_packages(&named(&entry.path))
                    && !self.scanners.want_packages(&named(target))
                {
                    let link = Link { path: entry.path.clone(), is_executable };
                    self.links.entry(target.clone()).or_default().push(link);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn opaque(&mut self, _: &[u8]) -> Result<(), LayerError> {
        Ok(())
    }
}

impl Sink<'_> {
    fn file(
        &mut self,
        path: &[u8],
        size: u64,
        is_executable: bool,
        content: &mut dyn Read,
    ) -> Result<(), LayerError> {
        let failed = |source| LayerError::Write { source };
        if !self.only_links {
            let file = File { path, size, is_executable };
            if self.scanners.want(&file) {
                self.scanners.read(&file, content, &mut self.facts).map_err(failed)?;
            }
            return Ok(());
        }
        let Some(links) = self.links.remove(path) else { return Ok(()) };
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes).map_err(failed)?;
        for link in links {
            let file = File { path: &link.path, size, is_executable: link.is_executable };
            self.scanners.read(&file, &mut bytes.as_slice(), &mut self.facts).map_err(failed)?;
        }
        Ok(())
    }
}
