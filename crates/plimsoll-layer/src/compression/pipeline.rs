//! Blocks of fixed size through worker threads and out again in order.
//!
//! The caller's thread fills blocks and writes results, so the destination need not be shared; a bounded number
//! of blocks is under way, so memory does not grow with the layer. A panic or an early end of a worker shows as an
//! error of the next write.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use super::ZSTD_BLOCK;
use super::gzip::Gzip;

/// Bytes of uncompressed blocks that may be under way; compressed ones take at most about as much again.
const MEMORY: usize = 32 << 20;

/// Format and level of the compressed blocks.
#[derive(Debug, Clone, Copy)]
pub(super) enum Codec {
    Gzip { level: u8, block_size: usize },
    Zstd { level: u8 },
}

impl Codec {
    pub(super) fn block_size(self) -> usize {
        match self {
            Self::Gzip { block_size, .. } => block_size,
            Self::Zstd { .. } => ZSTD_BLOCK,
        }
    }

    pub(super) fn start(self) -> io::Result<Compressor> {
        match self {
            Self::Gzip { level, .. } => {
                let level = libdeflater::CompressionLvl::new(i32::from(level))
                    .map_err(|_| io::Error::other(format!("there is no gzip level {level}")))?;
                Ok(Compressor::Gzip(Gzip::new(level)))
            }
            Self::Zstd { level } => Ok(Compressor::Zstd(zstd::bulk::Compressor::new(i32::from(level))?)),
        }
    }
}

/// One thread's compressor.
pub(super) enum Compressor {
    Gzip(Gzip),
    Zstd(zstd::bulk::Compressor<'static>),
}

impl Compressor {
    /// Replaces the content of `out` by the compressed block.
    pub(super) fn compress(&mut self, block: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::Gzip(gzip) => gzip.compress(block, out)?,
            Self::Zstd(compressor) => {
                out.clear();
                out.reserve(zstd::zstd_safe::compress_bound(block.len()));
                compressor.compress_to_buffer(block, out)?;
            }
        }
        Ok(())
    }
}

struct Job {
    number: u64,
    block: Vec<u8>,
    /// Buffer for the result, used again and again.
    out: Vec<u8>,
}

struct Done {
    number: u64,
    block: Vec<u8>,
    out: io::Result<Vec<u8>>,
}

pub(super) struct Pipeline<W: Write> {
    out: W,
    codec: Codec,
    /// Where each member that is written begins, and the place behind the last one.
    offsets: Vec<u64>,
    block_size: usize,
    block: Vec<u8>,
    /// Number of the next block to be handed out, and of the next to be written.
    next: u64,
    next_out: u64,
    runner: Runner,
}

impl<W: Write> std::fmt::Debug for Pipeline<W> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Pipeline").field("block_size", &self.block_size).finish_non_exhaustive()
    }
}

enum Runner {
    /// In the caller's thread; started with the first block.
    Inline {
        codec: Codec,
        compressor: Option<Compressor>,
        buffer: Vec<u8>,
    },
    Threads(Threads),
}

struct Threads {
    jobs: Option<Sender<Job>>,
    done: Receiver<Done>,
    workers: Vec<JoinHandle<()>>,
    /// Results that came before their turn.
    early: BTreeMap<u64, Vec<u8>>,
    most_under_way: u64,
    spare_blocks: Vec<Vec<u8>>,
    spare_outs: Vec<Vec<u8>>,
}

impl<W: Write> Pipeline<W> {
    pub(super) fn new(out: W, codec: Codec, threads: NonZeroUsize) -> Self {
        let block_size = codec.block_size();
        let most = MEMORY / block_size;
        let threads = threads.get().min(most);
        let runner = if threads == 1 {
            Runner::Inline { codec, compressor: None, buffer: Vec::new() }
        } else {
            Runner::Threads(Threads::start(codec, threads, most.min(2 * threads + 2)))
        };
        let block = Vec::with_capacity(block_size);
        Self { out, codec, offsets: vec![0], block_size, block, next: 0, next_out: 0, runner }
    }

