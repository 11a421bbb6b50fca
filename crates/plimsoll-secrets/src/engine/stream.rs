//! A file of any size, block by block, in constant memory.

use std::io::{self, Read};

use super::search::{MOST_AFTER, MOST_BEFORE, MOST_FOUND, Part, Search, Subject};
use crate::finding::Candidate;

/// How much is read before a search.
pub(crate) const BLOCK: usize = 256 << 10;

/// What was read and not yet given up.
pub(crate) struct Stream<R> {
    reader: R,
    buffer: Vec<u8>,
    is_read: bool,
    offset: u64,
    lines: u64,
    line_start: u64,
    /// Up to where keywords have been looked for.
    searched: usize,
}

impl<R: Read> Stream<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self { reader, buffer: Vec::new(), is_read: false, offset: 0, lines: 0, line_start: 0, searched: 0 }
    }

    /// Reads until the buffer has so many bytes, or to the end.
    pub(crate) fn fill(&mut self, size: usize) -> io::Result<()> {
        if self.is_read || self.buffer.len() >= size {
            return Ok(());
        }
        let missing = (size - self.buffer.len()) as u64;
        let read = (&mut self.reader).take(missing).read_to_end(&mut self.buffer)?;
        self.is_read = (read as u64) < missing;
        Ok(())
    }

    pub(crate) fn buffer(&self) -> &[u8] {
        &self.buffer
    }

    /// Whether the buffer has all of the file.
    pub(crate) fn is_whole(&self) -> bool {
        self.is_read && self.offset == 0
    }

    pub(crate) fn read_bytes(&self) -> u64 {
        self.offset + self.buffer.len() as u64
    }

    /// Searches to the end, or until there are too many findings.
    pub(crate) fn search(
        &mut self,
        block: usize,
        search: &Search,
        subject: Subject<'_>,
        found: &mut Vec<Candidate>,
    ) -> io::Result<()> {
        let block = block.max(2 * (MOST_BEFORE + MOST_AFTER));
        loop {
            self.fill(block)?;
            let end = if self.is_read { self.buffer.len() } else { self.buffer.len() - MOST_AFTER };
            search.run(self.part(), self.searched..end, subject, found);
            if self.is_read || found.len() >= MOST_FOUND {
                return Ok(());
            }
            self.searched = end;
            self.forget(end - MOST_BEFORE);
        }
    }

    pub(crate) fn part(&self) -> Part<'_> {
        Part { bytes: &self.buffer, offset: self.offset, lines: self.lines, line_start: self.line_start }
    }

    fn forget(&mut self, count: usize) {
        let gone = &self.buffer[..count];
        self.lines += memchr::memchr_iter(b'\n', gone).count() as u64;
        if let Some(last) = memchr::memrchr(b'\n', gone) {
            self.line_start = self.offset + last as u64 + 1;
        }
        self.buffer.drain(..count);
        self.offset += count as u64;
        self.searched -= count;
    }
}
