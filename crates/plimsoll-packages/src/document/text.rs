//! Bytes to text, and places in it to lines.

use std::io;

use crate::read_at::{ReadAt, read_whole};

/// Lock files of the largest projects have some ten megabytes.
const MOST_BYTES: u64 = 64 << 20;

/// A lock file of ten megabytes has half a million. A value takes a hundred times the memory of the two bytes that it may be.
pub(super) const MOST_VALUES: usize = 2_000_000;

/// The text of a lock file or manifest. Windows tools write byte order marks and UTF-16; a byte that is not in the encoding
/// becomes U+FFFD, so that one bad comment does not hide the rest.
pub(crate) fn read_text(content: &dyn ReadAt) -> io::Result<String> {
    read_text_within(content, MOST_BYTES)
}

/// The same of a file that is smaller.
pub(crate) fn read_text_within(content: &dyn ReadAt, most: u64) -> io::Result<String> {
    let bytes = read_whole(content, most)?;
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

/// Tells the line of a place in a text. A file may be nothing but newlines, so that not each of them is noted.
pub(crate) struct Lines<'a> {
    text: &'a [u8],
    /// How many lines end before each block.
    before: Vec<u32>,
}

impl<'a> Lines<'a> {
    const BLOCK: usize = 256;

    /// Counts them.
    pub(crate) fn new(text: &'a str) -> Self {
        let text = text.as_bytes();
        let mut before = Vec::with_capacity(text.len() / Self::BLOCK + 1);
        let mut count = 0;
        for block in text.chunks(Self::BLOCK) {
            before.push(count);
            count += newlines(block);
        }
        before.push(count);
        Self { text, before }
    }

    /// The line, from 1, of a byte.
    pub(crate) fn line(&self, offset: usize) -> u32 {
        let offset = offset.min(self.text.len());
        let block = offset / Self::BLOCK;
        self.before[block] + newlines(&self.text[block * Self::BLOCK..offset]) + 1
    }
}

/// A text is smaller than 4 GiB.
fn newlines(bytes: &[u8]) -> u32 {
    bytes.iter().map(|byte| u32::from(*byte == b'\n')).sum()
}

/// Whether a text holds more values than a reader should make a tree of: each value but the first follows one of these bytes.
pub(crate) fn has_too_many_values(text: &str, before_values: &[u8]) -> bool {
    text.bytes().filter(|byte| before_values.contains(byte)).count() > MOST_VALUES
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
        let lines = Lines::new("a\nb\n");
        assert_eq!([0, 1, 2, 3, 4, 9].map(|offset| lines.line(offset)), [1, 1, 2, 2, 3, 3]);
        let text = "x\n".repeat(1000);
        let lines = Lines::new(&text);
        assert_eq!([255, 256, 257, 1999, 2000].map(|offset| lines.line(offset)), [128, 129, 129, 1000, 1001]);
    }
}
