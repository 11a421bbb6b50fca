//! Fetching blobs.
//!
//! The bytes of a blob go to a blocking thread that hashes them and feeds the sink. When the connection breaks, the rest is asked for by
//! `Range` (distribution-spec, "Pulling blobs"), from the same endpoint or the next one: what has the same digest has the same
//! bytes, and in the end the digest is checked over all of them.

use std::io::{self, Read as _};

use bytes::Bytes;
use plimsoll_oci::{Descriptor, Digest, Hasher, Reference};
use reqwest::header::{CONTENT_RANGE, HeaderValue, RANGE};
use reqwest::{Method, Response};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::auth::Scopes;
use crate::client::{Client, next_endpoint};
use crate::endpoint::Endpoint;
use crate::error::{Action, Error, Result, TransportError};
use crate::progress::{BlobOutcome, NoProgress, Progress, TransferEvent};
use crate::request::{Call, Conversation, Failure, Tries};
use crate::transfer::BlobSink;

/// Pieces on their way from the connection to the sink.
const QUEUE: usize = 16;
/// After this many bytes, earlier failures of a transfer count no longer.
const FORGIVEN_AFTER: u64 = 1 << 20;
/// Buffer for what an earlier transfer has left.
const READ_BUFFER: usize = 1 << 20;

impl Client {
    /// Whether the repository of `reference` has a blob.
    pub async fn blob_exists(&self, reference: &Reference, blob: &Descriptor) -> Result<bool> {
        let name = reference.name();
        let conversation = self.conversation(Action::Pull, &name, &NoProgress);
        let endpoint = self.registry_endpoint(reference.registry());
        let scopes = Scopes::pull(&endpoint.repository(reference.repository()));
        blob_is_there(&conversation, &endpoint, reference, blob.digest, scopes).await
    }

    /// A small blob, such as an image config, in memory; refused when it is larger than `limit` bytes.
    pub async fn blob_bytes(&self, reference: &Reference, blob: &Descriptor, limit: u64) -> Result<Bytes> {
        if blob.size > limit {
            let (name, registry) = (blob.digest.to_string(), reference.registry().to_owned());
            return Err(Error::TooLarge { name, registry, limit });
        }
        self.pull_blob(reference, blob, Vec::new(), &NoProgress).await.map(Bytes::from)
    }

    /// Fetches a blob into a sink, going on where it stopped when the connection breaks, and checks its digest before the sink is told
    /// to commit. Gives the sink back.
    pub async fn pull_blob<S: BlobSink + 'static>(
        &self,
        reference: &Reference,
        blob: &Descriptor,
        sink: S,
        progress: &dyn Progress,
    ) -> Result<S> {
        let digest = blob.digest;
        let name = format!("{}@{digest}", reference.name());
        let conversation = self.conversation(Action::Pull, &name, progress);
        progress.event(TransferEvent::Started { digest, size_bytes: blob.size });
        let mut receiver = Receiver::start(digest, sink);
        receiver.learn_existing(blob.size).await?;
        if receiver.position > 0 {
            progress.event(TransferEvent::Position { digest, position_bytes: receiver.position });
        }
        for endpoint in self.endpoints(reference.registry()) {
            match fetch_from(&conversation, &endpoint, reference, blob, &mut receiver).await {
                Ok(()) => {
                    let outcome = BlobOutcome::Transferred;
                    progress.event(TransferEvent::Finished { digest, outcome });
                    return receiver.sink().await;
                }
                Err(error) => next_endpoint(&conversation, &endpoint, error)?,
            }
        }
        unreachable!("the registry itself is the last endpoint, and its error ends the search")
    }
}

/// Asks for a blob by HEAD; a registry that does not answer HEAD counts as one that does not have it.
pub(crate) async fn blob_is_there(
    conversation: &Conversation<'_>,
    endpoint: &Endpoint,
    reference: &Reference,
    digest: Digest,
    scopes: Scopes,
) -> Result<bool> {
    let url = endpoint.url(reference.repository(), &format!("blobs/{digest}")).await?;
    let mut call = Call::new(endpoint, Method::HEAD, url, scopes);
    call.accepted = &[404, 405];
    Ok(conversation.send(&call).await?.status().is_success())
}

