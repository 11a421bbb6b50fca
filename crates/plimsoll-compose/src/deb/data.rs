//! The data tar: entries, with the bytes of files put into a spool.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::sync::Arc;

use plimsoll_layer::{Entry, Kind, Timestamp};

use super::Content;
use crate::decode::buffered_decoder;
use crate::error::ComposeError;

/// A file without a name that takes the bytes of many files, one after the other.
#[derive(Debug)]
pub(crate) struct Spool {
    file: Arc<File>,
    writer: BufWriter<Arc<File>>,
    length: u64,
}

impl Spool {
    pub(crate) fn new(file: File) -> Self {
        let file = Arc::new(file);
        Self { writer: BufWriter::with_capacity(256 << 10, Arc::clone(&file)), file, length: 0 }
    }

    fn add(&mut self, input: &mut impl Read) -> io::Result<Content> {
        let offset = self.length;
        let size_bytes = io::copy(input, &mut self.writer)?;
        self.length += size_bytes;
        Ok(Content::Spooled { file: Arc::clone(&self.file), offset, size_bytes })
    }

    /// Makes everything readable that was added.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

pub(super) fn read(
    name: &str,
    input: impl Read,
    package: &str,
    spool: &mut Spool,
) -> Result<Vec<(Entry, Option<Content>)>, ComposeError> {
    let failed = |source| ComposeError::PackageData { package: package.to_owned(), source };
    let bad = |problem| ComposeError::BadPackage { package: package.to_owned(), problem };
    let mut archive = tar::Archive::new(buffered_decoder(name, input).map_err(failed)?);
    let mut entries = Vec::new();
    for entry in archive.entries().map_err(failed)? {
        let mut entry = entry.map_err(failed)?;
        let path = plain_path(&entry.path_bytes()).ok_or_else(|| bad("a path leads out of the root"))?;
        if path.is_empty() {
            continue;
        }
        let link = entry.link_name_bytes().map(std::borrow::Cow::into_owned);
        let header = entry.header();
        let device = |number: io::Result<Option<u32>>| number.ok().flatten().unwrap_or_default();
        let kind = match header.entry_type() {
            kind if kind.is_file() => Kind::File { size: entry.size() },
            tar::EntryType::Directory => Kind::Directory { opaque: false },
            tar::EntryType::Symlink => {
                Kind::Symlink { target: link.ok_or_else(|| bad("a symbolic link has no target"))? }
            }
            tar::EntryType::Link => {
                let target = link.as_deref().and_then(plain_path);
                Kind::Hardlink {
                    target: target.ok_or_else(|| bad("a hard link has no target in the package"))?,
                }
            }
            tar::EntryType::Char => Kind::CharDevice {
                major: device(header.device_major()),
                minor: device(header.device_minor()),
            },
            tar::EntryType::Block => Kind::BlockDevice {
                major: device(header.device_major()),
                minor: device(header.device_minor()),
            },
            tar::EntryType::Fifo => Kind::Fifo,
            _ => return Err(bad("it has an entry of a kind that packages do not have")),
        };
        let owner = |number: io::Result<u64>| {
            u32::try_from(number.map_err(failed)?).map_err(|_| bad("an owner is no number of 32 bits"))
        };
        let seconds =
            i64::try_from(header.mtime().map_err(failed)?).map_err(|_| bad("a time is out of range"))?;
        let mut read = Entry::new(path, kind, header.mode().map_err(failed)? & 0o7777);
        (read.uid, read.gid) = (owner(header.uid())?, owner(header.gid())?);
        read.mtime = Timestamp::from_seconds(seconds);
        let content = match read.kind {
            Kind::File { .. } => Some(spool.add(&mut entry).map_err(failed)?),
            _ => None,
        };
        entries.push((read, content));
    }
    Ok(entries)
}

/// A path without `./` and slashes at its ends, if it stays within the root.
fn plain_path(path: &[u8]) -> Option<Vec<u8>> {
    let mut parts = Vec::new();
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => return None,
            _ => parts.push(part),
        }
    }
    Some(parts.join(&b'/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_within_the_root() {
        assert_eq!(plain_path(b"./usr/bin/"), Some(b"usr/bin".to_vec()));
        assert_eq!(plain_path(b"./"), Some(Vec::new()));
        assert_eq!(plain_path(b"/etc//x"), Some(b"etc/x".to_vec()));
        assert_eq!(plain_path(b"usr/../../x"), None);
    }
}
