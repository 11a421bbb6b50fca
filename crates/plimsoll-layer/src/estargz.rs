//! eStargz: a gzip layer whose files can be fetched one by one (stargz-snapshotter, docs/estargz.md).
//!
//! The tar begins with a landmark that says that nothing is to be fetched ahead, and ends with a table of contents as
//! one more file. Each file, and each chunk of a large one, is a gzip member of its own, so that it can be read from
//! its offset on; so is the table, whose offset stands in the footer: an empty member with an extra field. As the
//! landmark and the table are part of the tar, a layer has another diff id in this form than in any other.

use std::io::{self, Read, Seek, SeekFrom, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use plimsoll_oci::Digest;
use serde::Serialize;

use crate::compression::{BlobWritten, LayerBlobWriter};
use crate::entry::{Entry, Kind, shown};
use crate::error::LayerError;
use crate::index::LayerIndex;
use crate::tar_format as format;
use crate::tar_write::{ContentSource, TarOptions, Written, head};
use crate::xattr;

/// The table's name in the tar.
const TOC: &str = "stargz.index.json";
/// The file that says that nothing is worth fetching ahead, and its one byte.
const LANDMARK: &str = ".no.prefetch.landmark";
const LANDMARK_CONTENT: [u8; 1] = [0xf];
/// Files of another run of this format, which would lie.
const RESERVED: [&str; 3] = [TOC, LANDMARK, ".prefetch.landmark"];
/// Larger files are cut into chunks of this many bytes.
pub(crate) const CHUNK: usize = 4 << 20;
/// Size of the footer in bytes.
const FOOTER: usize = 51;
/// A table larger than this is none.
const LARGEST_TOC: u64 = 1 << 30;

#[derive(Serialize)]
struct Table {
    version: u32,
    entries: Vec<TableEntry>,
}

/// One entry of the table (estargz.md, `TOCEntry`); what is zero or empty is left out.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct TableEntry {
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "is_zero")]
    size: u64,
    #[serde(rename = "modtime", skip_serializing_if = "String::is_empty")]
    modified: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    link_name: String,
    mode: u32,
    uid: u32,
    gid: u32,
    #[serde(skip_serializing_if = "is_zero")]
    offset: u64,
    #[serde(skip_serializing_if = "is_zero")]
    dev_major: u64,
    #[serde(skip_serializing_if = "is_zero")]
    dev_minor: u64,
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    xattrs: std::collections::BTreeMap<String, String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    digest: String,
    #[serde(skip_serializing_if = "is_zero")]
    chunk_offset: u64,
    #[serde(skip_serializing_if = "is_zero")]
    chunk_size: u64,
    #[serde(skip_serializing_if = "String::is_empty")]
    chunk_digest: String,
    /// The gzip member that the bytes begin, for the offset.
    #[serde(skip)]
    member: Option<usize>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(value: &u64) -> bool {
    *value == 0
}

/// Writes one layer.
pub(crate) fn write<W: Write>(
    index: &LayerIndex,
    content: &mut ContentSource<'_>,
    options: TarOptions,
    mut out: LayerBlobWriter<W>,
) -> Result<BlobWritten, LayerError> {
    let mut table = Vec::new();
    let landmark = Entry::new(LANDMARK, Kind::File { size: LANDMARK_CONTENT.len() as u64 }, 0o644);
    let mut landmark_content =
        |_: &Entry| -> io::Result<Box<dyn Read>> { Ok(Box::new(&LANDMARK_CONTENT[..])) };
    entry(&landmark, &mut landmark_content, options, &mut out, &mut table)?;
    for one in index.entries() {
        if !RESERVED.iter().any(|name| one.path == name.as_bytes()) {
            entry(one, content, options, &mut out, &mut table)?;
        }
    }
    let failed = |source| LayerError::Write { source };
    let members = out.members().map_err(failed)?;
    for entry in &mut table {
        entry.offset = entry.member.map_or(0, |member| members[member]);
    }
    let toc_offset = *members.last().expect("the list ends with the place behind the last member");
    let json = serde_json::to_vec(&Table { version: 1, entries: table })
        .expect("texts and numbers can be written as JSON");
    let toc = Entry::new(TOC, Kind::File { size: json.len() as u64 }, 0o444);
    let mut tar = Vec::with_capacity(json.len() + 4 * format::BLOCK);
    for written in head(&toc, options)? {
        tar.extend_from_slice(&written.header);
    }
    tar.extend_from_slice(&json);
    tar.resize(tar.len() + padding(json.len() as u64) + 2 * format::BLOCK, 0);
    out.write_member(&tar).map_err(failed)?;
    out.finish_with(&footer(toc_offset)).map(|(_, written)| written)
}

fn padding(size: u64) -> usize {
    usize::try_from(format::padding(size)).expect("less than a block")
}

/// Writes one entry of the index, which may be several of the tar.
fn entry<W: Write>(
    entry: &Entry,
    content: &mut ContentSource<'_>,
    options: TarOptions,
    out: &mut LayerBlobWriter<W>,
    table: &mut Vec<TableEntry>,
) -> Result<(), LayerError> {
    let failed = |source| LayerError::Write { source };
    for written in head(entry, options)? {
        out.write_all(&written.header).map_err(failed)?;
        let mut described = describe(entry, &written, options)?;
        match entry.kind {
            Kind::File { size } if size > 0 => {
                described.size = size;
                chunks(entry, size, described, content, out, table)?;
                out.write_all(&[0; format::BLOCK][..padding(size)]).map_err(failed)?;
            }
            _ => {
                if written.type_flag == b'0' {
                    described.digest = Digest::of([]).to_string();
                }
                table.push(described);
            }
        }
    }
    Ok(())
}

