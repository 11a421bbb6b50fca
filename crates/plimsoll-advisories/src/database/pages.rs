//! The bytes of a database, read where they are needed.
//!
//! Small reads go through a few pages that are kept: what belongs together lies together, so most look-ups need one or two reads of the file.
//! Nothing is mapped into memory. A file that is shortened while it is open gives an error, not a signal.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::{Mutex, PoisonError};

/// The size of a page.
const PAGE_SIZE: u64 = 16 << 10;
/// How many are kept.
const KEPT: usize = 128;

#[derive(Debug)]
pub(crate) enum Storage {
    File(File),
    Memory(Vec<u8>),
}

/// A page's number and its bytes.
type Page = (u64, Box<[u8]>);

#[derive(Debug)]
pub(crate) struct Pages {
    storage: Storage,
    length: u64,
    kept: Mutex<Vec<Option<Page>>>,
}

impl Pages {
    pub(crate) fn new(storage: Storage) -> io::Result<Self> {
        let length = match &storage {
            Storage::File(file) => file.metadata()?.len(),
            Storage::Memory(bytes) => bytes.len() as u64,
        };
        Ok(Self { storage, length, kept: Mutex::new(Vec::new()) })
    }

    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Reads exactly the buffer's length, which the caller has compared with what is there.
    pub(crate) fn read_exact(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        match &self.storage {
            Storage::File(file) => file.read_exact_at(buffer, offset),
            Storage::Memory(bytes) => {
                let end = usize::try_from(offset).ok().and_then(|start| start.checked_add(buffer.len()));
                let start = usize::try_from(offset).unwrap_or(usize::MAX);
                let part = end.and_then(|end| bytes.get(start..end));
                buffer.copy_from_slice(part.ok_or(io::ErrorKind::UnexpectedEof)?);
                Ok(())
            }
        }
    }

    /// Appends up to `length` bytes from an offset on, fewer at the end of the database.
    pub(crate) fn append(&self, out: &mut Vec<u8>, offset: u64, length: u64) -> io::Result<()> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.resize_with(KEPT, || None);
        let end = offset.saturating_add(length).min(self.length);
        let mut at = offset;
        while at < end {
            let number = at / PAGE_SIZE;
            let place = (number % KEPT as u64) as usize;
            if kept[place].as_ref().is_none_or(|(known, _)| *known != number) {
                let start = number * PAGE_SIZE;
                #[expect(clippy::cast_possible_truncation, reason = "it is at most a page")]
                let mut page = vec![0; PAGE_SIZE.min(self.length - start) as usize].into_boxed_slice();
                self.read_exact(&mut page, start)?;
                kept[place] = Some((number, page));
            }
            let Some((_, page)) = &kept[place] else { return Err(io::ErrorKind::UnexpectedEof.into()) };
            #[expect(clippy::cast_possible_truncation, reason = "both are within a page")]
            let (from, to) =
                ((at % PAGE_SIZE) as usize, (end - number * PAGE_SIZE).min(page.len() as u64) as usize);
            out.extend_from_slice(&page[from..to]);
            at = (number + 1) * PAGE_SIZE;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    #[expect(clippy::cast_possible_truncation, reason = "the file is small")]
    fn pages_give_what_the_file_has() {
        let bytes: Vec<u8> = (0..3 * PAGE_SIZE + 17).map(|number| (number % 251) as u8).collect();
        let mut file = tempfile::tempfile().expect("a temporary file");
        file.write_all(&bytes).expect("it can be written");
        for storage in [Storage::File(file), Storage::Memory(bytes.clone())] {
            let pages = Pages::new(storage).expect("it has a length");
            for (offset, length) in
                [(0, 10), (PAGE_SIZE - 1, 2), (5, 3 * PAGE_SIZE), (3 * PAGE_SIZE, 100), (0, u64::MAX)]
            {
                let mut out = Vec::new();
                pages.append(&mut out, offset, length).expect("it can be read");
                let end = offset.saturating_add(length).min(bytes.len() as u64) as usize;
                assert_eq!(out, &bytes[offset as usize..end], "{offset} {length}");
            }
            let mut out = Vec::new();
            pages.append(&mut out, u64::MAX, 10).expect("nothing is there");
            assert!(out.is_empty());
            assert!(pages.read_exact(&mut [0; 4], bytes.len() as u64 - 3).is_err());
        }
    }
}
