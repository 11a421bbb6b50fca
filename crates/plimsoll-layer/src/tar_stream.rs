//! The blocks of a tar stream to raw entries: ustar, PAX, GNU long names, base-256 numbers, sparse files.
//!
//! Everything in the stream is hostile: sizes are never reserved before the bytes are there, and extended
//! headers have a limit. Names are passed on as they are; `tar_read` decides which are allowed.

use std::collections::BTreeMap;
use std::io::{self, Read};

use crate::entry::{Timestamp, shown};
use crate::error::LayerError;
use crate::sparse::{self, Segment};
use crate::tar_format::{self as format, BLOCK};

/// Largest extended header or long name in bytes.
const MAXIMUM_EXTENDED: u64 = 4 << 20;

/// Largest content in bytes that a kernel could store.
const MAXIMUM_SIZE: u64 = i64::MAX as u64;

/// One entry as the stream has it, extended headers applied.
#[derive(Debug, Default)]
pub(crate) struct RawEntry {
    pub(crate) name: Vec<u8>,
    pub(crate) link: Vec<u8>,
    pub(crate) type_flag: u8,
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) mtime: Timestamp,
    pub(crate) device: (u32, u32),
    /// Size of the content in bytes, holes included.
    pub(crate) size: u64,
    pub(crate) xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}

/// Records of a PAX header, by key.
type Records = BTreeMap<Vec<u8>, Vec<u8>>;

/// Extended headers that concern the next entry.
#[derive(Default)]
struct Extended {
    records: Records,
    /// `GNU.sparse.offset` and `GNU.sparse.numbytes`, which repeat (format 0.0).
    sparse_pairs: Vec<u64>,
    long_name: Option<Vec<u8>>,
    long_link: Option<Vec<u8>>,
}

pub(crate) struct TarStream<'r> {
    reader: &'r mut dyn Read,
    /// Bytes read so far.
    offset: u64,
    /// Bytes of the current content and its padding not yet read.
    stored: u64,
    padding: u64,
    segments: Vec<Segment>,
    segment: usize,
    position: u64,
    size: u64,
    failure: Option<LayerError>,
    may_end_early: bool,
}

impl<'r> TarStream<'r> {
    pub(crate) fn new(reader: &'r mut dyn Read) -> Self {
        Self {
            reader,
            offset: 0,
            stored: 0,
            padding: 0,
            segments: Vec::new(),
            segment: 0,
            position: 0,
            size: 0,
            failure: None,
            may_end_early: false,
        }
    }

    /// The same for an archive that may end right behind its last content.
    pub(crate) fn may_end_early(self) -> Self {
        Self { may_end_early: true, ..self }
    }

    /// The next entry, or `None` at the end mark or the end of the stream.
    pub(crate) fn next(&mut self) -> Result<Option<RawEntry>, LayerError> {
        self.skip(self.stored)?;
        let padding = std::mem::take(&mut self.padding);
        self.stored = 0;
        match self.skip(padding) {
            // Nothing is lost when the last content is there and only its padding is not.
            Err(LayerError::Truncated { .. }) if self.may_end_early => return Ok(None),
            skipped => skipped?,
        }
        let mut extended = Extended::default();
        loop {
            let Some((block, at)) = self.block()? else { return Ok(None) };
            let type_flag = block[format::TYPE_FLAG];
            let size = unsigned(&block[format::SIZE], at, "size")?;
            match type_flag {
                b'x' | b'X' => {
                    let bytes = self.extended(size)?;
                    parse_records(&bytes, at, &mut extended)?;
                }
                // Global headers carry comments such as a commit; no other tool applies them to layers.
                b'g' => drop(self.extended(size)?),
                b'L' => extended.long_name = Some(format::text(&self.extended(size)?).to_vec()),
                b'K' => extended.long_link = Some(format::text(&self.extended(size)?).to_vec()),
                _ => return self.entry(&block, at, extended).map(Some),
            }
        }
    }

    /// Reads what follows the end mark, so that a digest taken underneath covers the whole stream.
    pub(crate) fn drain(&mut self, limit: u64) -> Result<(), LayerError> {
        let start = self.offset;
        let mut buffer = [0; 8192];
        while self.read_some(&mut buffer)? > 0 {
            if self.offset - start > limit {
                return Err(LayerError::Limit { what: "bytes after its end mark", limit });
            }
        }
        Ok(())
    }

    /// Reads from the content of the current entry.
    pub(crate) fn content(&mut self) -> Content<'_, 'r> {
        Content(self)
    }

    /// The error behind an `io::Error` that `content` gave, if it was the stream's.
    pub(crate) fn take_failure(&mut self) -> Option<LayerError> {
        self.failure.take()
    }

