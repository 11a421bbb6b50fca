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

use super::gzip::Gzip;
use super::{GZIP_BLOCK, ZSTD_BLOCK};

/// Bytes of uncompressed blocks that may be under way; compressed ones take at most about as much again.
const MEMORY: usize = 32 << 20;

/// Format and level of the compressed blocks.
#[derive(Debug, Clone, Copy)]
pub(super) enum Codec {
    Gzip { level: u8 },
    Zstd { level: u8 },
}

impl Codec {
    pub(super) fn block_size(self) -> usize {
        match self {
            Self::Gzip { .. } => GZIP_BLOCK,
            Self::Zstd { .. } => ZSTD_BLOCK,
        }
    }

    pub(super) fn start(self) -> io::Result<Compressor> {
        match self {
            Self::Gzip { level } => {
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
        Self { out, block_size, block: Vec::with_capacity(block_size), next: 0, next_out: 0, runner }
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
            while self.next_out < self.next {
                threads.write_next(&mut self.out, &mut self.next_out)?;
            }
        }
        Ok(self.out)
    }

    fn hand_out(&mut self) -> io::Result<()> {
        match &mut self.runner {
            Runner::Inline { codec, compressor, buffer } => {
                let compressor = match compressor {
                    Some(compressor) => compressor,
                    None => compressor.insert(codec.start()?),
                };
                compressor.compress(&self.block, buffer)?;
                self.out.write_all(buffer)?;
                self.block.clear();
            }
            Runner::Threads(threads) => {
                while self.next - self.next_out >= threads.most_under_way {
                    threads.write_next(&mut self.out, &mut self.next_out)?;
                }
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

    /// Waits for the block whose turn it is and writes it.
    fn write_next(&mut self, out: &mut dyn Write, next_out: &mut u64) -> io::Result<()> {
        let compressed = loop {
            if let Some(compressed) = self.early.remove(next_out) {
                break compressed;
            }
            let mut done = self.done.recv().map_err(|_| worker_gone())?;
            done.block.clear();
            self.spare_blocks.push(done.block);
            self.early.insert(done.number, done.out?);
        };
        out.write_all(&compressed)?;
        self.spare_outs.push(compressed);
        *next_out += 1;
        Ok(())
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
