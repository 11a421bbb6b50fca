//! Blob to tar: decompression by content, whatever the media type says.

use std::io::{self, Read};

use crate::archive::{ArchiveFormat, decoder, detect, peek};

/// A reader of the uncompressed bytes, chosen by the first bytes: gzip (any number of members), zstd (any number
/// of frames), else the bytes as they are.
pub fn decompress(reader: Box<dyn Read + Send>) -> io::Result<Box<dyn Read + Send>> {
    let (first, reader) = peek(reader)?;
    match detect(&first) {
        Some(kind @ (ArchiveFormat::Gzip | ArchiveFormat::Zstd)) => decoder(kind, reader),
        _ => Ok(reader),
    }
}
