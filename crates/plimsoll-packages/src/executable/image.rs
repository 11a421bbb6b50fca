//! What the three formats have in common.

use std::io;

use super::{elf, macho, pe};
use crate::analyzer::{AnalyzerError, File};
use crate::read_at::{ReadAt, Window, read_part};

/// What Go and Rust make is never smaller; most scripts are.
const LEAST_BYTES: u64 = 16 << 10;
/// Tables of headers and of names that are longer belong to no program.
const MOST_TABLE_BYTES: u64 = 4 << 20;
const FORMAT: &str = "a program";

/// A named part of the file, or a part that is loaded somewhere.
#[derive(Clone, Debug)]
pub(crate) struct Section {
    /// Its name; empty for what has none.
    pub(crate) name: String,
    /// Where it is in memory.
    pub(crate) address: u64,
    /// Where it is in the file.
    pub(crate) offset: u64,
    /// How many of its bytes are in the file.
    pub(crate) size: u64,
    /// Whether the program may write to it.
    pub(crate) is_writable: bool,
}

/// The format of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Elf,
    Pe,
    MachO,
}

/// An opened program: of a file with several, the first one.
pub(crate) struct Executable<'a> {
    /// Its format.
    pub(crate) format: Format,
    /// The program's bytes.
    pub(crate) content: Window<'a>,
    /// Its sections; none if they were stripped.
    pub(crate) sections: Vec<Section>,
    /// What is loaded where.
    pub(crate) segments: Vec<Section>,
}

impl Executable<'_> {
    /// The section with this name.
    pub(crate) fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name)
    }

    /// Where in the file an address is, and how many bytes follow there.
    pub(crate) fn place(&self, address: u64) -> Option<(u64, u64)> {
        self.segments.iter().find_map(|segment| {
            let inside = address.checked_sub(segment.address).filter(|inside| *inside < segment.size)?;
            Some((segment.offset.checked_add(inside)?, segment.size - inside))
        })
    }
}

/// Whether the entry may be a program: by its name, or because it may be executed.
pub(crate) fn wants(file: &File<'_>) -> bool {
    let name = file.name();
    let ends =
        |end: &[u8]| name.len() > end.len() && name[name.len() - end.len()..].eq_ignore_ascii_case(end);
    let is_named = || {
        [&b".so"[..], b".exe", b".dll", b".dylib", b".node"].into_iter().any(ends)
            || name.windows(4).any(|part| part == b".so.")
    };
    file.size >= LEAST_BYTES && (file.is_executable || is_named())
}

/// Reads the tables of a program; none for a file that is something else.
pub(crate) fn open(content: &dyn ReadAt) -> Result<Option<Executable<'_>>, AnalyzerError> {
    let mut magic = [0; 4];
    if content.size() < LEAST_BYTES {
        return Ok(None);
    }
    content.read_exact_at(0, &mut magic)?;
    let whole = Window::new(content, 0, content.size());
    let opened = match magic {
        [0x7f, b'E', b'L', b'F'] => elf::open(whole)?,
        [b'M', b'Z', ..] => pe::open(whole)?,
        _ => macho::open(whole, magic)?,
    };
    Ok(opened)
}

/// A table of a program.
pub(super) fn table(
    content: &dyn ReadAt,
    offset: u64,
    size: u64,
    what: &str,
) -> Result<Vec<u8>, AnalyzerError> {
    if size > MOST_TABLE_BYTES {
        return Err(broken(format!("{what} has {size} bytes")));
    }
    read_part(content, offset, size).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => broken(format!("{what} ends behind the end of the file")),
        _ => error.into(),
    })
}

/// The file begins as a program but is none.
pub(super) fn broken(reason: impl Into<String>) -> AnalyzerError {
    AnalyzerError::format(FORMAT, reason)
}
