//! The same client for callers without an asynchronous runtime.

use std::fmt;
use std::io;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use plimsoll_oci::{Descriptor, Platform, Reference};
use tokio::runtime::Runtime;

use crate::client::{Client, ClientOptions};
use crate::credentials::Credential;
use crate::error::{Error, Result};
use crate::progress::{BlobOutcome, Progress};
use crate::transfer::{BlobSink, PushBlob, PushImage, RemoteImage};

/// Threads that drive the connections; hashing and disk work have others.
const WORKERS: usize = 2;
/// How long threads may go on when the client ends.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(5);

/// [`Client`] with blocking verbs. Its threads start with the first request; making one costs nothing.
///
/// It must not be used from inside an asynchronous runtime; several threads may use it at once.
pub struct BlockingClient {
    client: Client,
    runtime: OnceLock<Runtime>,
    starting: Mutex<()>,
}

impl BlockingClient {
    /// A client. Nothing is read, set up or started before the first request.
    pub fn new(options: ClientOptions) -> Self {
        Self { client: Client::new(options), runtime: OnceLock::new(), starting: Mutex::new(()) }
    }

    /// The asynchronous client with the same settings, tokens and connections.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// A client of its own for which a registry may speak plain http or have any certificate.
    #[must_use]
    pub fn trusting(&self, registry: &str) -> Self {
        let mut options = self.client.options().clone();
        options.registries.insecure.insert(registry.to_owned());
        Self::new(options)
    }

    /// See [`Client::resolve`].
    pub fn resolve(&self, reference: &Reference) -> Result<Descriptor> {
        self.runtime()?.block_on(self.client.resolve(reference))
    }

    /// See [`Client::manifest`].
    pub fn manifest(&self, reference: &Reference) -> Result<(Descriptor, Bytes)> {
        self.runtime()?.block_on(self.client.manifest(reference))
    }

    /// See [`Client::resolve_image`].
    pub fn resolve_image(&self, reference: &Reference, platform: &Platform) -> Result<RemoteImage> {
        self.runtime()?.block_on(self.client.resolve_image(reference, platform))
    }

    /// See [`Client::blob_exists`].
    pub fn blob_exists(&self, reference: &Reference, blob: &Descriptor) -> Result<bool> {
        self.runtime()?.block_on(self.client.blob_exists(reference, blob))
    }

    /// See [`Client::blob_bytes`].
    pub fn blob_bytes(&self, reference: &Reference, blob: &Descriptor, limit: u64) -> Result<Bytes> {
        self.runtime()?.block_on(self.client.blob_bytes(reference, blob, limit))
    }

    /// See [`Client::pull_blob`].
    pub fn pull_blob<S: BlobSink + 'static>(
        &self,
        reference: &Reference,
        blob: &Descriptor,
        sink: S,
        progress: &dyn Progress,
    ) -> Result<S> {
        self.runtime()?.block_on(self.client.pull_blob(reference, blob, sink, progress))
    }

    /// See [`Client::push_blob`].
    pub fn push_blob(
        &self,
        reference: &Reference,
        blob: &PushBlob,
        progress: &dyn Progress,
    ) -> Result<BlobOutcome> {
        self.runtime()?.block_on(self.client.push_blob(reference, blob, progress))
    }

    /// See [`Client::push_manifest`].
    pub fn push_manifest(&self, reference: &Reference, media_type: &str, bytes: Bytes) -> Result<Descriptor> {
        self.runtime()?.block_on(self.client.push_manifest(reference, media_type, bytes))
    }

    /// See [`Client::tags`].
    pub fn tags(&self, reference: &Reference) -> Result<Vec<String>> {
        self.runtime()?.block_on(self.client.tags(reference))
    }

    /// See [`Client::check_login`].
    pub fn check_login(&self, registry: &str, credential: &Credential) -> Result<()> {
        self.runtime()?.block_on(self.client.check_login(registry, credential))
    }

    /// See [`Client::push_image`].
    pub fn push_image(
        &self,
        reference: &Reference,
        image: &PushImage,
        progress: &dyn Progress,
    ) -> Result<Descriptor> {
        self.runtime()?.block_on(self.client.push_image(reference, image, progress))
    }

    /// See [`Client::pull_image`].
    pub fn pull_image(
        &self,
        reference: &Reference,
        platform: &Platform,
        want: &(dyn Fn(&Descriptor) -> bool + Sync),
        sinks: &(dyn Fn(&Descriptor) -> io::Result<Box<dyn BlobSink>> + Sync),
        progress: &dyn Progress,
    ) -> Result<RemoteImage> {
        self.runtime()?.block_on(self.client.pull_image(reference, platform, want, sinks, progress))
    }

    fn runtime(&self) -> Result<&Runtime> {
        if let Some(runtime) = self.runtime.get() {
            return Ok(runtime);
        }
        let _starting = self.starting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = self.runtime.get() {
            return Ok(runtime);
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .thread_name("registry")
            .enable_all()
            .build()
            .map_err(|source| Error::Runtime { source })?;
        Ok(self.runtime.get_or_init(|| runtime))
    }
}

impl Drop for BlockingClient {
    /// Transfers that were given up may still be writing their last bytes; nothing else is waited for.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(SHUTDOWN_PATIENCE);
        }
    }
}

impl fmt::Debug for BlockingClient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("BlockingClient").finish_non_exhaustive()
    }
}
