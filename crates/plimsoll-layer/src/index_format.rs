//! The stored form of a layer index, version 1.
//!
//! ```text
//! "PLXI" version(1 byte)
//! entries: count, then each; implied directories: count, then each
//! passwd, group: 0, or 1 length bytes
//! SHA-256 of everything before
//!
//! entry: bytes shared with the path before, length and bytes of the rest, kind(1 byte) and its fields,
//!        mode, uid, gid, seconds (zigzag), nanoseconds, count of attributes, then length bytes length bytes
//! ```
//!
//! Numbers are LEB128. The digest guards against damage, not against an attacker: the store belongs to its user.

use plimsoll_oci::Digest;

use crate::entry::{Entry, Kind, Timestamp};
use crate::index::LayerIndex;

const MAGIC: &[u8; 4] = b"PLXI";
const VERSION: u8 = 1;
const DIGEST_SIZE: usize = 32;

/// Why stored bytes are no index.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// Written by another version of the format.
    #[error("the layer index has format version {found}, this program reads {expected}")]
    Version {
        /// Version of the bytes.
        found: u8,
        /// Version this program reads.
        expected: u8,
    },
    /// Not what was written.
    #[error("the layer index is damaged")]
    Damaged,
}

pub(crate) fn encode(index: &LayerIndex) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 + index.entries.len() * 48);
    out.extend_from_slice(MAGIC);
    out.push(VERSION);
    put_entries(&mut out, &index.entries);
    put_entries(&mut out, &index.implied);
    for file in [&index.passwd, &index.group] {
        match file {
            None => out.push(0),
            Some(bytes) => {
                out.push(1);
                put_bytes(&mut out, bytes);
            }
        }
    }
    let digest = Digest::of(&out);
    out.extend_from_slice(digest.as_bytes());
    out
}

pub(crate) fn decode(bytes: &[u8]) -> Result<LayerIndex, DecodeError> {
    let body_length = bytes.len().checked_sub(DIGEST_SIZE).ok_or(DecodeError::Damaged)?;
    let (body, digest) = bytes.split_at(body_length);
    let rest = body.strip_prefix(MAGIC).ok_or(DecodeError::Damaged)?;
    let (&version, rest) = rest.split_first().ok_or(DecodeError::Damaged)?;
    if version != VERSION {
        return Err(DecodeError::Version { found: version, expected: VERSION });
    }
    if Digest::of(body).as_bytes() != digest {
        return Err(DecodeError::Damaged);
    }
    let mut input = Input(rest);
    let entries = input.entries()?;
    let implied = input.entries()?;
    let passwd = input.optional_bytes()?;
    let group = input.optional_bytes()?;
    if !input.0.is_empty() {
        return Err(DecodeError::Damaged);
    }
    Ok(LayerIndex { entries, implied, passwd, group })
}

fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push((number & 0x7f) as u8);
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn put_entries(out: &mut Vec<u8>, entries: &[Entry]) {
    put_number(out, entries.len() as u64);
    let mut before: &[u8] = b"";
    for entry in entries {
        put_entry(out, entry, before);
        before = &entry.path;
    }
}

