//! A digest that is computed beside the work on the bytes: two of them a layer would keep the writing thread busier than
//! everything else that it does.

use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

use plimsoll_oci::{Digest, Hasher};

/// Bytes that are handed over at once; shorter inputs are digested without a thread.
const PIECE: usize = 1 << 20;
/// Pieces that may wait for the thread, so that memory stays bounded.
const WAITING: usize = 4;

/// Takes bytes in order and gives their digest in the end.
#[derive(Debug)]
pub(super) struct BackgroundDigest {
    piece: Vec<u8>,
    worker: Worker,
}

#[derive(Debug)]
enum Worker {
    /// In the caller's thread, always.
    Inline(Hasher),
    /// Nothing was handed over yet.
    NotStarted,
    Thread(Thread),
}

#[derive(Debug)]
struct Thread {
    pieces: SyncSender<Vec<u8>>,
    /// Pieces that were read, to be filled again.
    spare: Receiver<Vec<u8>>,
    handle: JoinHandle<Hasher>,
}

impl BackgroundDigest {
    /// A digest in the caller's thread, or `beside` it.
    pub(super) fn new(beside: bool) -> Self {
        let worker = if beside { Worker::NotStarted } else { Worker::Inline(Hasher::new()) };
        Self { piece: Vec::new(), worker }
    }

    pub(super) fn update(&mut self, mut bytes: &[u8]) {
        if let Worker::Inline(hasher) = &mut self.worker {
            hasher.update(bytes);
            return;
        }
        while self.piece.len() + bytes.len() >= PIECE {
            let (now, later) = bytes.split_at(PIECE - self.piece.len());
            self.piece.extend_from_slice(now);
            bytes = later;
            self.hand_over();
        }
        self.piece.extend_from_slice(bytes);
    }

    fn hand_over(&mut self) {
        if let Worker::NotStarted = self.worker {
            self.worker = Worker::Thread(Thread::start());
        }
        let Worker::Thread(thread) = &self.worker else { return };
        let mut next = thread.spare.try_recv().unwrap_or_else(|_| Vec::with_capacity(PIECE));
        next.clear();
        let piece = std::mem::replace(&mut self.piece, next);
        thread.pieces.send(piece).expect("the digesting thread ends after its last piece");
    }

    pub(super) fn finish(self) -> Digest {
        let mut hasher = match self.worker {
            Worker::Inline(hasher) => hasher,
            Worker::NotStarted => Hasher::new(),
            Worker::Thread(Thread { pieces, handle, .. }) => {
                drop(pieces);
                handle.join().expect("digesting does not panic")
            }
        };
        hasher.update(&self.piece);
        hasher.finish()
    }
}

impl Thread {
    fn start() -> Self {
        let (pieces, queue) = sync_channel(WAITING);
        let (returns, spare) = channel();
        let handle = std::thread::spawn(move || work(&queue, &returns));
        Self { pieces, spare, handle }
    }
}

fn work(queue: &Receiver<Vec<u8>>, returns: &Sender<Vec<u8>>) -> Hasher {
    let mut hasher = Hasher::new();
    for piece in queue {
        hasher.update(&piece);
        // Nobody fills it again after the last one.
        returns.send(piece).ok();
    }
    hasher
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_any_size_give_the_digest_of_the_whole() {
        let data: Vec<u8> = (0..=250).cycle().take(5 * PIECE + 77).collect();
        for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, data.len()] {
            for step in [PIECE / 3 + 1, 3 * PIECE, 1000] {
                for beside in [false, true] {
                    let mut digest = BackgroundDigest::new(beside);
                    data[..length].chunks(step).for_each(|piece| digest.update(piece));
                    assert_eq!(digest.finish(), Digest::of(&data[..length]), "{length} {step} {beside}");
                }
            }
        }
    }
}
