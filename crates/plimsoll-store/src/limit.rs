//! The size limit: asked before anything large is written.

use std::io;

use rustix::fs::statvfs;

use crate::Store;
use crate::database::Size;
use crate::error::{Error, IoContext as _, Result};
use crate::layout::{BLOBS, LAYERS};
use crate::prune::{PruneOptions, PruneReport};
use crate::usage::{Meter, entries};

/// How much the store may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreLimits {
    /// The most that the store may take, in bytes; none for no limit.
    pub max_bytes: Option<u64>,
    /// How many bytes of the file system must stay free.
    pub reserve_free_bytes: u64,
}

/// The most bytes that a file may grow by before the limits are asked again.
const STRIDE: u64 = 16 << 20;

/// What a file that is being written may still grow by: archives and servers do not always say beforehand how long they are.
#[derive(Debug, Default)]
pub(crate) struct Room {
    left: u64,
}

impl Room {
    /// Asks the store's limits when what was granted is used up; `size` bytes were written so far.
    pub(crate) fn for_writing(&mut self, store: &Store, size: u64, bytes: usize) -> io::Result<()> {
        let bytes = bytes as u64;
        if bytes > self.left {
            // As much again as is there, so that a small file is not refused for the want of a large one's room.
            let grant = size.min(STRIDE).max(bytes);
            if let Some(limits) = store.limits() {
                store.ensure_free(limits, grant).map_err(io::Error::other)?;
                store.make_room_below_limit(limits, size + grant).map_err(io::Error::other)?;
            }
            self.left = grant;
        }
        self.left -= bytes;
        Ok(())
    }
}

impl Store {
    /// Sets what this handle and its clones keep to when they write blobs. Only the first call counts.
    pub fn keep_to(&self, limits: StoreLimits) {
        self.limit_cell().set(limits).ok();
    }

    fn limits(&self) -> Option<&StoreLimits> {
        self.limit_cell().get()
    }

    /// Fails with [`Error::StoreFull`] or [`Error::DiskFull`] if so many more bytes would be too much.
    ///
    /// Layers and blobs count with the sizes on record, everything else as it was when this handle was first asked, so that
    /// asking often is cheap.
    pub fn ensure_room(&self, limits: &StoreLimits, bytes: u64) -> Result<()> {
        self.ensure_free(limits, bytes)?;
        self.ensure_below_limit(limits, bytes)
    }

    fn ensure_free(&self, limits: &StoreLimits, bytes: u64) -> Result<()> {
        let available = self.available_bytes()?;
        if available < bytes.saturating_add(limits.reserve_free_bytes) {
            return Err(Error::DiskFull {
                path: self.root().to_owned(),
                needed: bytes,
                available,
                reserve: limits.reserve_free_bytes,
            });
        }
        Ok(())
    }

    fn ensure_below_limit(&self, limits: &StoreLimits, bytes: u64) -> Result<()> {
        let Some(limit) = limits.max_bytes else { return Ok(()) };
        let used = self.estimated_bytes()?;
        if used.saturating_add(bytes) > limit {
            return Err(Error::StoreFull { needed: bytes, used, limit });
        }
        Ok(())
    }

    /// The same, but removes what was not used for longest if the store's limit is in the way.
    pub fn make_room(&self, limits: &StoreLimits, bytes: u64) -> Result<Option<PruneReport>> {
        self.ensure_free(limits, bytes)?;
        self.make_room_below_limit(limits, bytes)
    }

    fn make_room_below_limit(&self, limits: &StoreLimits, bytes: u64) -> Result<Option<PruneReport>> {
        match (self.ensure_below_limit(limits, bytes), limits.max_bytes) {
            (Err(Error::StoreFull { .. }), Some(limit)) => {
                let keep_storage_bytes = Some(limit.saturating_sub(bytes));
                let report = self.prune(&PruneOptions { keep_storage_bytes, ..PruneOptions::default() })?;
                self.ensure_below_limit(limits, bytes).map(|()| Some(report))
            }
            (other, _) => other.map(|()| None),
        }
    }

    /// How many bytes a user may still write on the store's file system. Cheap enough to watch during a step.
    pub fn available_bytes(&self) -> Result<u64> {
        let status = statvfs(self.root()).on("examine the file system of", self.root())?;
        Ok(status.f_bavail.saturating_mul(status.f_frsize))
    }

    fn estimated_bytes(&self) -> Result<u64> {
        let recorded = self.database().read("sum up sizes", |connection| {
            connection
                .prepare_cached(
                    "SELECT coalesce((SELECT sum(size) FROM layers), 0) + coalesce((SELECT sum(size) FROM blobs), 0)",
                )?
                .query_row([], |row| row.get::<_, Size>(0))
        })?;
        let mut rest = self.rest_bytes();
        let rest = if let Some(bytes) = *rest {
            bytes
        } else {
            let mut meter = Meter::default();
            let mut bytes = 0;
            for name in entries(self.root())? {
                if name != BLOBS && name != LAYERS {
                    bytes += meter.measure(&self.root().join(name))?;
                }
            }
            *rest = Some(bytes);
            bytes
        };
        Ok(recorded.0.saturating_add(rest))
    }
}
