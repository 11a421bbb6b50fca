//! UTF-16 as UTF-8.

use std::io::{self, Read};

/// A reader of a file that may be UTF-16, which a mark at its beginning tells.
pub(crate) struct Transcoded<R> {
    reader: R,
    form: Form,
    /// Read and not yet given out: before the form is known, the first bytes; then UTF-8.
    ready: Vec<u8>,
    given: usize,
    /// A high surrogate that waits for its other half.
    high: Option<u16>,
    /// The first byte of a unit.
    half: Option<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Unknown,
    Bytes,
    Little,
    Big,
}

impl<R: Read> Transcoded<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self { reader, form: Form::Unknown, ready: Vec::new(), given: 0, high: None, half: None }
    }

    fn find_form(&mut self) -> io::Result<()> {
        (&mut self.reader).take(2).read_to_end(&mut self.ready)?;
        self.form = match self.ready[..] {
            [0xff, 0xfe] => Form::Little,
            [0xfe, 0xff] => Form::Big,
            _ => Form::Bytes,
        };
        if self.form != Form::Bytes {
            self.ready.clear();
        }
        Ok(())
    }

    fn unit(&mut self, pair: [u8; 2]) {
        let unit =
            if self.form == Form::Little { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) };
        let units = self.high.take().into_iter().chain([unit]);
        let mut buffer = [0; 4];
        for decoded in char::decode_utf16(units) {
            match decoded {
                Ok(character) => self.ready.extend(character.encode_utf8(&mut buffer).bytes()),
                Err(lone)
                    if (0xd800..0xdc00).contains(&lone.unpaired_surrogate())
                        && lone.unpaired_surrogate() == unit =>
                {
                    self.high = Some(unit);
                }
                Err(_) => self.ready.extend("\u{fffd}".bytes()),
            }
        }
    }

    fn refill(&mut self) -> io::Result<()> {
        self.ready.clear();
        self.given = 0;
        let mut raw = [0; 4096];
        while self.ready.is_empty() {
            let count = match self.reader.read(&mut raw) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if count == 0 {
                if self.high.take().is_some() || self.half.take().is_some() {
                    self.ready.extend("\u{fffd}".bytes());
                }
                return Ok(());
            }
            for byte in &raw[..count] {
                match self.half.take() {
                    None => self.half = Some(*byte),
                    Some(first) => self.unit([first, *byte]),
                }
            }
        }
        Ok(())
    }
}

impl<R: Read> Read for Transcoded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.form == Form::Unknown {
            self.find_form()?;
        }
        if self.given == self.ready.len() {
            if self.form == Form::Bytes {
                return self.reader.read(into);
            }
            self.refill()?;
        }
        let count = into.len().min(self.ready.len() - self.given);
        into[..count].copy_from_slice(&self.ready[self.given..self.given + count]);
        self.given += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> String {
        let mut text = Vec::new();
        Transcoded::new(bytes).read_to_end(&mut text).unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn both_orders_and_pairs() {
        let text = "a\u{e9}\u{1f511}\n".repeat(3000);
        let little: Vec<u8> =
            [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        let big: Vec<u8> =
            [0xfe, 0xff].into_iter().chain(text.encode_utf16().flat_map(u16::to_be_bytes)).collect();
        assert_eq!(read(&little), text);
        assert_eq!(read(&big), text);
    }

    #[test]
    fn bytes_and_broken_units() {
        assert_eq!(read(b"plain"), "plain");
        assert_eq!(read(b"p"), "p");
        assert_eq!(read(b""), "");
        assert_eq!(read(&[0xff, 0xfe, b'a', 0, 0x00, 0xd8, b'b', 0, b'c']), "a\u{fffd}b\u{fffd}");
        assert_eq!(read(&[0xff, 0xfe, 0x00, 0xd8]), "\u{fffd}");
    }
}
