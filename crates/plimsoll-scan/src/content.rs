//! The bytes of one file of a layer, at hand for reading at any place.
//!
//! A stream gives each byte once, and analyzers jump. Small files are kept in memory; what is larger goes through a file without
//! a name, so that a scan needs the same memory whatever an image holds.

use std::fs::File;
use std::io::{self, Read, Seek as _, Write as _};
use std::path::Path;

use plimsoll_packages::{OpenFile, ReadAt};

/// Files of up to this many bytes stay in memory.
const MEMORY: u64 = 4 << 20;

/// The bytes of a file.
pub(crate) enum Content {
    Memory(Vec<u8>),
    Spooled(OpenFile),
}

impl Content {
    /// Reads all of a stream; what does not fit into memory is written to a file in `directory` that has no name.
    pub(crate) fn read(stream: &mut dyn Read, directory: &Path) -> io::Result<Self> {
        let mut bytes = Vec::new();
        Read::take(&mut *stream, MEMORY).read_to_end(&mut bytes)?;
        if (bytes.len() as u64) < MEMORY {
            return Ok(Self::Memory(bytes));
        }
        let mut file = tempfile::tempfile_in(directory)?;
        file.write_all(&bytes)?;
        io::copy(stream, &mut file)?;
        file.rewind()?;
        Self::of_file(file)
    }

    /// The bytes of an open file.
    pub(crate) fn of_file(file: File) -> io::Result<Self> {
        Ok(Self::Spooled(OpenFile::new(file)?))
    }

    /// Reads the bytes from the first to the last.
    pub(crate) fn reader(&self) -> Reader<'_> {
        Reader { content: self.as_read_at(), position: 0 }
    }

    pub(crate) fn as_read_at(&self) -> &dyn ReadAt {
        match self {
            Self::Memory(bytes) => bytes,
            Self::Spooled(file) => file,
        }
    }
}

/// Reads bytes from the first to the last.
pub(crate) struct Reader<'c> {
    content: &'c dyn ReadAt,
    position: u64,
}

impl Read for Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.content.read_at(self.position, buffer)?;
        self.position += count as u64;
        Ok(count)
    }
}
