//! Formats of archives and layers, recognised by their bytes, never by a name.

use std::io::{self, BufReader, Cursor, Read};

use crate::tar_format::{self as format, BLOCK};
use crate::xz::XzReader;

/// A compression or archive format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArchiveFormat {
    /// Uncompressed tar.
    Tar,
    /// gzip (RFC 1952).
    Gzip,
    /// bzip2.
    Bzip2,
    /// xz.
    Xz,
    /// zstd (RFC 8878), a skippable frame in front included.
    Zstd,
}

const BUFFER: usize = 128 << 10;

/// Recognises a format by the first bytes; a tar needs 512 of them.
pub fn detect(first: &[u8]) -> Option<ArchiveFormat> {
    match first {
        [0x1f, 0x8b, 0x08, ..] => Some(ArchiveFormat::Gzip),
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => Some(ArchiveFormat::Bzip2),
        [0xfd, b'7', b'z', b'X', b'Z', 0x00, ..] => Some(ArchiveFormat::Xz),
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(ArchiveFormat::Zstd),
        _ if is_tar(first) => Some(ArchiveFormat::Tar),
        _ => None,
    }
}

/// Whether the first 512 bytes are a tar header with a correct checksum.
pub fn is_tar(first: &[u8]) -> bool {
    let Some(block) = first.first_chunk::<BLOCK>() else { return false };
    // An empty block has a checksum field of zero, which is not the sum of its blanks.
    format::checksum_is_valid(block)
}

/// The uncompressed tar in `reader` when it is an archive that ADD extracts, else `None`.
///
/// A compressed file that holds no tar is no archive: ADD copies it as it is. So is one whose first bytes
/// cannot be decompressed.
pub fn open_archive(reader: Box<dyn Read + Send>) -> io::Result<Option<Box<dyn Read + Send>>> {
    let (first, reader) = peek(reader)?;
    let Some(kind) = detect(&first) else { return Ok(None) };
    if kind == ArchiveFormat::Tar {
        return Ok(Some(reader));
    }
    let (first, reader) = match decoder(kind, reader).and_then(peek) {
        Ok(opened) => opened,
        // It may well be an archive: that it is left as it is must not go unnoticed.
        Err(error) if error.kind() == io::ErrorKind::OutOfMemory => return Err(error),
        Err(_) => return Ok(None),
    };
    Ok(is_tar(&first).then_some(reader))
}

/// A reader of what a file of this format holds.
pub(crate) fn decoder(kind: ArchiveFormat, reader: Box<dyn Read + Send>) -> io::Result<Box<dyn Read + Send>> {
    let buffered = BufReader::with_capacity(BUFFER, reader);
    Ok(match kind {
        ArchiveFormat::Tar => Box::new(buffered),
        ArchiveFormat::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(buffered)),
        ArchiveFormat::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(buffered)),
        ArchiveFormat::Xz => Box::new(XzReader::xz(buffered)?),
        ArchiveFormat::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(buffered)?),
    })
}

/// The first 512 bytes (less at an early end), and a reader that gives them again.
pub(crate) fn peek(mut reader: Box<dyn Read + Send>) -> io::Result<(Vec<u8>, Box<dyn Read + Send>)> {
    let mut first = Vec::with_capacity(BLOCK);
    reader.by_ref().take(BLOCK as u64).read_to_end(&mut first)?;
    Ok((first.clone(), Box::new(Cursor::new(first).chain(reader))))
}
