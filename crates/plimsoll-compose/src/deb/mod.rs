//! Binary packages (deb(5)): an `ar` archive of a control tar and a data tar.
//!
//! The data tar is read once; what its files hold goes into a spool file, so that memory does not grow with the
//! packages.

mod ar;
mod control;
mod data;

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use plimsoll_layer::Entry;

pub(crate) use control::Control;
pub(crate) use data::Spool;

use crate::error::ComposeError;

/// A package that was read.
#[derive(Debug)]
pub(crate) struct Deb {
    pub(crate) control: Control,
    /// In the order of the data tar, paths as in the package.
    pub(crate) entries: Vec<(Entry, Option<Content>)>,
}

/// Where the bytes of a file are.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    /// In a spool file.
    Spooled { file: Arc<File>, offset: u64, size_bytes: u64 },
    /// Here.
    Bytes(Arc<[u8]>),
}

impl Content {
    /// A reader from the start; several may read at once.
    pub(crate) fn reader(&self) -> Box<dyn Read> {
        match self {
            Self::Spooled { file, offset, size_bytes } => {
                let part = FilePart { file: Arc::clone(file), offset: *offset, left: *size_bytes };
                Box::new(BufReader::with_capacity(64 << 10, part))
            }
            Self::Bytes(bytes) => Box::new(io::Cursor::new(Arc::clone(bytes))),
        }
    }

    /// All bytes, for files that are known to be small.
    pub(crate) fn bytes(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.reader().read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

#[derive(Debug)]
struct FilePart {
    file: Arc<File>,
    offset: u64,
    left: u64,
}

impl Read for FilePart {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if length == 0 {
            return Ok(0);
        }
        let read = self.file.read_at(&mut buffer[..length], self.offset)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.offset += read as u64;
        self.left -= read as u64;
        Ok(read)
    }
}

/// Reads a package file.
pub(crate) fn read(file: File, package: &str, spool: &mut Spool) -> Result<Deb, ComposeError> {
    let bad = |problem| ComposeError::BadPackage { package: package.to_owned(), problem };
    let failed = |source| ComposeError::PackageData { package: package.to_owned(), source };
    let mut archive = ar::Archive::new(BufReader::with_capacity(128 << 10, file)).map_err(failed)?;
    let mut control = None;
    while let Some(member) = archive.next_member().map_err(failed)? {
        let name = member.name.clone();
        if name.starts_with("control.tar") {
            control = Some(control::read(&name, member, package)?);
        } else if name.starts_with("data.tar") {
            let control = control.ok_or_else(|| bad("its data comes before its control file"))?;
            let entries = data::read(&name, member, package, spool)?;
            return Ok(Deb { control, entries });
        }
    }
    Err(bad("it has no data"))
}
