//! Bytes to text, and places in it to lines.

use std::io;

use crate::read_at::{ReadAt, read_whole};

/// Lock files of the largest projects have some ten megabytes.
const MOST_BYTES: u64 = 64 << 20;

/// The text of a lock file or manifest. Windows tools write byte order marks and UTF-16; a byte that is not in the encoding
/// becomes U+FFFD, so that one bad comment does not hide the rest.
pub(crate) fn read_text(content: &dyn ReadAt) -> io::Result<String> {
    let bytes = read_whole(content, MOST_BYTES)?;
    Ok(match bytes.as_slice() {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
    })
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    char::decode_utf16(units).map(|decoded| decoded.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// Where the lines of a text begin.
pub(crate) struct LineStarts(Vec<usize>);

impl LineStarts {
    /// Finds them.
    pub(crate) fn new(text: &str) -> Self {
        Self(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1).collect())
    }

    /// The line, from 1, of a byte.
    pub(crate) fn line(&self, offset: usize) -> u32 {
        let before = self.0.partition_point(|start| *start <= offset);
        u32::try_from(before + 1).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_of_windows_are_read() {
        let read = |bytes: &[u8]| read_text(&bytes.to_vec()).expect("it is small");
        assert_eq!(read(b"\xef\xbb\xbfa"), "a");
        assert_eq!(read(b"\xff\xfea\0=\0"), "a=");
        assert_eq!(read(b"\xfe\xff\0a\0="), "a=");
        assert_eq!(read(b"a\xffb"), "a\u{fffd}b");
    }

    #[test]
    fn a_line_begins_after_its_newline() {
        let starts = LineStarts::new("a\nb\n");
        assert_eq!([0, 1, 2, 3, 4].map(|offset| starts.line(offset)), [1, 1, 2, 2, 3]);
    }
}