    fn entry(&mut self, block: &[u8; BLOCK], at: u64, extended: Extended) -> Result<RawEntry, LayerError> {
        let mut entry = from_header(block, at)?;
        let mut stored = entry.size;
        if let Some(name) = extended.long_name {
            entry.name = name;
        }
        if let Some(link) = extended.long_link {
            entry.link = link;
        }
        apply_records(&mut entry, &extended.records, at)?;
        if let Some(size) = extended.records.get(&b"size"[..]) {
            stored = decimal(size)
                .filter(|size| *size <= MAXIMUM_SIZE)
                .ok_or_else(|| bad_record(at, b"size", size))?;
        }
        // These types have no content, whatever the size field says (POSIX; hard links may repeat the size).
        if matches!(entry.type_flag, b'1'..=b'6') {
            stored = 0;
        }
        self.stored = stored;
        self.padding = format::padding(stored);
        entry.size = stored;
        self.segments.clear();
        self.read_sparse_map(&mut entry, block, at, &extended.records, &extended.sparse_pairs)?;
        (self.segment, self.position, self.size) = (0, 0, entry.size);
        Ok(entry)
    }

    fn read_sparse_map(
        &mut self,
        entry: &mut RawEntry,
        block: &[u8; BLOCK],
        at: u64,
        records: &Records,
        pairs: &[u64],
    ) -> Result<(), LayerError> {
        let mut map = None;
        if entry.type_flag == b'S' {
            entry.type_flag = b'0';
            // Continuation blocks lie between header and content and are not counted in the size.
            let old = sparse::old_gnu(block, || self.raw_block())?;
            map = Some(old.ok_or(LayerError::Header { offset: at, field: "sparse map" })?);
        } else if let Some(name) = records.keys().find(|key| key.starts_with(b"GNU.sparse.")) {
            let wrong = || bad_record(at, name, b"");
            let value = |key: &str| records.get(key.as_bytes());
            let size =
                value("GNU.sparse.realsize").or(value("GNU.sparse.size")).and_then(|size| decimal(size));
            let size = size.filter(|size| *size <= MAXIMUM_SIZE).ok_or_else(wrong)?;
            if let Some(name) = value("GNU.sparse.name") {
                entry.name.clone_from(name);
            }
            let numbers = if value("GNU.sparse.major").is_some_and(|major| major == b"1") {
                sparse::map_in_content(|| self.content_block())?.ok_or_else(wrong)?
            } else if let Some(text) = value("GNU.sparse.map") {
                text.split(|&byte| byte == b',').map(decimal).collect::<Option<_>>().ok_or_else(wrong)?
            } else {
                pairs.to_vec()
            };
            map = Some((sparse::segments(&numbers).ok_or_else(wrong)?, size));
        }
        if let Some((segments, size)) = map {
            if !sparse::is_consistent(&segments, size, self.stored) {
                return Err(LayerError::Header { offset: at, field: "sparse map" });
            }
            (self.segments, entry.size) = (segments, size);
        } else if self.stored > 0 {
            self.segments = vec![Segment { offset: 0, length: self.stored }];
        }
        Ok(())
    }

    /// A checked header and its position; `None` at the end.
    fn block(&mut self) -> Result<Option<([u8; BLOCK], u64)>, LayerError> {
        let at = self.offset;
        let mut block = [0; BLOCK];
        let mut filled = 0;
        while filled < BLOCK {
            match self.read_some(&mut block[filled..])? {
                0 if filled == 0 => return Ok(None),
                0 => return Err(LayerError::Truncated { offset: self.offset }),
                count => filled += count,
            }
        }
        if block.iter().all(|&byte| byte == 0) {
            return Ok(None);
        }
        if !format::checksum_is_valid(&block) {
            return Err(LayerError::Header { offset: at, field: "checksum" });
        }
        Ok(Some((block, at)))
    }

    fn raw_block(&mut self) -> Result<[u8; BLOCK], LayerError> {
        let mut block = [0; BLOCK];
        self.read_exact(&mut block)?;
        Ok(block)
    }

    /// One block of the current content, for a sparse map at its beginning.
    fn content_block(&mut self) -> Result<[u8; BLOCK], LayerError> {
        if self.stored < BLOCK as u64 {
            return Err(LayerError::Header { offset: self.offset, field: "sparse map" });
        }
        self.stored -= BLOCK as u64;
        self.raw_block()
    }

    fn extended(&mut self, size: u64) -> Result<Vec<u8>, LayerError> {
        if size > MAXIMUM_EXTENDED {
            return Err(LayerError::Limit { what: "bytes in one extended header", limit: MAXIMUM_EXTENDED });
        }
        let mut bytes = vec![0; usize::try_from(size).expect("limited above")];
        self.read_exact(&mut bytes)?;
        self.skip(format::padding(size))?;
        Ok(bytes)
    }