/// Fetches what is missing of a blob from one endpoint, until it is whole and right.
async fn fetch_from<S: BlobSink + 'static>(
    conversation: &Conversation<'_>,
    endpoint: &Endpoint,
    reference: &Reference,
    blob: &Descriptor,
    receiver: &mut Receiver<S>,
) -> Result<()> {
    let url = endpoint.url(reference.repository(), &format!("blobs/{}", blob.digest)).await?;
    let scopes = Scopes::pull(&endpoint.repository(reference.repository()));
    let mut call = Call::new(endpoint, Method::GET, url, scopes);
    let mut tries = Tries::new();
    // True when all bytes come from one answer of this endpoint, so that nobody else can have spoilt them.
    let mut whole = receiver.position == 0;
    loop {
        while receiver.position < blob.size || blob.size == 0 {
            let start = receiver.position;
            match fetch_rest(conversation, &mut call, blob, receiver).await {
                Ok(()) => break,
                Err(failure) => {
                    if receiver.position.saturating_sub(start) >= FORGIVEN_AFTER {
                        tries.forgive();
                    }
                    whole &= receiver.position == 0;
                    conversation.pause(&mut tries, endpoint, failure).await?;
                }
            }
        }
        let Err(found) = receiver.finish().await? else { return Ok(()) };
        receiver.restart().await?;
        if whole {
            let (name, registry) = (conversation.name.to_owned(), endpoint.name().to_owned());
            return Err(Error::DigestMismatch { name, registry, expected: blob.digest, found });
        }
        whole = true;
    }
}

/// One request for what is missing, and its answer.
async fn fetch_rest<S: BlobSink + 'static>(
    conversation: &Conversation<'_>,
    call: &mut Call<'_>,
    blob: &Descriptor,
    receiver: &mut Receiver<S>,
) -> Result<(), Failure> {
    call.headers.remove(RANGE);
    call.accepted = &[];
    if receiver.position > 0 {
        let range = format!("bytes={}-", receiver.position);
        call.headers.insert(RANGE, HeaderValue::from_str(&range).expect("digits are valid in a header"));
        call.accepted = &[416];
    }
    let mut response = conversation.once(call).await?;
    let mut skip = match response.status().as_u16() {
        416 => {
            // The registry sees no bytes there: then what is here is not what it has.
            receiver.restart().await?;
            return Err(Failure::Transport(TransportError::Short { received: 0, expected: blob.size }));
        }
        206 => receiver.position.checked_sub(range_start(&response).unwrap_or(receiver.position)),
        // The whole blob again: what is here already is passed over.
        _ => Some(receiver.position),
    };
    let digest = blob.digest;
    let registry = || call.endpoint.name().to_owned();
    let problem = "it answered with another range of a blob than was asked for";
    let mut skip =
        skip.take().ok_or_else(|| Failure::Final(Error::Protocol { registry: registry(), problem }))?;
    while let Some(mut chunk) = conversation.chunk(&mut response).await.map_err(Failure::Transport)? {
        let passed_over = skip.min(chunk.len() as u64);
        skip -= passed_over;
        // At most the chunk's own length, which is a `usize`.
        let chunk = chunk.split_off(usize::try_from(passed_over).unwrap_or(usize::MAX));
        if chunk.is_empty() {
            continue;
        }
        if receiver.position + chunk.len() as u64 > blob.size {
            receiver.restart().await?;
            return Err(Error::SizeMismatch { digest, registry: registry(), expected: blob.size }.into());
        }
        receiver.write(chunk).await?;
        conversation.progress.event(TransferEvent::Position { digest, position_bytes: receiver.position });
    }
    if receiver.position < blob.size {
        let (received, expected) = (receiver.position, blob.size);
        return Err(Failure::Transport(TransportError::Short { received, expected }));
    }
    Ok(())
}

/// The first byte's position of an answer with a part: `Content-Range: bytes 5-9/10`.
fn range_start(response: &Response) -> Option<u64> {
    let value = response.headers().get(CONTENT_RANGE)?.to_str().ok()?;
    value.strip_prefix("bytes ")?.split('-').next()?.trim().parse().ok()
}

enum Command {
    Write(Bytes),
    Restart(oneshot::Sender<()>),
    /// Answered with the wrong digest, if it is wrong.
    Finish(oneshot::Sender<Result<(), Digest>>),
}

