//! xz and lzma with a bound on memory: a file says how large the dictionary is that its reader has to keep, up to 4 GiB.

use std::io::{self, BufRead, Read};

use liblzma::bufread::XzDecoder;
use liblzma::stream::{CONCATENATED, Error, Stream};

/// Four times what the highest preset of `xz` needs.
const MOST_MEMORY: u64 = 256 << 20;

/// Reads what was compressed.
pub struct XzReader<R>(XzDecoder<R>);

impl<R: BufRead> XzReader<R> {
    /// Reads the xz format, any number of streams.
    pub fn xz(input: R) -> io::Result<Self> {
        let stream = Stream::new_stream_decoder(MOST_MEMORY, CONCATENATED).map_err(io::Error::from)?;
        Ok(Self(XzDecoder::new_stream(input, stream)))
    }

    /// Reads the older lzma format.
    pub fn lzma(input: R) -> io::Result<Self> {
        let stream = Stream::new_lzma_decoder(MOST_MEMORY).map_err(io::Error::from)?;
        Ok(Self(XzDecoder::new_stream(input, stream)))
    }
}

impl<R: BufRead> Read for XzReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| if needs_too_much(&error) { too_much() } else { error })
    }
}

fn needs_too_much(error: &io::Error) -> bool {
    let own = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    own.is_some_and(|error| *error == Error::MemLimit)
}

fn too_much() -> io::Error {
    io::Error::new(
        io::ErrorKind::OutOfMemory,
        format!(
            "decompressing it takes more than {} MiB of memory; compress it with a smaller dictionary, such as that of `xz -9`",
            MOST_MEMORY >> 20
        ),
    )
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use liblzma::stream::{Check, Filters, LzmaOptions};
    use liblzma::write::XzEncoder;

    use super::*;

    fn with_dictionary(megabytes: u32) -> Vec<u8> {
        let mut options = LzmaOptions::new_preset(0).unwrap();
        options.dict_size(megabytes << 20);
        let mut filters = Filters::new();
        filters.lzma2(&options);
        let stream = Stream::new_stream_encoder(&filters, Check::Crc32).unwrap();
        let mut encoder = XzEncoder::new_stream(Vec::new(), stream);
        encoder.write_all(b"content").unwrap();
        encoder.finish().unwrap()
    }

    fn read(bytes: &[u8]) -> io::Result<String> {
        let mut text = String::new();
        XzReader::xz(bytes)?.read_to_string(&mut text)?;
        Ok(text)
    }

    #[test]
    fn several_streams_are_one_file() {
        let mut bytes = with_dictionary(64);
        bytes.extend(with_dictionary(1));
        assert_eq!(read(&bytes).unwrap(), "contentcontent");
    }

    #[test]
    fn a_dictionary_that_is_too_large_is_refused_with_the_way_out() {
        let error = read(&with_dictionary(512)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::OutOfMemory);
        assert!(error.to_string().contains("256 MiB") && error.to_string().contains("xz -9"), "{error}");
    }
}
