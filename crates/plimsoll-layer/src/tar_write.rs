//! Index and contents to tar: the same index and contents always give the same bytes.
//!
//! Entries come in the order of the index. Headers are POSIX ustar; what does not fit goes into PAX records
//! (pax(1), "pax Extended Header"), extended attributes as `SCHILY.xattr.` records. User and group names are
//! empty. Times are cut to whole seconds, as other builders do for the sake of old readers. The root has no
//! entry, implied directories have none either. Whiteouts follow image-spec, layer.md, "Representing Changes".

use std::io::{self, Read, Write};

use crate::entry::{Entry, Kind, join, shown};
use crate::error::LayerError;
use crate::index::LayerIndex;
use crate::tar_format as format;
use crate::xattr;

/// How a tar is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TarOptions {
    /// No time is later than this many seconds since 1970 (`SOURCE_DATE_EPOCH`).
    pub clamp: Option<i64>,
    /// Of the extended attributes, only file capabilities are written.
    pub only_capabilities: bool,
    /// It is a root file system and no layer: names that begin with `.wh.` are names like others.
    pub literal_names: bool,
}

/// Where the bytes of a `Kind::File` entry come from.
pub type ContentSource<'a> = dyn FnMut(&Entry) -> io::Result<Box<dyn Read>> + 'a;

const COPY_BUFFER: usize = 256 << 10;

/// Writes one layer, its end mark included.
pub fn write_tar(
    index: &LayerIndex,
    content: &mut ContentSource<'_>,
    options: TarOptions,
    out: &mut dyn Write,
) -> Result<(), LayerError> {
    let mut writer = Writer { out, options, buffer: vec![0; COPY_BUFFER] };
    for entry in index.entries() {
        writer.entry(entry, content)?;
    }
    writer.write(&[0; 2 * format::BLOCK])
}

struct Writer<'a> {
    out: &'a mut dyn Write,
    options: TarOptions,
    buffer: Vec<u8>,
}

impl Writer<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), LayerError> {
        self.out.write_all(bytes).map_err(|source| LayerError::Write { source })
    }

    fn entry(&mut self, entry: &Entry, content: &mut ContentSource<'_>) -> Result<(), LayerError> {
        for written in head(entry, self.options)? {
            self.write(&written.header)?;
        }
        match entry.kind {
            Kind::File { size } => self.content(entry, size, content),
            _ => Ok(()),
        }
    }

    fn content(
        &mut self,
        entry: &Entry,
        size: u64,
        content: &mut ContentSource<'_>,
    ) -> Result<(), LayerError> {
        let failed = |source| LayerError::Content { path: shown(&entry.path), source };
        let wrong_size = || LayerError::ContentSize { path: shown(&entry.path), expected: size };
        let mut reader = content(entry).map_err(failed)?;
        let mut left = size;
        loop {
            // One byte more than is left is asked for, so that the end is seen and a longer content noticed.
            let wanted = usize::try_from(left.saturating_add(1)).unwrap_or(usize::MAX).min(self.buffer.len());
            let count = match reader.read(&mut self.buffer[..wanted]) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(failed(error)),
            };
            left = left.checked_sub(count as u64).ok_or_else(wrong_size)?;
            self.out.write_all(&self.buffer[..count]).map_err(|source| LayerError::Write { source })?;
        }
        if left > 0 {
            return Err(wrong_size());
        }
        self.pad(size)
    }

    fn pad(&mut self, size: u64) -> Result<(), LayerError> {
        let padding = usize::try_from(format::padding(size)).expect("less than a block");
        self.write(&[0; format::BLOCK][..padding])
    }
}

/// One header of the tar, with whatever PAX needs in front of it.
pub(crate) struct Written {
    /// The bytes, whole blocks.
    pub(crate) header: Vec<u8>,
    /// The name as it stands there.
    pub(crate) name: Vec<u8>,
    pub(crate) type_flag: u8,
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// The time, cut and clamped.
    pub(crate) seconds: i64,
    /// It carries the entry's attributes.
    pub(crate) has_xattrs: bool,
}

