//! ELF (System V ABI, "Object Files").

use super::image::{Executable, Format, Section, broken, table};
use crate::analyzer::AnalyzerError;
use crate::bytes::{Endian, until_zero};
use crate::read_at::Window;

const HEADER: u64 = 64;
const LOAD: u32 = 1;
const SEGMENT_WRITABLE: u32 = 2;
const NO_BITS: u32 = 8;
const SECTION_WRITABLE: u64 = 1;

/// Where the fields of the tables are, for one size of addresses.
struct Layout {
    is_wide: bool,
    endian: Endian,
}

impl Layout {
    /// A number as wide as an address.
    fn word(&self, bytes: &[u8], narrow: usize, wide: usize) -> Option<u64> {
        if self.is_wide {
            self.endian.u64(bytes, wide)
        } else {
            self.endian.u32(bytes, narrow).map(u64::from)
        }
    }

    fn half(&self, bytes: &[u8], narrow: usize, wide: usize) -> Option<u64> {
        self.endian.u16(bytes, if self.is_wide { wide } else { narrow }).map(u64::from)
    }
}

pub(super) fn open(content: Window<'_>) -> Result<Option<Executable<'_>>, AnalyzerError> {
    let header = table(&content, 0, HEADER, "its header")?;
    let is_wide = header[4] == 2;
    let endian = if header[5] == 2 { Endian::Big } else { Endian::Little };
    let layout = Layout { is_wide, endian };
    let (segments, sections) = tables(&content, &header, &layout)?;
    let segments = segments.iter().filter_map(|entry| segment(entry, &layout)).collect();
    let names = layout.half(&header, 50, 62).and_then(|index| sections.get(usize::try_from(index).ok()?));
    let names = match names.and_then(|entry| extent(entry, &layout)) {
        Some((offset, size)) => table(&content, offset, size, "its table of names")?,
        None => Vec::new(),
    };
    let sections = sections.iter().filter_map(|entry| section(entry, &layout, &names)).collect();
    Ok(Some(Executable { format: Format::Elf, content, sections, segments }))
}

type Entries = Vec<Vec<u8>>;

/// The entries of the tables of segments and of sections.
fn tables(content: &Window<'_>, header: &[u8], layout: &Layout) -> Result<(Entries, Entries), AnalyzerError> {
    let read = |offset: Option<u64>, size: Option<u64>, count: Option<u64>, least: u64, what: &str| {
        let (Some(offset), Some(size), Some(count)) = (offset, size, count) else { return Ok(Vec::new()) };
        if offset == 0 || count == 0 {
            return Ok(Vec::new());
        }
        if size < least {
            return Err(broken(format!("{what} has entries of {size} bytes")));
        }
        let bytes = table(content, offset, size * count, what)?;
        let size = usize::try_from(size).map_err(|_| broken(format!("{what} is too long")))?;
        Ok(bytes.chunks_exact(size).map(<[u8]>::to_vec).collect())
    };
    let wide = layout.is_wide;
    let segments = read(
        layout.word(header, 28, 32),
        layout.half(header, 42, 54),
        layout.half(header, 44, 56),
        if wide { 56 } else { 32 },
        "its table of segments",
    )?;
    let sections = read(
        layout.word(header, 32, 40),
        layout.half(header, 46, 58),
        layout.half(header, 48, 60),
        if wide { 64 } else { 40 },
        "its table of sections",
    )?;
    Ok((segments, sections))
}

fn segment(entry: &[u8], layout: &Layout) -> Option<Section> {
    let flags = layout.endian.u32(entry, if layout.is_wide { 4 } else { 24 })?;
    (layout.endian.u32(entry, 0)? == LOAD).then_some(())?;
    Some(Section {
        name: String::new(),
        address: layout.word(entry, 8, 16)?,
        offset: layout.word(entry, 4, 8)?,
        size: layout.word(entry, 16, 32)?,
        is_writable: flags & SEGMENT_WRITABLE != 0,
    })
}

/// Place and size in the file.
fn extent(entry: &[u8], layout: &Layout) -> Option<(u64, u64)> {
    let has_bytes = layout.endian.u32(entry, 4)? != NO_BITS;
    Some((layout.word(entry, 16, 24)?, if has_bytes { layout.word(entry, 20, 32)? } else { 0 }))
}

fn section(entry: &[u8], layout: &Layout, names: &[u8]) -> Option<Section> {
    let name = until_zero(names, layout.endian.usize32(entry, 0)?)?;
    let (offset, size) = extent(entry, layout)?;
    Some(Section {
        name: String::from_utf8_lossy(name).into_owned(),
        address: layout.word(entry, 12, 16)?,
        offset,
        size,
        is_writable: layout.word(entry, 8, 8)? & SECTION_WRITABLE != 0,
    })
}