/// The asynchronous end of a sink that works on a thread of its own.
struct Receiver<S> {
    digest: Digest,
    /// Bytes that the sink has or will have.
    position: u64,
    existing: Option<oneshot::Receiver<u64>>,
    commands: Option<mpsc::Sender<Command>>,
    thread: Option<JoinHandle<io::Result<S>>>,
}

impl<S: BlobSink + 'static> Receiver<S> {
    fn start(digest: Digest, sink: S) -> Self {
        let (commands, queue) = mpsc::channel(QUEUE);
        let (existing_sender, existing) = oneshot::channel();
        let thread = tokio::task::spawn_blocking(move || receive(digest, sink, existing_sender, queue));
        Self { digest, position: 0, existing: Some(existing), commands: Some(commands), thread: Some(thread) }
    }

    /// Waits until what an earlier transfer left is read; more than the whole blob is thrown away.
    async fn learn_existing(&mut self, size: u64) -> Result<()> {
        let Some(existing) = self.existing.take() else { return Ok(()) };
        match existing.await {
            Ok(position) if position > size => self.restart().await,
            Ok(position) => {
                self.position = position;
                Ok(())
            }
            Err(_) => Err(self.failure().await),
        }
    }

    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.position += bytes.len() as u64;
        self.command(Command::Write(bytes)).await
    }

    async fn restart(&mut self) -> Result<()> {
        let (done, wait) = oneshot::channel();
        self.command(Command::Restart(done)).await?;
        self.position = 0;
        match wait.await {
            Ok(()) => Ok(()),
            Err(_) => Err(self.failure().await),
        }
    }

    async fn finish(&mut self) -> Result<Result<(), Digest>> {
        let (done, wait) = oneshot::channel();
        self.command(Command::Finish(done)).await?;
        match wait.await {
            Ok(result) => Ok(result),
            Err(_) => Err(self.failure().await),
        }
    }

    async fn sink(mut self) -> Result<S> {
        self.commands = None;
        self.joined().await
    }

    async fn command(&mut self, command: Command) -> Result<()> {
        let sent = match &self.commands {
            Some(commands) => commands.send(command).await.is_ok(),
            None => false,
        };
        if sent { Ok(()) } else { Err(self.failure().await) }
    }

    /// The error of a sink whose thread has ended early.
    async fn failure(&mut self) -> Error {
        self.commands = None;
        match self.joined().await {
            Err(error) => error,
            Ok(_) => Error::Sink { digest: self.digest, source: io::ErrorKind::BrokenPipe.into() },
        }
    }

    async fn joined(&mut self) -> Result<S> {
        let digest = self.digest;
        let sink = |source| Error::Sink { digest, source };
        let Some(thread) = self.thread.take() else { return Err(sink(io::ErrorKind::BrokenPipe.into())) };
        match thread.await {
            Ok(result) => result.map_err(sink),
            Err(error) => Err(sink(io::Error::other(error))),
        }
    }
}

/// The thread of a sink: hashes and writes what comes, until its commands end.
fn receive<S: BlobSink>(
    digest: Digest,
    mut sink: S,
    existing: oneshot::Sender<u64>,
    mut queue: mpsc::Receiver<Command>,
) -> io::Result<S> {
    let mut hasher = Hasher::new();
    let mut left = 0;
    if let Some(mut reader) = sink.existing()? {
        let mut buffer = vec![0; READ_BUFFER];
        loop {
            match reader.read(&mut buffer)? {
                0 => break,
                length => {
                    hasher.update(&buffer[..length]);
                    left += length as u64;
                }
            }
        }
    }
    // Whoever does not wait for an answer any more has given up, and the commands end as well.
    existing.send(left).ok();
    while let Some(command) = queue.blocking_recv() {
        match command {
            Command::Write(bytes) => {
                hasher.update(&bytes);
                sink.write(&bytes)?;
            }
            Command::Restart(done) => {
                hasher = Hasher::new();
                sink.restart()?;
                done.send(()).ok();
            }
            Command::Finish(done) => {
                let found = std::mem::take(&mut hasher).finish();
                if found == digest {
                    sink.commit()?;
                    done.send(Ok(())).ok();
                } else {
                    done.send(Err(found)).ok();
                }
            }
        }
    }
    Ok(sink)
}