/// The headers of one entry: mostly one, none for the root, two for an opaque directory.
pub(crate) fn head(entry: &Entry, options: TarOptions) -> Result<Vec<Written>, LayerError> {
    if entry.name().starts_with(b".wh.") && !options.literal_names {
        return Err(LayerError::path(&entry.path, "names that begin with `.wh.` mean removal in a layer"));
    }
    let described = |name: Vec<u8>, type_flag| {
        let seconds = entry.mtime.seconds;
        Header {
            mode: entry.mode & 0o7777,
            uid: entry.uid,
            gid: entry.gid,
            seconds: options.clamp.map_or(seconds, |clamp| seconds.min(clamp)),
            // A second name of a file has its attributes already.
            xattrs: if matches!(entry.kind, Kind::Hardlink { .. }) { &[] } else { &entry.xattrs },
            only_capabilities: options.only_capabilities,
            ..Header::new(name, type_flag)
        }
    };
    let own = |type_flag| described(entry.path.clone(), type_flag);
    let mut headers = Vec::with_capacity(1);
    match &entry.kind {
        Kind::Whiteout => {
            headers.push(Header::new(join(entry.parent(), &[b".wh.", entry.name()].concat()), b'0'));
        }
        Kind::Directory { opaque } => {
            if !entry.path.is_empty() {
                headers.push(described(join(&entry.path, b""), b'5'));
            }
            if *opaque {
                headers.push(Header::new(join(&entry.path, b".wh..wh..opq"), b'0'));
            }
        }
        Kind::File { size } => headers.push(Header { size: *size, ..own(b'0') }),
        Kind::Symlink { target } => headers.push(Header { link: target, ..own(b'2') }),
        Kind::Hardlink { target } => headers.push(Header { link: target, ..own(b'1') }),
        Kind::CharDevice { major, minor } => headers.push(Header { device: (*major, *minor), ..own(b'3') }),
        Kind::BlockDevice { major, minor } => headers.push(Header { device: (*major, *minor), ..own(b'4') }),
        Kind::Fifo => headers.push(own(b'6')),
    }
    headers.into_iter().map(Header::written).collect()
}

/// The fields of one header before they are laid out.
struct Header<'a> {
    name: Vec<u8>,
    type_flag: u8,
    link: &'a [u8],
    mode: u32,
    uid: u32,
    gid: u32,
    size: u64,
    seconds: i64,
    device: (u32, u32),
    xattrs: &'a [(Vec<u8>, Vec<u8>)],
    only_capabilities: bool,
}

impl Header<'_> {
    fn new(name: Vec<u8>, type_flag: u8) -> Self {
        Self {
            name,
            type_flag,
            link: &[],
            mode: 0,
            uid: 0,
            gid: 0,
            size: 0,
            seconds: 0,
            device: (0, 0),
            xattrs: &[],
            only_capabilities: false,
        }
    }

    /// The blocks: PAX records, if there are any, then the header.
    fn written(self) -> Result<Written, LayerError> {
        let (block, records) = self.encode()?;
        let mut header = Vec::with_capacity(format::BLOCK);
        if !records.is_empty() {
            let mut extended = Header::new(b"PaxHeaders/0".to_vec(), b'x');
            extended.mode = 0o644;
            extended.size = records.len() as u64;
            let (extended, _) = extended.encode()?;
            header.extend_from_slice(&extended);
            header.extend_from_slice(&records);
            header.resize(header.len().next_multiple_of(format::BLOCK), 0);
        }
        header.extend_from_slice(&block);
        Ok(Written {
            header,
            type_flag: self.type_flag,
            mode: self.mode,
            uid: self.uid,
            gid: self.gid,
            seconds: self.seconds,
            has_xattrs: !self.xattrs.is_empty(),
            name: self.name,
        })
    }

    /// The block and the PAX records for what does not fit into it, sorted by key.
    fn encode(&self) -> Result<([u8; format::BLOCK], Vec<u8>), LayerError> {
        let mut block = [0; format::BLOCK];
        let mut records: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        let mut too_large = |key: &str, value: Vec<u8>| records.push((key.into(), value));
        block[format::MAGIC].copy_from_slice(format::POSIX_MAGIC);
        block[format::TYPE_FLAG] = self.type_flag;
        if let Some((prefix, name)) = split_name(&self.name) {
            put_text(&mut block[format::PREFIX], prefix);
            put_text(&mut block[format::NAME], name);
        } else {
            put_text(&mut block[format::NAME], &self.name);
            too_large("path", self.name.clone());
        }
        if !put_text(&mut block[format::LINK_NAME], self.link) {
            too_large("linkpath", self.link.to_vec());
        }
        format::put_octal(&mut block[format::MODE], u64::from(self.mode));
        let numbers = [
            (format::UID, "uid", u64::from(self.uid)),
            (format::GID, "gid", u64::from(self.gid)),
            (format::SIZE, "size", self.size),
        ];
        for (field, key, number) in numbers {
            if !format::put_octal(&mut block[field.clone()], number) {
                format::put_octal(&mut block[field], 0);
                too_large(key, number.to_string().into_bytes());
            }
        }
        let seconds = u64::try_from(self.seconds).unwrap_or(u64::MAX);
        if !format::put_octal(&mut block[format::MTIME], seconds) {
            format::put_octal(&mut block[format::MTIME], 0);
            too_large("mtime", self.seconds.to_string().into_bytes());
        }
        if matches!(self.type_flag, b'3' | b'4') {
            format::put_number(&mut block[format::MAJOR], u64::from(self.device.0));
            format::put_number(&mut block[format::MINOR], u64::from(self.device.1));
        }
        let kept = |name: &[u8]| !self.only_capabilities || name == xattr::CAPABILITY;
        for (name, value) in self.xattrs.iter().filter(|(name, _)| kept(name)) {
            if name.contains(&b'=') {
                return Err(LayerError::AttributeName { path: shown(&self.name), name: shown(name) });
            }
            records.push(([b"SCHILY.xattr.", name.as_slice()].concat(), value.clone()));
        }
        format::put_checksum(&mut block);
        records.sort();
        Ok((block, records.iter().flat_map(|(key, value)| record(key, value)).collect()))
    }
}