/// Writes the bytes of a file, each chunk as a member of its own.
fn chunks<W: Write>(
    entry: &Entry,
    size: u64,
    mut described: TableEntry,
    content: &mut ContentSource<'_>,
    out: &mut LayerBlobWriter<W>,
    table: &mut Vec<TableEntry>,
) -> Result<(), LayerError> {
    let failed = |source| LayerError::Content { path: shown(&entry.path), source };
    let wrong_size = || LayerError::ContentSize { path: shown(&entry.path), expected: size };
    let mut reader = content(entry).map_err(failed)?;
    let mut whole = plimsoll_oci::Hasher::new();
    let (first, name) = (table.len(), described.name.clone());
    let mut chunk = Vec::new();
    let mut done = 0_u64;
    loop {
        chunk.clear();
        let read = reader.by_ref().take(CHUNK as u64).read_to_end(&mut chunk).map_err(failed)?;
        if read == 0 {
            break;
        }
        if done + read as u64 > size {
            return Err(wrong_size());
        }
        whole.update(&chunk);
        described.member = Some(out.cut().map_err(|source| LayerError::Write { source })?);
        described.chunk_offset = done;
        described.chunk_size = read as u64;
        described.chunk_digest = Digest::of(&chunk).to_string();
        out.write_all(&chunk).map_err(|source| LayerError::Write { source })?;
        done += read as u64;
        table.push(described);
        described = TableEntry { name: name.clone(), kind: "chunk", ..TableEntry::default() };
    }
    if done != size {
        return Err(wrong_size());
    }
    table[first].digest = whole.finish().to_string();
    out.cut().map(drop).map_err(|source| LayerError::Write { source })
}

/// What the table says of one header of the tar.
fn describe(entry: &Entry, written: &Written, options: TarOptions) -> Result<TableEntry, LayerError> {
    let text = |bytes: &[u8]| {
        let problem = "an eStargz layer names its files in JSON, which cannot hold a name that is not UTF-8";
        String::from_utf8(bytes.to_vec()).map_err(|_| LayerError::path(bytes, problem))
    };
    let mut described = TableEntry {
        name: text(&written.name)?,
        kind: kind(written.type_flag),
        modified: time(written.seconds),
        mode: written.mode,
        uid: written.uid,
        gid: written.gid,
        ..TableEntry::default()
    };
    match &entry.kind {
        Kind::Symlink { target } | Kind::Hardlink { target } => described.link_name = text(target)?,
        Kind::CharDevice { major, minor } | Kind::BlockDevice { major, minor } => {
            (described.dev_major, described.dev_minor) = (u64::from(*major), u64::from(*minor));
        }
        _ => {}
    }
    if written.has_xattrs {
        let kept = |name: &[u8]| !options.only_capabilities || name == xattr::CAPABILITY;
        for (name, value) in entry.xattrs.iter().filter(|(name, _)| kept(name)) {
            described.xattrs.insert(text(name)?, BASE64.encode(value));
        }
    }
    Ok(described)
}

fn kind(type_flag: u8) -> &'static str {
    match type_flag {
        b'1' => "hardlink",
        b'2' => "symlink",
        b'3' => "char",
        b'4' => "block",
        b'5' => "dir",
        b'6' => "fifo",
        _ => "reg",
    }
}

/// A time as RFC 3339 has it.
fn time(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(|_| String::new(), |time| time.to_string())
}

/// An empty gzip member whose extra field says where the table is (estargz.md, "Footer").
fn footer(toc_offset: u64) -> [u8; FOOTER] {
    let mut footer = [0; FOOTER];
    // RFC 1952, 2.3: magic, deflate, an extra field; no time; any system.
    footer[..10].copy_from_slice(&[0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff]);
    footer[10..12].copy_from_slice(&26_u16.to_le_bytes());
    footer[12..14].copy_from_slice(b"SG");
    footer[14..16].copy_from_slice(&22_u16.to_le_bytes());
    footer[16..38].copy_from_slice(format!("{toc_offset:016x}STARGZ").as_bytes());
    // RFC 1951, 3.2.4: one last stored block without bytes; then the check sum and length of nothing.
    footer[38..43].copy_from_slice(&[1, 0, 0, 0xff, 0xff]);
    footer
}

/// The table of contents of an eStargz layer: the bytes that its digest is of.
///
/// # Errors
/// `InvalidData` for a blob without footer or table.
pub fn estargz_toc(blob: &mut (impl Read + Seek)) -> io::Result<Vec<u8>> {
    let invalid = |what| io::Error::new(io::ErrorKind::InvalidData, what);
    let end = blob.seek(SeekFrom::End(0))?;
    let at = end.checked_sub(FOOTER as u64).ok_or_else(|| invalid("too short for an eStargz layer"))?;
    blob.seek(SeekFrom::Start(at))?;
    let mut found = [0; FOOTER];
    blob.read_exact(&mut found)?;
    let digits = std::str::from_utf8(&found[16..32]).ok();
    let offset = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
    let offset = offset.filter(|offset| found == footer(*offset) && *offset < at);
    let offset = offset.ok_or_else(|| invalid("no footer of an eStargz layer"))?;
    blob.seek(SeekFrom::Start(offset))?;
    let mut tar = flate2::read::GzDecoder::new(blob.take(at - offset));
    let mut header = [0; format::BLOCK];
    tar.read_exact(&mut header)?;
    let size = format::number(&header[format::SIZE]).and_then(|size| u64::try_from(size).ok());
    let size =
        size.filter(|size| *size <= LARGEST_TOC && format::text(&header[format::NAME]) == TOC.as_bytes());
    let size = size.ok_or_else(|| invalid("no table of contents where the footer says"))?;
    let mut json = Vec::new();
    tar.take(size).read_to_end(&mut json)?;
    if json.len() as u64 != size {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(json)
}