    fn read_some(&mut self, buffer: &mut [u8]) -> Result<usize, LayerError> {
        loop {
            match self.reader.read(buffer) {
                Ok(count) => {
                    self.offset += count as u64;
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(LayerError::Read { offset: self.offset, source }),
            }
        }
    }

    fn read_exact(&mut self, mut buffer: &mut [u8]) -> Result<(), LayerError> {
        while !buffer.is_empty() {
            match self.read_some(buffer)? {
                0 => return Err(LayerError::Truncated { offset: self.offset }),
                count => buffer = &mut buffer[count..],
            }
        }
        Ok(())
    }

    fn skip(&mut self, mut count: u64) -> Result<(), LayerError> {
        let mut buffer = [0; 16 << 10];
        while count > 0 {
            let wanted = usize::try_from(count).unwrap_or(usize::MAX).min(buffer.len());
            match self.read_some(&mut buffer[..wanted])? {
                0 => return Err(LayerError::Truncated { offset: self.offset }),
                read => count -= read as u64,
            }
        }
        Ok(())
    }

    fn read_content(&mut self, buffer: &mut [u8]) -> Result<usize, LayerError> {
        while let Some(segment) = self.segments.get(self.segment)
            && self.position >= segment.offset + segment.length
        {
            self.segment += 1;
        }
        let wanted = |until: u64, position: u64| {
            usize::try_from(until - position).unwrap_or(usize::MAX).min(buffer.len())
        };
        match self.segments.get(self.segment).copied() {
            Some(segment) if self.position >= segment.offset => {
                let wanted = wanted(segment.offset + segment.length, self.position);
                if wanted == 0 {
                    return Ok(0);
                }
                let count = self.read_some(&mut buffer[..wanted])?;
                if count == 0 {
                    return Err(LayerError::Truncated { offset: self.offset });
                }
                self.stored -= count as u64;
                self.position += count as u64;
                Ok(count)
            }
            next => {
                let until = next.map_or(self.size, |segment| segment.offset);
                let count = wanted(until, self.position);
                buffer[..count].fill(0);
                self.position += count as u64;
                Ok(count)
            }
        }
    }
}

/// Reader of the content of the current entry.
pub(crate) struct Content<'s, 'r>(&'s mut TarStream<'r>);

impl Read for Content<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read_content(buffer).map_err(|failure| {
            let error = io::Error::other(failure.to_string());
            self.0.failure = Some(failure);
            error
        })
    }
}

fn unsigned(field: &[u8], at: u64, name: &'static str) -> Result<u64, LayerError> {
    let number = format::number(field).and_then(|number| u64::try_from(number).ok());
    number.ok_or(LayerError::Header { offset: at, field: name })
}

fn small(field: &[u8], at: u64, name: &'static str) -> Result<u32, LayerError> {
    u32::try_from(unsigned(field, at, name)?).map_err(|_| LayerError::Header { offset: at, field: name })
}

fn from_header(block: &[u8; BLOCK], at: u64) -> Result<RawEntry, LayerError> {
    let mut name = format::text(&block[format::NAME]).to_vec();
    let prefix = format::text(&block[format::PREFIX]);
    if &block[format::MAGIC] == format::POSIX_MAGIC && !prefix.is_empty() {
        name = [prefix, &name].join(&b'/');
    }
    let type_flag = block[format::TYPE_FLAG];
    let device = if matches!(type_flag, b'3' | b'4') {
        (small(&block[format::MAJOR], at, "major number")?, small(&block[format::MINOR], at, "minor number")?)
    } else {
        (0, 0)
    };
    let seconds = format::number(&block[format::MTIME]);
    let seconds = seconds.ok_or(LayerError::Header { offset: at, field: "time" })?;
    // Some writers put the file type into the upper bits; only the low twelve mean something here.
    let mode =
        format::number(&block[format::MODE]).ok_or(LayerError::Header { offset: at, field: "mode" })?;
    Ok(RawEntry {
        name,
        link: format::text(&block[format::LINK_NAME]).to_vec(),
        type_flag,
        mode: u32::try_from(mode & 0o7777).expect("twelve bits"),
        uid: small(&block[format::UID], at, "owner")?,
        gid: small(&block[format::GID], at, "group")?,
        mtime: Timestamp::from_seconds(seconds),
        device,
        size: unsigned(&block[format::SIZE], at, "size")?,
        xattrs: Vec::new(),
    })
}

