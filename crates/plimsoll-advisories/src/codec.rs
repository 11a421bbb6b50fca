//! Numbers and texts as bytes, in runs on disk and in the database.
//!
//! Numbers are LEB128: seven bits a byte, the lowest first. Texts have their length in front. What is read comes from strangers: every
//! length is checked against what is there before anything is reserved.

/// The bytes end before what they announce, or are no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

pub(crate) fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

pub(crate) fn put_length(out: &mut Vec<u8>, length: usize) {
    put_number(out, length as u64);
}

pub(crate) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_length(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

pub(crate) fn put_texts<'a>(out: &mut Vec<u8>, texts: impl ExactSizeIterator<Item = &'a str>) {
    put_length(out, texts.len());
    for text in texts {
        put_text(out, text);
    }
}

pub(crate) fn put_optional(out: &mut Vec<u8>, text: Option<&str>) {
    out.push(u8::from(text.is_some()));
    if let Some(text) = text {
        put_text(out, text);
    }
}

/// Reads from the front of a slice.
#[derive(Clone, Debug)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Malformed> {
        let (first, rest) = self.rest.split_first().ok_or(Malformed)?;
        self.rest = rest;
        Ok(*first)
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(Malformed)?;
        self.rest = rest;
        Ok(bytes)
    }

    pub(crate) fn number(&mut self) -> Result<u64, Malformed> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(Malformed);
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Malformed)
    }

    pub(crate) fn length(&mut self) -> Result<usize, Malformed> {
        usize::try_from(self.number()?).map_err(|_| Malformed)
    }

    /// How many items follow, each at least one byte: never more than there are bytes.
    pub(crate) fn count(&mut self) -> Result<usize, Malformed> {
        self.length().ok().filter(|count| *count <= self.rest.len()).ok_or(Malformed)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, Malformed> {
        let length = self.length()?;
        std::str::from_utf8(self.bytes(length)?).map_err(|_| Malformed)
    }

    pub(crate) fn owned(&mut self) -> Result<String, Malformed> {
        self.text().map(ToOwned::to_owned)
    }

    pub(crate) fn owned_list(&mut self) -> Result<Vec<String>, Malformed> {
        let count = self.count()?;
        (0..count).map(|_| self.owned()).collect()
    }

    pub(crate) fn optional(&mut self) -> Result<Option<String>, Malformed> {
        Ok(if self.byte()? == 0 { None } else { Some(self.owned()?) })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(number: u64, text: String, other: Option<String>) {
            let mut out = Vec::new();
            put_number(&mut out, number);
            put_text(&mut out, &text);
            put_optional(&mut out, other.as_deref());
            let mut cursor = Cursor::new(&out);
            prop_assert_eq!(cursor.number(), Ok(number));
            prop_assert_eq!(cursor.text(), Ok(text.as_str()));
            prop_assert_eq!(cursor.optional(), Ok(other));
            prop_assert!(cursor.is_empty());
        }
    }

    #[test]
    fn lengths_beyond_the_end_are_refused() {
        let mut out = Vec::new();
        put_number(&mut out, u64::MAX);
        assert_eq!(Cursor::new(&out).number(), Ok(u64::MAX));
        assert_eq!(Cursor::new(&out).text(), Err(Malformed));
        assert_eq!(Cursor::new(&out).count(), Err(Malformed));
        assert_eq!(Cursor::new(&[0xff; 12]).number(), Err(Malformed));
        assert_eq!(Cursor::new(&[1, 0xff]).text(), Err(Malformed));
    }
}
