//! Sorting more than memory holds: sorted runs on disk, merged at the end.
//!
//! Items are ordered by their bytes, so the result does not depend on the order in which they came.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};

use crate::error::BuildError;

/// How many bytes of items are sorted in memory.
pub(crate) const RUN_SIZE: usize = 32 << 20;
/// Of each run that many bytes are read at once while runs are merged.
const BUFFER: usize = 1 << 16;
/// So many runs are merged to one before more are written: each has an open file and a buffer.
const MOST_RUNS: usize = 128;

/// Takes items in any order.
#[derive(Debug)]
pub(crate) struct Sorter {
    directory: PathBuf,
    run_size: usize,
    arena: Vec<u8>,
    items: Vec<(usize, usize)>,
    runs: Vec<File>,
}

impl Sorter {
    pub(crate) fn new(directory: &Path, run_size: usize) -> Self {
        Self {
            directory: directory.to_owned(),
            run_size,
            arena: Vec::new(),
            items: Vec::new(),
            runs: Vec::new(),
        }
    }

    fn failed(&self, source: io::Error) -> BuildError {
        BuildError::Sort { directory: self.directory.clone(), source }
    }

    pub(crate) fn push(&mut self, item: &[u8]) -> Result<(), BuildError> {
        let item_size = item.len() + size_of::<(usize, usize)>();
        let filled = self.arena.len() + self.items.len() * size_of::<(usize, usize)>();
        if !self.items.is_empty() && filled + item_size > self.run_size {
            self.write_run().map_err(|source| self.failed(source))?;
        }
        let start = self.arena.len();
        self.arena.extend_from_slice(item);
        self.items.push((start, self.arena.len()));
        Ok(())
    }

    fn sort(&mut self) {
        let arena = &self.arena;
        self.items.sort_unstable_by(|left, right| arena[left.0..left.1].cmp(&arena[right.0..right.1]));
    }

    fn write_run(&mut self) -> io::Result<()> {
        if self.runs.len() >= MOST_RUNS {
            let runs = std::mem::take(&mut self.runs);
            let mut merged = Sorted { runs: Runs::of_files(runs)?, directory: self.directory.clone() };
            let mut out = BufWriter::with_capacity(BUFFER, tempfile::tempfile_in(&self.directory)?);
            let mut item = Vec::new();
            while merged.next_item(&mut item)? {
                write_item(&mut out, &item)?;
            }
            self.runs.push(rewound(out)?);
        }
        self.sort();
        let mut out = BufWriter::with_capacity(BUFFER, tempfile::tempfile_in(&self.directory)?);
        for (start, end) in &self.items {
            write_item(&mut out, &self.arena[*start..*end])?;
        }
        self.runs.push(rewound(out)?);
        self.arena.clear();
        self.items.clear();
        Ok(())
    }

    /// All items in order.
    pub(crate) fn finish(mut self) -> Result<Sorted, BuildError> {
        let directory = self.directory.clone();
        let runs = if self.runs.is_empty() {
            self.sort();
            Ok(Runs::Memory { arena: self.arena, items: self.items.into_iter() })
        } else {
            self.write_run().and_then(|()| Runs::of_files(std::mem::take(&mut self.runs)))
        };
        match runs {
            Ok(runs) => Ok(Sorted { runs, directory }),
            Err(source) => Err(BuildError::Sort { directory, source }),
        }
    }
}

fn write_item(out: &mut impl Write, item: &[u8]) -> io::Result<()> {
    let length = u32::try_from(item.len()).map_err(|_| io::Error::other("an item is too long"))?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(item)
}

fn rewound(out: BufWriter<File>) -> io::Result<File> {
    let mut file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.rewind()?;
    Ok(file)
}

/// Items in the order of their bytes.
#[derive(Debug)]
pub(crate) struct Sorted {
    runs: Runs,
    directory: PathBuf,
}

#[derive(Debug)]
enum Runs {
    Memory { arena: Vec<u8>, items: std::vec::IntoIter<(usize, usize)> },
    Files { readers: Vec<BufReader<File>>, heap: BinaryHeap<Reverse<(Vec<u8>, usize)>> },
}

impl Runs {
    fn of_files(files: Vec<File>) -> io::Result<Self> {
        let mut readers: Vec<_> =
            files.into_iter().map(|file| BufReader::with_capacity(BUFFER, file)).collect();
        let mut heap = BinaryHeap::new();
        for (place, reader) in readers.iter_mut().enumerate() {
            let mut item = Vec::new();
            if read_item(reader, &mut item)? {
                heap.push(Reverse((item, place)));
            }
        }
        Ok(Self::Files { readers, heap })
    }
}

fn read_item(reader: &mut impl Read, item: &mut Vec<u8>) -> io::Result<bool> {
    let mut length = [0; 4];
    match reader.read_exact(&mut length) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(false),
        Err(error) => return Err(error),
    }
    item.resize(u32::from_le_bytes(length) as usize, 0);
    reader.read_exact(item)?;
    Ok(true)
}

impl Sorted {
    /// Puts the next item into a buffer; says whether there was one.
    pub(crate) fn next(&mut self, item: &mut Vec<u8>) -> Result<bool, BuildError> {
        self.next_item(item).map_err(|source| BuildError::Sort { directory: self.directory.clone(), source })
    }

    fn next_item(&mut self, item: &mut Vec<u8>) -> io::Result<bool> {
        match &mut self.runs {
            Runs::Memory { arena, items } => {
                let Some((start, end)) = items.next() else { return Ok(false) };
                item.clear();
                item.extend_from_slice(&arena[start..end]);
                Ok(true)
            }
            Runs::Files { readers, heap } => {
                let Some(mut first) = heap.peek_mut() else { return Ok(false) };
                let Reverse((next, place)) = &mut *first;
                std::mem::swap(next, item);
                if !read_item(&mut readers[*place], next)? {
                    PeekMut::pop(first);
                }
                Ok(true)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(run_size: usize, items: &[Vec<u8>]) -> (Vec<Vec<u8>>, usize) {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let mut sorter = Sorter::new(directory.path(), run_size);
        for item in items {
            sorter.push(item).expect("items can be written");
        }
        let runs = sorter.runs.len();
        let mut sorted = sorter.finish().expect("runs can be read");
        let (mut out, mut item) = (Vec::new(), Vec::new());
        while sorted.next(&mut item).expect("runs can be read") {
            out.push(item.clone());
        }
        (out, runs)
    }

    #[test]
    fn runs_on_disk_give_what_memory_gives() {
        let items: Vec<Vec<u8>> =
            (0_u32..5000).map(|number| number.wrapping_mul(2_654_435_761).to_string().into_bytes()).collect();
        let mut expected = items.clone();
        expected.sort();
        let (memory, none) = sorted(1 << 20, &items);
        let (disk, many) = sorted(1000, &items);
        assert_eq!((none, memory == expected), (0, true));
        assert!(disk == expected);
        assert!(many > 1, "{many} runs");
    }

    #[test]
    fn nothing_is_sorted_to_nothing() {
        assert_eq!(sorted(10, &[]).0, Vec::<Vec<u8>>::new());
        assert_eq!(sorted(10, &[vec![], vec![0; 100]]).0, [vec![], vec![0; 100]]);
    }
}
