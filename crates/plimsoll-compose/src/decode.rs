//! Decompression by the ending of a file's name.

use std::io::{self, BufRead, BufReader, Read};

use plimsoll_layer::XzReader;

/// A reader of the decompressed bytes; `name` decides by its ending.
pub(crate) fn decoder<'a>(name: &str, input: impl BufRead + 'a) -> io::Result<Box<dyn Read + 'a>> {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    Ok(match ending {
        "xz" => Box::new(XzReader::xz(input)?),
        "lzma" => Box::new(XzReader::lzma(input)?),
        "gz" => Box::new(flate2::bufread::MultiGzDecoder::new(input)),
        "zst" => Box::new(zstd::Decoder::with_buffer(input)?),
        "bz2" => Box::new(bzip2::bufread::MultiBzDecoder::new(input)),
        _ => Box::new(input),
    })
}

/// The same with a large buffer on both sides, for reading by line.
pub(crate) fn buffered_decoder<'a>(name: &str, input: impl Read + 'a) -> io::Result<impl BufRead + 'a> {
    let inner = decoder(name, BufReader::with_capacity(128 << 10, input))?;
    Ok(BufReader::with_capacity(128 << 10, inner))
}