fn parse_records(mut bytes: &[u8], at: u64, extended: &mut Extended) -> Result<(), LayerError> {
    while !bytes.is_empty() {
        let wrong = || bad_record(at, &bytes[..bytes.len().min(40)], b"");
        let space = bytes.iter().position(|&byte| byte == b' ').ok_or_else(wrong)?;
        let length = decimal(&bytes[..space]).and_then(|length| usize::try_from(length).ok());
        let length =
            length.filter(|length| *length > space + 1 && *length <= bytes.len()).ok_or_else(wrong)?;
        let record = bytes[space + 1..length].strip_suffix(b"\n").ok_or_else(wrong)?;
        let equals = record.iter().position(|&byte| byte == b'=').ok_or_else(wrong)?;
        let (key, value) = (&record[..equals], &record[equals + 1..]);
        if matches!(key, b"GNU.sparse.offset" | b"GNU.sparse.numbytes") {
            extended.sparse_pairs.push(decimal(value).ok_or_else(wrong)?);
        }
        // An empty value takes back an earlier one (pax(1)), except for attributes, which may be empty.
        if value.is_empty() && !key.starts_with(XATTR) {
            extended.records.remove(key);
        } else {
            extended.records.insert(key.to_vec(), value.to_vec());
        }
        bytes = &bytes[length..];
    }
    Ok(())
}

const XATTR: &[u8] = b"SCHILY.xattr.";

fn apply_records(entry: &mut RawEntry, records: &Records, at: u64) -> Result<(), LayerError> {
    for (key, value) in records {
        let wrong = || bad_record(at, key, value);
        let id = || decimal(value).and_then(|id| u32::try_from(id).ok()).ok_or_else(wrong);
        match key.as_slice() {
            b"path" => entry.name.clone_from(value),
            b"linkpath" => entry.link.clone_from(value),
            b"uid" => entry.uid = id()?,
            b"gid" => entry.gid = id()?,
            b"mtime" => entry.mtime = time(value).ok_or_else(wrong)?,
            _ => {
                if let Some(name) = key.strip_prefix(XATTR) {
                    entry.xattrs.push((name.to_vec(), value.clone()));
                }
            }
        }
    }
    Ok(())
}

/// A PAX time, `seconds[.fraction]`, possibly negative; digits after the ninth are cut.
fn time(text: &[u8]) -> Option<Timestamp> {
    let mut parts = text.splitn(2, |&byte| byte == b'.');
    let whole = parts.next()?;
    let (negative, digits) = whole.strip_prefix(b"-").map_or((false, whole), |digits| (true, digits));
    let seconds = i64::try_from(decimal(digits)?).ok()?;
    let mut nanoseconds = 0;
    if let Some(fraction) = parts.next() {
        if !fraction.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let digits = fraction.iter().copied().chain(std::iter::repeat(b'0')).take(9);
        nanoseconds = digits.fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'));
    }
    Some(match (negative, nanoseconds) {
        (false, _) => Timestamp { seconds, nanoseconds },
        (true, 0) => Timestamp { seconds: -seconds, nanoseconds },
        (true, _) => Timestamp { seconds: -seconds - 1, nanoseconds: 1_000_000_000 - nanoseconds },
    })
}

pub(crate) fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |sum, &digit| {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 10)?;
        sum.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

fn bad_record(at: u64, key: &[u8], value: &[u8]) -> LayerError {
    let value = &value[..value.len().min(40)];
    LayerError::ExtendedHeader { offset: at, record: shown(&[key, value].join(&b'=')) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_before_1970_round_down() {
        assert_eq!(time(b"12.5"), Some(Timestamp { seconds: 12, nanoseconds: 500_000_000 }));
        assert_eq!(time(b"-1.25"), Some(Timestamp { seconds: -2, nanoseconds: 750_000_000 }));
        assert_eq!(time(b"-3"), Some(Timestamp::from_seconds(-3)));
        assert_eq!(time(b"1.0000000019"), Some(Timestamp { seconds: 1, nanoseconds: 1 }));
        assert_eq!(time(b"1.x"), None);
        assert_eq!(time(b""), None);
    }

    #[test]
    fn damaged_records_are_refused() {
        for bytes in [&b"99 path=a\n"[..], b"path=a\n", b"10 path=ab", b"3 a\n", b"0 a=b\n"] {
            assert!(parse_records(bytes, 0, &mut Extended::default()).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn values_may_hold_any_byte() {
        let mut extended = Extended::default();
        parse_records(b"29 SCHILY.xattr.user.a=1\n=2\0\n", 0, &mut extended).unwrap();
        assert_eq!(extended.records[&b"SCHILY.xattr.user.a"[..]], b"1\n=2\0");
    }
}
