//! Blobs that are only in a registry, fetched when they are needed.

use std::io::{self, Read};
use std::str::FromStr;
use std::sync::Arc;

use plimsoll_export::TransferProgress;
use plimsoll_oci::{Descriptor, Digest, Reference};
use plimsoll_registry::{BlobSink, BlockingClient};
use plimsoll_snapshot::{BlobFetcher, FetchError};
use plimsoll_solver::EventSink;
use plimsoll_store::{PartialBlob, Store};

/// Blobs fetched at the same time.
const PARALLEL: usize = 4;

/// Fetches blobs from the repositories that the store remembers for them.
pub struct RegistryFetcher {
    /// The store.
    pub store: Store,
    /// The client.
    pub client: Arc<BlockingClient>,
    /// Where progress goes.
    pub events: Arc<dyn EventSink>,
}

impl BlobFetcher for RegistryFetcher {
    fn fetch(&self, blobs: &[Descriptor]) -> Result<bool, FetchError> {
        let next = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            let work = || {
                let mut all = true;
                while let Some(blob) = blobs.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                    all &= self.fetch_one(blob)?;
                }
                Ok::<bool, FetchError>(all)
            };
            let workers: Vec<_> = (0..blobs.len().min(PARALLEL)).map(|_| scope.spawn(work)).collect();
            workers.into_iter().try_fold(true, |all, worker| {
                Ok(worker.join().expect("a fetching thread does not panic")? && all)
            })
        })
    }
}

impl RegistryFetcher {
    fn fetch_one(&self, blob: &Descriptor) -> Result<bool, FetchError> {
        let mut failure: Option<FetchError> = None;
        for location in self.store.blob_sources(&blob.digest)? {
            let Ok(reference) = Reference::from_str(&location) else { continue };
            match self.fetch_from(&reference, blob) {
                Ok(()) => return Ok(true),
                Err(error) => failure = Some(error),
            }
        }
        failure.map_or(Ok(false), Err)
    }

    fn fetch_from(&self, reference: &Reference, blob: &Descriptor) -> Result<(), FetchError> {
        let sink = StoreSink::new(&self.store, &blob.digest)?;
        // Another process may have fetched it while this one waited for the partial file.
        if self.store.has_blob(&blob.digest)? {
            return Ok(());
        }
        let progress = TransferProgress::new(&*self.events, "pulling");
        self.client.pull_blob(reference, blob, sink, &progress)?;
        Ok(())
    }
}

/// A blob's way into the store; what a broken transfer leaves is continued next time.
pub(crate) struct StoreSink {
    partial: Option<PartialBlob>,
}

impl StoreSink {
    pub(crate) fn new(store: &Store, digest: &Digest) -> Result<Self, plimsoll_store::Error> {
        let partial = store.partial_blob(digest, &mut |_| std::ops::ControlFlow::Continue(()))?;
        Ok(Self { partial: Some(partial) })
    }

    fn partial(&mut self) -> io::Result<&mut PartialBlob> {
        self.partial.as_mut().ok_or_else(|| io::Error::other("the blob is complete already"))
    }
}

impl BlobSink for StoreSink {
    fn existing(&mut self) -> io::Result<Option<Box<dyn Read + Send>>> {
        let partial = self.partial()?;
        Ok(if partial.size() == 0 {
            None
        } else {
            Some(Box::new(partial.reader().map_err(io::Error::other)?))
        })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        io::Write::write_all(self.partial()?, bytes)
    }

    fn restart(&mut self) -> io::Result<()> {
        self.partial()?.restart().map_err(io::Error::other)
    }

    fn commit(&mut self) -> io::Result<()> {
        let partial = self.partial.take();
        let partial = partial.ok_or_else(|| io::Error::other("the blob is complete already"))?;
        partial.commit().map(drop).map_err(io::Error::other)
    }
}
