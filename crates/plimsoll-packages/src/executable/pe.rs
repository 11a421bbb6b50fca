//! PE, the programs of Windows ("PE Format").

use super::image::{Executable, Format, Section, broken, table};
use crate::analyzer::AnalyzerError;
use crate::bytes::Endian;
use crate::read_at::Window;

const LITTLE: Endian = Endian::Little;
const DOS_HEADER: u64 = 64;
const HEADER: u64 = 24;
const SECTION: u64 = 40;
const WRITABLE: u32 = 0x8000_0000;
const PE32: u16 = 0x10b;
const PE32_PLUS: u16 = 0x20b;
/// The part of the optional header up to the address where the program is loaded.
const OPTIONAL: u64 = 32;

pub(super) fn open(content: Window<'_>) -> Result<Option<Executable<'_>>, AnalyzerError> {
    let dos = table(&content, 0, DOS_HEADER, "its header")?;
    let start = u64::from(LITTLE.u32(&dos, 60).unwrap_or_default());
    // Programs of DOS begin in the same way.
    let Ok(header) = table(&content, start, HEADER, "its header") else { return Ok(None) };
    if !header.starts_with(b"PE\0\0") {
        return Ok(None);
    }
    let count = u64::from(LITTLE.u16(&header, 6).unwrap_or_default());
    let optional_size = u64::from(LITTLE.u16(&header, 20).unwrap_or_default());
    let optional = table(&content, start + HEADER, optional_size.min(OPTIONAL), "its optional header")?;
    let base = match LITTLE.u16(&optional, 0) {
        Some(PE32) => LITTLE.u32(&optional, 28).map(u64::from),
        Some(PE32_PLUS) => LITTLE.u64(&optional, 24),
        _ => None,
    };
    let base = base.ok_or_else(|| broken("its optional header is of no known kind"))?;
    let entries = table(&content, start + HEADER + optional_size, SECTION * count, "its table of sections")?;
    let entries = entries.chunks_exact(usize::try_from(SECTION).unwrap_or(usize::MAX));
    let sections: Vec<Section> = entries.filter_map(|entry| section(entry, base)).collect();
    Ok(Some(Executable { format: Format::Pe, content, segments: sections.clone(), sections }))
}

fn section(entry: &[u8], base: u64) -> Option<Section> {
    let name = entry.get(..8)?;
    let name = &name[..name.iter().position(|byte| *byte == 0).unwrap_or(8)];
    Some(Section {
        name: String::from_utf8_lossy(name).into_owned(),
        address: base.checked_add(u64::from(LITTLE.u32(entry, 12)?))?,
        offset: u64::from(LITTLE.u32(entry, 20)?),
        // The bytes in the file are padded; what is beyond the size in memory means nothing.
        size: u64::from(LITTLE.u32(entry, 16)?.min(LITTLE.u32(entry, 8)?)),
        is_writable: LITTLE.u32(entry, 36)? & WRITABLE != 0,
    })
}
