//! What a transfer tells while it runs.

use std::time::Duration;

use plimsoll_oci::Digest;

/// How a blob came to be where it was wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlobOutcome {
    /// All of its bytes were transferred.
    Transferred,
    /// The other side had it.
    Existed,
    /// The registry took it from another of its repositories.
    Mounted {
        /// The repository it was taken from.
        from: String,
    },
    /// The caller did not want it.
    Skipped,
}

/// One thing that happened.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum TransferEvent {
    /// Work on a blob has begun.
    Started {
        /// The blob.
        digest: Digest,
        /// Its size in bytes.
        size_bytes: u64,
    },
    /// The blob's transfer has come this far. The position falls when a transfer starts again.
    Position {
        /// The blob.
        digest: Digest,
        /// Bytes done, those of an earlier run included.
        position_bytes: u64,
    },
    /// The blob is where it was wanted.
    Finished {
        /// The blob.
        digest: Digest,
        /// How it came there.
        outcome: BlobOutcome,
    },
    /// A request failed and is sent again after a pause.
    Retrying {
        /// The endpoint.
        registry: String,
        /// The image or blob.
        name: String,
        /// The attempt that failed, from 1.
        attempt: u32,
        /// The pause before the next one.
        pause: Duration,
        /// The time since the first attempt.
        elapsed: Duration,
        /// Why it failed.
        reason: String,
    },
    /// A mirror could not serve something and the next endpoint is asked.
    MirrorFailed {
        /// The mirror.
        mirror: String,
        /// The image or blob.
        name: String,
        /// Why it could not.
        reason: String,
    },
}

/// Receives events; called from several transfers at once.
pub trait Progress: Send + Sync {
    /// Takes one event. Must not block.
    fn event(&self, event: TransferEvent);
}

impl<F: Fn(TransferEvent) + Send + Sync> Progress for F {
    fn event(&self, event: TransferEvent) {
        self(event);
    }
}

/// Takes every event and does nothing with it.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn event(&self, _event: TransferEvent) {}
}
