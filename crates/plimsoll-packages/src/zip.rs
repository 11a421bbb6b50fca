//! Reading zip archives (APPNOTE.TXT): the list at the end, one entry at a time, and the entries that are asked for.
//!
//! Nothing is kept of an archive but the entries that the caller keeps, so that a million of them cost no memory.

use std::io::{self, Read};

use flate2::read::DeflateDecoder;

use crate::analyzer::AnalyzerError;
use crate::bytes::Endian;
use crate::read_at::{ReadAt, Window, read_part};

const LITTLE: Endian = Endian::Little;
const FORMAT: &str = "a zip archive";
const END: &[u8] = b"PK\x05\x06";
const END_64: &[u8] = b"PK\x06\x06";
const LOCATOR_64: &[u8] = b"PK\x06\x07";
const LISTED: &[u8] = b"PK\x01\x02";
const LOCAL: &[u8] = b"PK\x03\x04";
const END_BYTES: u64 = 22;
const END_64_BYTES: u64 = 56;
const LOCATOR_BYTES: u64 = 20;
const LISTED_BYTES: usize = 46;
const LOCAL_BYTES: u64 = 30;
const LONGEST_COMMENT: u64 = 0xffff;
const ABSENT: u32 = u32::MAX;
const ENCRYPTED: u16 = 1;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;
/// Large enough that an archive's list is read in few pieces.
const PIECE: usize = 64 << 10;

/// An archive of which the place of the list is known.
pub(crate) struct Archive<'a> {
    content: Window<'a>,
    /// Where its first byte is: programs may stand before it.
    start: u64,
    list: Window<'a>,
}

/// An entry as the list describes it.
pub(crate) struct Entry {
    /// Its path.
    pub(crate) name: Vec<u8>,
    /// How many bytes it says that it has, unpacked.
    pub(crate) size: u64,
    packed: u64,
    method: u16,
    flags: u16,
    offset: u64,
}

impl Entry {
    /// Whether its bytes lie in the archive as they are.
    pub(crate) fn is_stored(&self) -> bool {
        self.method == STORED && self.flags & ENCRYPTED == 0
    }
}

impl<'a> Archive<'a> {
    /// Looks for the list.
    pub(crate) fn open(content: Window<'a>) -> Result<Self, AnalyzerError> {
        let tail_bytes = content.size().min(END_BYTES + LONGEST_COMMENT);
        let tail_start = content.size() - tail_bytes;
        let tail = read_part(&content, tail_start, tail_bytes)?;
        // Only a comment follows the end: an archive that was cut off may have another's end in its middle.
        let is_last = |at: usize| {
            let comment = LITTLE.u16(&tail, at + 20).map(usize::from);
            comment.is_some_and(|comment| at + 22 + comment == tail.len())
        };
        let at = memchr::memmem::rfind_iter(&tail, END).find(|at| is_last(*at));
        let at = at.ok_or_else(|| broken("it has no list of entries at its end"))?;
        let end = &tail[at..];
        let mut end_at = tail_start + at as u64;
        let mut size = LITTLE.u32(end, 12).map(u64::from).unwrap_or_default();
        let mut offset = LITTLE.u32(end, 16).map(u64::from).unwrap_or_default();
        if let Some((place, record)) = end_64(&content, end_at)? {
            end_at = place;
            size = LITTLE.u64(&record, 40).unwrap_or_default();
            offset = LITTLE.u64(&record, 48).unwrap_or_default();
        }
        let place = end_at.checked_sub(size);
        let start = place.and_then(|place| place.checked_sub(offset));
        let (Some(place), Some(start)) = (place, start) else {
            return Err(broken("its list of entries is longer than itself"));
        };
        Ok(Self { content, start, list: content.part(place, size) })
    }

    /// Gives each entry of the list to the function.
    pub(crate) fn entries(
        &self,
        each: &mut dyn FnMut(Entry) -> Result<(), AnalyzerError>,
    ) -> Result<(), AnalyzerError> {
        let mut reader = io::BufReader::with_capacity(PIECE, Reader { content: self.list, at: 0 });
        let mut left = self.list.size();
        let mut head = [0; LISTED_BYTES];
        while left >= LISTED_BYTES as u64 {
            reader.read_exact(&mut head)?;
            if !head.starts_with(LISTED) {
                break;
            }
            let length = |at: usize| usize::from(LITTLE.u16(&head, at).unwrap_or_default());
            let (name_bytes, extra_bytes, comment_bytes) = (length(28), length(30), length(32));
            let mut rest = vec![0; name_bytes + extra_bytes + comment_bytes];
            reader.read_exact(&mut rest).map_err(|_| broken("its list of entries is cut off"))?;
            left = left.saturating_sub((LISTED_BYTES + rest.len()) as u64);
            let entry = entry(&head, &rest[..name_bytes], &rest[name_bytes..name_bytes + extra_bytes]);
            each(entry.ok_or_else(|| broken("an entry of its list has no length or place"))?)?;
        }
        Ok(())
    }