fn put_entry(out: &mut Vec<u8>, entry: &Entry, before: &[u8]) {
    let shared = entry.path.iter().zip(before).take_while(|(left, right)| left == right).count();
    put_number(out, shared as u64);
    put_bytes(out, &entry.path[shared..]);
    match &entry.kind {
        Kind::File { size } => {
            out.push(0);
            put_number(out, *size);
        }
        Kind::Directory { opaque: false } => out.push(1),
        Kind::Directory { opaque: true } => out.push(2),
        Kind::Symlink { target } => {
            out.push(3);
            put_bytes(out, target);
        }
        Kind::Hardlink { target } => {
            out.push(4);
            put_bytes(out, target);
        }
        Kind::CharDevice { major, minor } => {
            out.push(5);
            put_number(out, u64::from(*major));
            put_number(out, u64::from(*minor));
        }
        Kind::BlockDevice { major, minor } => {
            out.push(6);
            put_number(out, u64::from(*major));
            put_number(out, u64::from(*minor));
        }
        Kind::Fifo => out.push(7),
        Kind::Whiteout => out.push(8),
    }
    put_number(out, u64::from(entry.mode));
    put_number(out, u64::from(entry.uid));
    put_number(out, u64::from(entry.gid));
    let seconds = entry.mtime.seconds;
    put_number(out, ((seconds << 1) ^ (seconds >> 63)).cast_unsigned());
    put_number(out, u64::from(entry.mtime.nanoseconds));
    put_number(out, entry.xattrs.len() as u64);
    for (name, value) in &entry.xattrs {
        put_bytes(out, name);
        put_bytes(out, value);
    }
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn byte(&mut self) -> Result<u8, DecodeError> {
        let (&byte, rest) = self.0.split_first().ok_or(DecodeError::Damaged)?;
        self.0 = rest;
        Ok(byte)
    }

    fn number(&mut self) -> Result<u64, DecodeError> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(DecodeError::Damaged)
    }

    fn small(&mut self) -> Result<u32, DecodeError> {
        u32::try_from(self.number()?).map_err(|_| DecodeError::Damaged)
    }

    fn bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let length = usize::try_from(self.number()?).map_err(|_| DecodeError::Damaged)?;
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(DecodeError::Damaged)?;
        self.0 = rest;
        Ok(bytes)
    }

    fn optional_bytes(&mut self) -> Result<Option<Vec<u8>>, DecodeError> {
        match self.byte()? {
            0 => Ok(None),
            1 => Ok(Some(self.bytes()?.to_vec())),
            _ => Err(DecodeError::Damaged),
        }
    }

    /// A count of things of at least `size` bytes each, so that no damaged count reserves much memory.
    fn count(&mut self, size: usize) -> Result<usize, DecodeError> {
        let count = usize::try_from(self.number()?).map_err(|_| DecodeError::Damaged)?;
        if count > self.0.len() / size { Err(DecodeError::Damaged) } else { Ok(count) }
    }

    fn entries(&mut self) -> Result<Vec<Entry>, DecodeError> {
        let count = self.count(9)?;
        let mut entries: Vec<Entry> = Vec::with_capacity(count);
        for _ in 0..count {
            let entry = self.entry(entries.last().map_or(&[], |before| before.path.as_slice()))?;
            if entries.last().is_some_and(|before| before.path >= entry.path) {
                return Err(DecodeError::Damaged);
            }
            entries.push(entry);
        }
        Ok(entries)
    }

    fn entry(&mut self, before: &[u8]) -> Result<Entry, DecodeError> {
        let shared = usize::try_from(self.number()?).map_err(|_| DecodeError::Damaged)?;
        let shared = before.get(..shared).ok_or(DecodeError::Damaged)?;
        let rest = self.bytes()?;
        let mut path = Vec::with_capacity(shared.len() + rest.len());
        path.extend_from_slice(shared);
        path.extend_from_slice(rest);
        let kind = match self.byte()? {
            0 => Kind::File { size: self.number()? },
            1 => Kind::Directory { opaque: false },
            2 => Kind::Directory { opaque: true },
            3 => Kind::Symlink { target: self.bytes()?.to_vec() },
            4 => Kind::Hardlink { target: self.bytes()?.to_vec() },
            5 => Kind::CharDevice { major: self.small()?, minor: self.small()? },
            6 => Kind::BlockDevice { major: self.small()?, minor: self.small()? },
            7 => Kind::Fifo,
            8 => Kind::Whiteout,
            _ => return Err(DecodeError::Damaged),
        };
        let mode = self.small()?;
        let uid = self.small()?;
        let gid = self.small()?;
        let seconds = self.number()?;
        let seconds = (seconds >> 1).cast_signed() ^ -(seconds & 1).cast_signed();
        let mtime = Timestamp { seconds, nanoseconds: self.small()? };
        let count = self.count(2)?;
        let mut xattrs = Vec::with_capacity(count);
        for _ in 0..count {
            xattrs.push((self.bytes()?.to_vec(), self.bytes()?.to_vec()));
        }
        Ok(Entry { path, kind, mode, uid, gid, mtime, xattrs })
    }
}
