//! The entries of an archive that is unpacked over files that are there already.
//!
//! Unlike a layer, such an archive says nothing about other layers: every name is literal. What a name means is decided
//! by who puts it into place, since links on the way to it may lie in the archive or below it; here it is only
//! cleaned by its text. The archive ends with its end mark, whatever follows.

use std::io::{self, Read};

use crate::entry::{Entry, Kind, shown};
use crate::error::LayerError;
use crate::path;
use crate::tar_read::{ENTRIES, Limits, checked_target};
use crate::tar_stream::{RawEntry, TarStream};
use crate::xattr;

/// Reads an uncompressed tar up to its end mark; `put` gets every entry in the tar's order, with its content.
///
/// An entry's path and a hard link's target are relative and without `..`. The root has no entry.
pub fn read_archive<E: From<LayerError>>(
    reader: &mut dyn Read,
    limits: Limits,
    put: &mut dyn FnMut(Entry, &mut dyn Read) -> Result<(), E>,
) -> Result<(), E> {
    let mut stream = TarStream::new(reader).may_end_early();
    let (mut entries, mut content_size) = (0_u64, 0_u64);
    while let Some(raw) = stream.next()? {
        entries += 1;
        content_size = content_size.saturating_add(raw.size);
        if entries > limits.entries {
            return Err(LayerError::Limit { what: ENTRIES, limit: limits.entries }.into());
        }
        if content_size > limits.content_size {
            return Err(LayerError::Limit { what: "bytes of content", limit: limits.content_size }.into());
        }
        let Some(entry) = entry(raw)? else { continue };
        let result = match entry.kind {
            Kind::File { .. } => put(entry, &mut stream.content()),
            _ => put(entry, &mut io::empty()),
        };
        // What the stream found wrong says more than what became of it.
        match stream.take_failure() {
            Some(failure) => return Err(failure.into()),
            None => result?,
        }
    }
    Ok(())
}

fn entry(raw: RawEntry) -> Result<Option<Entry>, LayerError> {
    let is_directory_name = raw.name.ends_with(b"/");
    let path = cleaned(&raw.name)?;
    if path.is_empty() {
        return Ok(None);
    }
    let (major, minor) = raw.device;
    let kind = match raw.type_flag {
        0 if is_directory_name => Kind::Directory { opaque: false },
        b'0' | 0 => Kind::File { size: raw.size },
        b'1' => Kind::Hardlink { target: cleaned(&raw.link)? },
        b'2' => Kind::Symlink { target: checked_target(&path, raw.link)? },
        // An overlay would take it for a removal, and no system lets it be made.
        b'3' if raw.device == (0, 0) => {
            return Err(LayerError::path(&path, "a character device 0:0 means removal"));
        }
        b'3' => Kind::CharDevice { major, minor },
        b'4' => Kind::BlockDevice { major, minor },
        b'5' => Kind::Directory { opaque: false },
        b'6' => Kind::Fifo,
        type_flag => return Err(LayerError::EntryType { path: shown(&path), type_flag }),
    };
    let mut xattrs = raw.xattrs;
    xattrs.retain(|(name, _)| !xattr::is_internal(name));
    xattrs.sort();
    let mode = if matches!(kind, Kind::Symlink { .. }) { 0o777 } else { raw.mode };
    Ok(Some(Entry { path, kind, mode, uid: raw.uid, gid: raw.gid, mtime: raw.mtime, xattrs }))
}

/// A name without `.`, `..` and repeated slashes, by its text alone; one that leads out is refused.
fn cleaned(name: &[u8]) -> Result<Vec<u8>, LayerError> {
    let mut kept: Vec<&[u8]> = Vec::new();
    for component in name.split(|&byte| byte == b'/') {
        match component {
            b"" | b"." => {}
            b".." => {
                if kept.pop().is_none() {
                    return Err(LayerError::path(name, "it leads out of the archive"));
                }
            }
            component => kept.push(component),
        }
    }
    path::normalise(&kept.join(&b'/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cleaned_by_their_text() {
        for (name, path) in [("/a//b/./c/", "a/b/c"), ("a/../b", "b"), ("./", ""), ("a/..", "")] {
            assert_eq!(cleaned(name.as_bytes()).unwrap(), path.as_bytes(), "{name}");
        }
        for name in ["..", "../a", "a/../../b", "/../b"] {
            assert!(cleaned(name.as_bytes()).is_err(), "{name}");
        }
    }
}
