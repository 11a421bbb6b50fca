//! The file format.
//!
//! ```text
//! header      magic, format, time of the build, identity, table of sections
//! ecosystems  names, sorted; others refer to them by place
//! sources     totals, then kind, name and counts of each source
//! blocks      for each block of keys: its first key, offset and length
//! keys        blocks of (ecosystem, name, offset and length of its postings), sorted
//! postings    for each package its entries
//! strings     texts with their length in front; others refer to them by offset + 1, and 0 is none
//! texts index for each block of details: its first identifier, offset, length packed and unpacked
//! texts       blocks of details, 64 vulnerabilities each, zstd
//! ```
//!
//! A file with details alone has the last two, and the identity of the database that it was built with. Integers of the header are
//! little-endian, all others LEB128. A reader holds the first three in memory and reads the others where it needs them.

use crate::codec::{Cursor, Malformed, put_number, put_text};

/// The version of the format; another one is refused.
pub const FORMAT: u32 = 1;

pub(crate) const MAGIC: [u8; 8] = *b"plimadv\n";

/// How many bytes of keys a block has at least.
pub(crate) const KEY_BLOCK: usize = 4096;
/// How many vulnerabilities a block of details has.
pub(crate) const DETAILS_BLOCK: usize = 64;

/// The most bytes of each part that a reader holds in memory at once.
pub(crate) const MOST_HELD: u64 = 64 << 20;
/// The longest text in the strings.
pub(crate) const LONGEST_STRING: u64 = 64 << 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Section {
    Ecosystems = 1,
    Sources = 2,
    Blocks = 3,
    Keys = 4,
    Postings = 5,
    Strings = 6,
    TextsIndex = 7,
    Texts = 8,
}

impl Section {
    pub(crate) const ALL: [Self; 8] = [
        Self::Ecosystems,
        Self::Sources,
        Self::Blocks,
        Self::Keys,
        Self::Postings,
        Self::Strings,
        Self::TextsIndex,
        Self::Texts,
    ];
}

/// Where a section lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) offset: u64,
    pub(crate) length: u64,
}

pub(crate) const HEADER_SIZE: usize = 8 + 4 + 4 + 8 + 8 + Section::ALL.len() * 16;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) format: u32,
    pub(crate) has_texts: bool,
    pub(crate) has_entries: bool,
    pub(crate) built: u64,
    /// What a file with details must have in common with its database.
    pub(crate) identity: u64,
    /// In the order of [`Section::ALL`].
    pub(crate) spans: [Span; Section::ALL.len()],
}

impl Header {
    pub(crate) fn span(&self, section: Section) -> Span {
        self.spans[section as usize - 1]
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER_SIZE);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&self.format.to_le_bytes());
        out.extend_from_slice(&(u32::from(self.has_entries) | u32::from(self.has_texts) << 1).to_le_bytes());
        out.extend_from_slice(&self.built.to_le_bytes());
        out.extend_from_slice(&self.identity.to_le_bytes());
        for span in &self.spans {
            out.extend_from_slice(&span.offset.to_le_bytes());
            out.extend_from_slice(&span.length.to_le_bytes());
        }
        out
    }

    /// Reads a header behind its magic.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut cursor = Cursor::new(bytes);
        let short = |cursor: &mut Cursor<'_>| {
            let bytes = cursor.bytes(4)?;
            Ok(u32::from_le_bytes(bytes.try_into().map_err(|_| Malformed)?))
        };
        let long = |cursor: &mut Cursor<'_>| {
            let bytes = cursor.bytes(8)?;
            Ok(u64::from_le_bytes(bytes.try_into().map_err(|_| Malformed)?))
        };
        let format = short(&mut cursor)?;
        let flags = short(&mut cursor)?;
        let (built, identity) = (long(&mut cursor)?, long(&mut cursor)?);
        let mut spans = [Span::default(); Section::ALL.len()];
        for span in &mut spans {
            *span = Span { offset: long(&mut cursor)?, length: long(&mut cursor)? };
        }
        Ok(Self { format, has_entries: flags & 1 != 0, has_texts: flags & 2 != 0, built, identity, spans })
    }
}

/// A source as the database remembers it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct SourceEntry {
    /// Its kind, as [`crate::SourceKind`] spells it.
    pub kind: String,
    /// What it is called.
    pub name: String,
    /// Records that were read.
    pub records: u64,
    /// What they say of packages.
    pub rows: u64,
    /// Records that were withdrawn.
    pub withdrawn: u64,
    /// What could not be converted.
    pub skipped: u64,
}

impl SourceEntry {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        put_text(out, &self.kind);
        put_text(out, &self.name);
        for number in [self.records, self.rows, self.withdrawn, self.skipped] {
            put_number(out, number);
        }
    }

    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            kind: cursor.owned()?,
            name: cursor.owned()?,
            records: cursor.number()?,
            rows: cursor.number()?,
            withdrawn: cursor.number()?,
            skipped: cursor.number()?,
        })
    }
}

/// A reference to a text in the strings: its offset + 1, or 0 for none.
pub(crate) type Reference = u64;

