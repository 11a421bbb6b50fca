//! Mach-O, the programs of macOS (`mach-o/loader.h`, `mach-o/fat.h`). Of a file for several processors the first one is read.

use super::image::{Executable, Format, Section, table};
use crate::analyzer::AnalyzerError;
use crate::bytes::Endian;
use crate::read_at::{ReadAt as _, Window};

const BIG: Endian = Endian::Big;
const MAGIC: u32 = 0xfeed_face;
const MAGIC_64: u32 = 0xfeed_facf;
const FAT: u32 = 0xcafe_babe;
const FAT_64: u32 = 0xcafe_babf;
/// Java's class files begin as files for several processors do, and have a version of 45 and more in place of the number.
const MOST_PROCESSORS: u32 = 32;
const SEGMENT: u32 = 0x1;
const SEGMENT_64: u32 = 0x19;
const WRITABLE: u32 = 2;

pub(super) fn open(content: Window<'_>, magic: [u8; 4]) -> Result<Option<Executable<'_>>, AnalyzerError> {
    match u32::from_be_bytes(magic) {
        kind @ (FAT | FAT_64) => {
            let entry = table(&content, 0, 40, "its list of processors")?;
            let count = BIG.u32(&entry, 4).unwrap_or_default();
            let place = if kind == FAT {
                BIG.u32(&entry, 16).map(u64::from).zip(BIG.u32(&entry, 20).map(u64::from))
            } else {
                BIG.u64(&entry, 16).zip(BIG.u64(&entry, 24))
            };
            match place.filter(|_| (1..=MOST_PROCESSORS).contains(&count)) {
                Some((offset, size)) => thin(content.part(offset, size)),
                None => Ok(None),
            }
        }
        _ => thin(content),
    }
}

fn thin(content: Window<'_>) -> Result<Option<Executable<'_>>, AnalyzerError> {
    if content.size() < 32 {
        return Ok(None);
    }
    let header = table(&content, 0, 32, "its header")?;
    let of = |endian: Endian| endian.u32(&header, 0).filter(|magic| matches!(*magic, MAGIC | MAGIC_64));
    let known = [Endian::Little, Endian::Big].into_iter().find_map(|endian| Some((endian, of(endian)?)));
    let Some((endian, magic)) = known else { return Ok(None) };
    let start = if magic == MAGIC_64 { 32 } else { 28 };
    let count = endian.u32(&header, 16).unwrap_or_default();
    let size = endian.u32(&header, 20).unwrap_or_default();
    let commands = table(&content, start, u64::from(size), "its load commands")?;
    let mut executable =
        Executable { format: Format::MachO, content, sections: Vec::new(), segments: Vec::new() };
    let mut rest = commands.as_slice();
    for _ in 0..count {
        let (Some(kind), Some(length)) = (endian.u32(rest, 0), endian.usize32(rest, 4)) else { break };
        let Some((command, after)) = rest.split_at_checked(length).filter(|_| length >= 8) else { break };
        rest = after;
        match kind {
            SEGMENT => segment(command, endian, false, &mut executable),
            SEGMENT_64 => segment(command, endian, true, &mut executable),
            _ => None,
        };
    }
    Ok(Some(executable))
}

/// Takes a segment and its sections; ends at the first field that is not there.
fn segment(command: &[u8], endian: Endian, is_wide: bool, executable: &mut Executable<'_>) -> Option<()> {
    let word = |bytes: &[u8], narrow: usize, wide: usize| {
        if is_wide { endian.u64(bytes, wide) } else { endian.u32(bytes, narrow).map(u64::from) }
    };
    let is_writable = endian.u32(command, if is_wide { 60 } else { 44 })? & WRITABLE != 0;
    executable.segments.push(Section {
        name: name(command.get(8..24)?),
        address: word(command, 24, 24)?,
        offset: word(command, 32, 40)?,
        size: word(command, 36, 48)?,
        is_writable,
    });
    let count = endian.usize32(command, if is_wide { 64 } else { 48 })?;
    let (first, size) = if is_wide { (72, 80) } else { (56, 68) };
    for entry in command.get(first..)?.chunks_exact(size).take(count) {
        executable.sections.push(Section {
            name: name(&entry[..16]),
            address: word(entry, 32, 32)?,
            offset: u64::from(endian.u32(entry, if is_wide { 48 } else { 40 })?),
            size: word(entry, 36, 40)?,
            is_writable,
        });
    }
    Some(())
}

fn name(field: &[u8]) -> String {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    String::from_utf8_lossy(&field[..end]).into_owned()
}