    pub(super) fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(self.block_size - self.block.len()));
            self.block.extend_from_slice(now);
            bytes = later;
            if self.block.len() == self.block_size {
                self.hand_out()?;
            }
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> io::Result<W> {
        // Without any input there is still one member: an empty file is no gzip.
        if !self.block.is_empty() || self.next == 0 {
            self.hand_out()?;
        }
        if let Runner::Threads(threads) = &mut self.runner {
            threads.jobs = None;
        }
        self.drain()?;
        Ok(self.out)
    }

    /// Ends the block that is being filled; gives the number of the next one.
    pub(super) fn cut(&mut self) -> io::Result<usize> {
        if !self.block.is_empty() {
            self.hand_out()?;
        }
        Ok(usize::try_from(self.next).expect("that many blocks do not fit into memory"))
    }

    /// Waits for everything that is under way; gives where each member begins, and the place behind the last one.
    pub(super) fn offsets(&mut self) -> io::Result<Vec<u64>> {
        self.drain()?;
        Ok(self.offsets.clone())
    }

    /// Compresses some bytes as one member, whatever the size of blocks is.
    pub(super) fn write_member(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.drain()?;
        let mut compressed = Vec::new();
        self.codec.start()?.compress(bytes, &mut compressed)?;
        self.next += 1;
        self.next_out += 1;
        self.emit(&compressed)
    }

    fn drain(&mut self) -> io::Result<()> {
        while self.next_out < self.next {
            self.write_next()?;
        }
        Ok(())
    }

    /// Writes the block whose turn it is, when it is compressed.
    fn write_next(&mut self) -> io::Result<()> {
        let Runner::Threads(threads) = &mut self.runner else { return Ok(()) };
        let compressed = threads.take(self.next_out)?;
        self.next_out += 1;
        self.emit(&compressed)?;
        if let Runner::Threads(threads) = &mut self.runner {
            threads.spare_outs.push(compressed);
        }
        Ok(())
    }

    fn emit(&mut self, member: &[u8]) -> io::Result<()> {
        self.out.write_all(member)?;
        let end = self.offsets.last().copied().unwrap_or_default() + member.len() as u64;
        self.offsets.push(end);
        Ok(())
    }

    fn hand_out(&mut self) -> io::Result<()> {
        if let Runner::Threads(threads) = &self.runner {
            let most = threads.most_under_way;
            while self.next - self.next_out >= most {
                self.write_next()?;
            }
        }
        match &mut self.runner {
            Runner::Inline { codec, compressor, buffer } => {
                let compressor = match compressor {
                    Some(compressor) => compressor,
                    None => compressor.insert(codec.start()?),
                };
                compressor.compress(&self.block, buffer)?;
                self.block.clear();
                let member = std::mem::take(buffer);
                self.next_out += 1;
                self.emit(&member)?;
                if let Runner::Inline { buffer, .. } = &mut self.runner {
                    *buffer = member;
                }
            }
            Runner::Threads(threads) => {
                let fresh = threads.spare_blocks.pop().unwrap_or_else(|| Vec::with_capacity(self.block_size));
                let block = std::mem::replace(&mut self.block, fresh);
                let out = threads.spare_outs.pop().unwrap_or_default();
                let job = Job { number: self.next, block, out };
                let jobs = threads.jobs.as_ref().expect("closed by finish only");
                jobs.send(job).map_err(|_| worker_gone())?;
            }
        }
        self.next += 1;
        Ok(())
    }
}

impl Threads {
    fn start(codec: Codec, threads: usize, most_under_way: usize) -> Self {
        let (jobs, queue) = channel::<Job>();
        let (results, done) = channel();
        let queue = Arc::new(Mutex::new(queue));
        let workers = (0..threads).map(|_| {
            let (queue, results) = (Arc::clone(&queue), results.clone());
            std::thread::spawn(move || work(codec, &queue, &results))
        });
        Self {
            jobs: Some(jobs),
            done,
            workers: workers.collect(),
            early: BTreeMap::new(),
            most_under_way: most_under_way as u64,
            spare_blocks: Vec::new(),
            spare_outs: Vec::new(),
        }
    }

    /// Waits for the block whose turn it is.
    fn take(&mut self, number: u64) -> io::Result<Vec<u8>> {
        loop {
            if let Some(compressed) = self.early.remove(&number) {
                return Ok(compressed);
            }
            let mut done = self.done.recv().map_err(|_| worker_gone())?;
            done.block.clear();
            self.spare_blocks.push(done.block);
            self.early.insert(done.number, done.out?);
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.jobs = None;
        for worker in self.workers.drain(..) {
            // A worker that panicked has already shown as a missing result.
            drop(worker.join());
        }
    }
}

fn worker_gone() -> io::Error {
    io::Error::other("a compression thread ended early")
}

fn work(codec: Codec, queue: &Mutex<Receiver<Job>>, results: &Sender<Done>) {
    let mut compressor = codec.start();
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { number, block, mut out }) = job else { return };
        let result = match &mut compressor {
            Ok(compressor) => compressor.compress(&block, &mut out),
            Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
        };
        if results.send(Done { number, block, out: result.map(|()| out) }).is_err() {
            return;
        }
    }
}