/// Fills a text field as far as it reaches; `false` if the text is longer.
fn put_text(field: &mut [u8], text: &[u8]) -> bool {
    let length = text.len().min(field.len());
    field[..length].copy_from_slice(&text[..length]);
    length == text.len()
}

/// Splits a name at a slash into at most 155 and at most 100 bytes.
fn split_name(name: &[u8]) -> Option<(&[u8], &[u8])> {
    if name.len() <= format::NAME.len() {
        return Some((b"", name));
    }
    // A trailing slash belongs to the name, so the last byte is no place to split.
    let earliest = name.len() - 1 - format::NAME.len();
    let position = (earliest.max(1)..=format::PREFIX.len().min(name.len() - 2))
        .find(|&position| name[position] == b'/')?;
    Some((&name[..position], &name[position + 1..]))
}

/// `length key=value\n`, where the length counts itself.
fn record(key: &[u8], value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut length = rest;
    loop {
        let whole = rest + length.to_string().len();
        if whole == length {
            break;
        }
        length = whole;
    }
    let mut record = length.to_string().into_bytes();
    record.push(b' ');
    record.extend_from_slice(key);
    record.push(b'=');
    record.extend_from_slice(value);
    record.push(b'\n');
    record
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_counts_its_own_length() {
        assert_eq!(record(b"path", b"a"), b"9 path=a\n");
        assert_eq!(record(b"x", &[b'v'; 90]).len(), 96);
        for size in 0..2000 {
            let record = record(b"key", &vec![b'v'; size]);
            let digits = record.iter().position(|&byte| byte == b' ').unwrap();
            assert_eq!(std::str::from_utf8(&record[..digits]).unwrap(), record.len().to_string());
        }
    }

    #[test]
    fn long_names_are_split_at_a_slash_or_not_at_all() {
        let long = [b"p".repeat(120), b"n".repeat(100)].join(&b'/');
        assert_eq!(split_name(&long), Some((&long[..120], &long[121..])));
        assert_eq!(split_name(&b"n".repeat(101)), None);
        assert_eq!(split_name(&[b"p".repeat(156), b"n".repeat(10)].join(&b'/')), None);
        let directory = [b"p".repeat(99), b"/".to_vec()].concat();
        assert_eq!(split_name(&directory), Some((&b""[..], directory.as_slice())));
        let directory = [b"p".repeat(110), b"/".to_vec()].concat();
        assert_eq!(split_name(&directory), None);
    }
}