/// What one entry is known to have besides its texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Posting {
    pub(crate) id: Reference,
    pub(crate) aliases: Vec<Reference>,
    pub(crate) severity: u8,
    pub(crate) severity_source: Reference,
    pub(crate) vector: Reference,
    pub(crate) vector_source: Reference,
    /// In tenths; 255 for none.
    pub(crate) score: u8,
    pub(crate) unfixed: u8,
    pub(crate) is_exploited: bool,
    /// Score and percentile in hundred-thousandths.
    pub(crate) epss: Option<(u64, u64)>,
    pub(crate) sources: Vec<u64>,
    pub(crate) intervals: Vec<StoredInterval>,
    pub(crate) versions: Vec<Reference>,
}

/// An interval whose versions are references.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct StoredInterval {
    pub(crate) introduced: Reference,
    /// As in [`crate::interval::End`]: open, fixed, last affected, limit.
    pub(crate) end_kind: u8,
    pub(crate) end: Reference,
}

const EXPLOITED: u8 = 1;
const HAS_EPSS: u8 = 2;
const HAS_SEVERITY_SOURCE: u8 = 4;
const HAS_VECTOR: u8 = 8;

impl Posting {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        put_number(out, self.id);
        put_list(out, &self.aliases);
        let flag = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
        out.extend_from_slice(&[
            flag(self.is_exploited, EXPLOITED)
                | flag(self.epss.is_some(), HAS_EPSS)
                | flag(self.severity_source != 0, HAS_SEVERITY_SOURCE)
                | flag(self.vector != 0, HAS_VECTOR),
            self.severity | self.unfixed << 4,
        ]);
        if self.severity_source != 0 {
            put_number(out, self.severity_source);
        }
        if self.vector != 0 {
            put_number(out, self.vector);
            put_number(out, self.vector_source);
            out.push(self.score);
        }
        if let Some((score, percentile)) = self.epss {
            put_number(out, score);
            put_number(out, percentile);
        }
        put_list(out, &self.sources);
        put_number(out, self.intervals.len() as u64);
        for interval in &self.intervals {
            out.push(interval.end_kind | u8::from(interval.introduced != 0) << 2);
            if interval.introduced != 0 {
                put_number(out, interval.introduced);
            }
            if interval.end_kind != 0 {
                put_number(out, interval.end);
            }
        }
        put_list(out, &self.versions);
    }

    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, Malformed> {
        let (id, aliases) = (cursor.number()?, list(cursor)?);
        let (flags, levels) = (cursor.byte()?, cursor.byte()?);
        let has = |flag: u8| flags & flag != 0;
        let severity_source = if has(HAS_SEVERITY_SOURCE) { cursor.number()? } else { 0 };
        let (vector, vector_source, score) = if has(HAS_VECTOR) {
            (cursor.number()?, cursor.number()?, cursor.byte()?)
        } else {
            (0, 0, u8::MAX)
        };
        let epss = if has(HAS_EPSS) { Some((cursor.number()?, cursor.number()?)) } else { None };
        let sources = list(cursor)?;
        let count = cursor.count()?;
        let mut intervals = Vec::new();
        for _ in 0..count {
            let tag = cursor.byte()?;
            let end_kind = tag & 3;
            let introduced = if tag & 4 != 0 { cursor.number()? } else { 0 };
            let end = if end_kind != 0 { cursor.number()? } else { 0 };
            intervals.push(StoredInterval { introduced, end_kind, end });
        }
        Ok(Self {
            id,
            aliases,
            severity: levels & 0xf,
            severity_source,
            vector,
            vector_source,
            score,
            unfixed: levels >> 4,
            is_exploited: has(EXPLOITED),
            epss,
            sources,
            intervals,
            versions: list(cursor)?,
        })
    }
}

fn put_list(out: &mut Vec<u8>, numbers: &[u64]) {
    put_number(out, numbers.len() as u64);
    for number in numbers {
        put_number(out, *number);
    }
}

fn list(cursor: &mut Cursor<'_>) -> Result<Vec<u64>, Malformed> {
    let count = cursor.count()?;
    (0..count).map(|_| cursor.number()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_and_posting_are_read_as_written() {
        let mut spans = [Span::default(); Section::ALL.len()];
        spans[3] = Span { offset: 7, length: u64::MAX };
        let header =
            Header { format: FORMAT, has_texts: true, has_entries: false, built: 5, identity: 9, spans };
        let bytes = header.encode();
        assert_eq!(bytes.len(), HEADER_SIZE);
        assert_eq!(Header::decode(&bytes[MAGIC.len()..]), Ok(header));

        let posting = Posting {
            id: 1,
            aliases: vec![2, 300],
            severity: 5,
            severity_source: 8,
            vector: 70_000,
            vector_source: 4,
            score: 98,
            unfixed: 3,
            is_exploited: true,
            epss: Some((97_565, 99_999)),
            sources: vec![0, 3],
            intervals: vec![
                StoredInterval { introduced: 5, end_kind: 1, end: 6 },
                StoredInterval { introduced: 0, end_kind: 0, end: 0 },
            ],
            versions: vec![9],
        };
        let mut bytes = Vec::new();
        posting.write(&mut bytes);
        assert_eq!(Posting::read(&mut Cursor::new(&bytes)), Ok(posting));
        for length in 0..bytes.len() {
            assert_eq!(Posting::read(&mut Cursor::new(&bytes[..length])), Err(Malformed), "{length}");
        }
    }
}
