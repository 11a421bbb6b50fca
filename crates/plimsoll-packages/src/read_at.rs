//! Bytes that can be read at any place: a slice, an open file.

use std::io;
use std::os::unix::fs::FileExt;

/// Bytes of a known length that can be read at any place.
pub trait ReadAt {
    /// How many bytes there are.
    fn size(&self) -> u64;

    /// Reads at least one byte at `offset`, or none at the end.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// Fills the buffer from `offset` on.
    fn read_exact_at(&self, mut offset: u64, mut buffer: &mut [u8]) -> io::Result<()> {
        while !buffer.is_empty() {
            match self.read_at(offset, buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => {
                    buffer = &mut buffer[count..];
                    offset += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl ReadAt for [u8] {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = usize::try_from(offset).ok().and_then(|start| self.get(start..)).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
}

impl ReadAt for Vec<u8> {
    fn size(&self) -> u64 {
        self.as_slice().size()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.as_slice().read_at(offset, buffer)
    }
}

/// A file that was opened for reading, with the size that it had then.
#[derive(Debug)]
pub struct OpenFile {
    file: std::fs::File,
    size: u64,
}

impl OpenFile {
    /// Takes the size that the file has now.
    pub fn new(file: std::fs::File) -> io::Result<Self> {
        let size = file.metadata()?.len();
        Ok(Self { file, size })
    }
}

impl ReadAt for OpenFile {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        FileExt::read_at(&self.file, buffer, offset)
    }
}

/// A part of other bytes.
#[derive(Clone, Copy)]
pub(crate) struct Window<'a> {
    content: &'a dyn ReadAt,
    start: u64,
    size: u64,
}

impl<'a> Window<'a> {
    /// `size` bytes from `start` on, or as many of them as there are.
    pub(crate) fn new(content: &'a dyn ReadAt, start: u64, size: u64) -> Self {
        let start = start.min(content.size());
        Self { content, start, size: size.min(content.size() - start) }
    }

    /// The same within this part, without a part in between.
    pub(crate) fn part(&self, start: u64, size: u64) -> Self {
        let start = start.min(self.size);
        Self { content: self.content, start: self.start + start, size: size.min(self.size - start) }
    }
}

impl ReadAt for Window<'_> {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = self.size.saturating_sub(offset);
        let count = usize::try_from(rest).map_or(buffer.len(), |rest| rest.min(buffer.len()));
        if count == 0 { Ok(0) } else { self.content.read_at(self.start + offset, &mut buffer[..count]) }
    }
}

/// All bytes, if there are no more than `most`.
pub fn read_whole(content: &dyn ReadAt, most: u64) -> io::Result<Vec<u8>> {
    let size = content.size();
    if size > most {
        let message = format!("{size} bytes are more than the {most} that are read of such a file");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    let mut bytes = vec![0; usize::try_from(size).map_err(io::Error::other)?];
    content.read_exact_at(0, &mut bytes)?;
    Ok(bytes)
}

/// The first bytes, at most `most`.
pub(crate) fn read_start(content: &dyn ReadAt, most: u64) -> io::Result<Vec<u8>> {
    read_part(content, 0, content.size().min(most))
}

/// `count` bytes from `offset` on. Nothing is allocated for bytes beyond the end.
pub(crate) fn read_part(content: &dyn ReadAt, offset: u64, count: u64) -> io::Result<Vec<u8>> {
    if offset.checked_add(count).is_none_or(|end| end > content.size()) {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let mut bytes = vec![0; usize::try_from(count).map_err(io::Error::other)?];
    content.read_exact_at(offset, &mut bytes)?;
    Ok(bytes)
}