    /// The bytes of an entry as they lie in the archive.
    pub(crate) fn packed(&self, entry: &Entry) -> Result<Window<'a>, AnalyzerError> {
        let missing = || broken("an entry is not where its list says");
        let at = self.start.checked_add(entry.offset).ok_or_else(missing)?;
        let head = read_part(&self.content, at, LOCAL_BYTES).map_err(|_| missing())?;
        if !head.starts_with(LOCAL) {
            return Err(missing());
        }
        let length = |at: usize| u64::from(LITTLE.u16(&head, at).unwrap_or_default());
        let window = self.content.part(at + LOCAL_BYTES + length(26) + length(28), entry.packed);
        if window.size() == entry.packed { Ok(window) } else { Err(missing()) }
    }

    /// The first bytes of an entry, unpacked; at most `most`.
    pub(crate) fn read_start(&self, entry: &Entry, most: u64) -> Result<Vec<u8>, AnalyzerError> {
        let packed = Reader { content: self.packed(entry)?, at: 0 };
        let mut bytes = Vec::new();
        if entry.flags & ENCRYPTED != 0 {
            return Err(broken("an entry is encrypted"));
        }
        match entry.method {
            STORED => packed.take(most).read_to_end(&mut bytes),
            DEFLATED => {
                let buffered = io::BufReader::new(packed);
                DeflateDecoder::new(buffered).take(most).read_to_end(&mut bytes)
            }
            other => return Err(broken(format!("an entry is packed by method {other}, which is not read"))),
        }
        .map_err(|error| broken(format!("an entry cannot be unpacked: {error}")))?;
        Ok(bytes)
    }
}

/// The end of an archive with long numbers, and its place, if there is one before the plain end.
fn end_64(content: &Window<'_>, end_at: u64) -> Result<Option<(u64, Vec<u8>)>, AnalyzerError> {
    let Some(at) = end_at.checked_sub(LOCATOR_BYTES) else { return Ok(None) };
    let locator = read_part(content, at, LOCATOR_BYTES)?;
    if !locator.starts_with(LOCATOR_64) {
        return Ok(None);
    }
    // The place that the locator names is wrong where something stands before the archive; mostly the end is right before it.
    let said = LITTLE.u64(&locator, 8).unwrap_or_default();
    for place in [at.checked_sub(END_64_BYTES), Some(said)].into_iter().flatten() {
        match read_part(content, place, END_64_BYTES) {
            Ok(record) if record.starts_with(END_64) => return Ok(Some((place, record))),
            _ => {}
        }
    }
    Err(broken("the end with long numbers is not where it should be"))
}

fn entry(head: &[u8], name: &[u8], extra: &[u8]) -> Option<Entry> {
    // What does not fit in the list's numbers is in an extra field, in this order, and only that.
    let mut long = extra_field(extra, 1);
    let mut number = |at: usize| match LITTLE.u32(head, at)? {
        ABSENT => {
            let number = LITTLE.u64(long, 0)?;
            long = &long[8..];
            Some(number)
        }
        short => Some(u64::from(short)),
    };
    let (size, packed) = (number(24)?, number(20)?);
    let offset = number(42)?;
    let (flags, method) = (LITTLE.u16(head, 8)?, LITTLE.u16(head, 10)?);
    Some(Entry { name: name.to_vec(), size, packed, method, flags, offset })
}

fn extra_field(mut extra: &[u8], wanted: u16) -> &[u8] {
    while let (Some(kind), Some(length)) = (LITTLE.u16(extra, 0), LITTLE.u16(extra, 2)) {
        let Some((value, rest)) = extra[4..].split_at_checked(usize::from(length)) else { break };
        if kind == wanted {
            return value;
        }
        extra = rest;
    }
    &[]
}

fn broken(reason: impl Into<String>) -> AnalyzerError {
    AnalyzerError::format(FORMAT, reason)
}

/// Reads bytes one after the other.
struct Reader<'a> {
    content: Window<'a>,
    at: u64,
}

impl Read for Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.content.read_at(self.at, buffer)?;
        self.at += count as u64;
        Ok(count)
    }
}
