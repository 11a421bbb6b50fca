//! Pushing blobs and manifests.
//!
//! A blob is asked for first, then offered for a mount from other repositories of the registry, and at last sent as one upload: POST, then PUT
//! with all bytes (distribution-spec, "POST then PUT"). Pieces by PATCH are only sent to a registry that refuses that.

use std::io::{self, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::stream;
use plimsoll_oci::{Descriptor, Digest, Reference};
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION};
use reqwest::{Method, Response, Url};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::auth::{Authorization, Scopes};
use crate::client::{CONTENT_DIGEST, Client};
use crate::endpoint::Endpoint;
use crate::error::{Action, Error, Result, TransportError};
use crate::progress::{BlobOutcome, NoProgress, Progress, TransferEvent};
use crate::pull::blob_is_there;
use crate::request::{Body, Call, Conversation, Failure, Tries};
use crate::transfer::{BlobSource, PushBlob};

/// Size of the pieces in which a source is read.
const PIECE: usize = 256 << 10;
/// Pieces that are read ahead.
const QUEUE: usize = 4;
/// More repositories than this are not asked for a mount: each costs a request.
const MOST_MOUNTS: usize = 3;
/// A registry may move a whole blob to its storage between the last byte and its answer: that long it may be silent, in idle timeouts.
const COMMIT_PATIENCE: u32 = 10;
/// How often the progress of an upload is looked at.
const WATCH_INTERVAL: Duration = Duration::from_millis(100);

impl Client {
    /// Brings a blob into the repository of `reference`: not at all if it is there, by a mount if it is near, else by one upload.
    pub async fn push_blob(
        &self,
        reference: &Reference,
        blob: &PushBlob,
        progress: &dyn Progress,
    ) -> Result<BlobOutcome> {
        let digest = blob.descriptor.digest;
        let name = reference.name();
        let endpoint = self.registry_endpoint(reference.registry());
        let push = Push {
            conversation: self.conversation(Action::Push, &name, progress),
            scopes: Scopes::push(&endpoint.repository(reference.repository())),
            endpoint: &endpoint,
            reference,
            blob,
        };
        progress.event(TransferEvent::Started { digest, size_bytes: blob.descriptor.size });
        let outcome = push.run().await?;
        progress.event(TransferEvent::Finished { digest, outcome: outcome.clone() });
        Ok(outcome)
    }

    /// Writes a manifest or index under the reference's tag, or its digest if it has no tag, with exactly these bytes.
    ///
    /// A tag that may not move and already stands for these bytes is no error.
    pub async fn push_manifest(
        &self,
        reference: &Reference,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<Descriptor> {
        self.push_manifest_with(reference, media_type, bytes, &NoProgress).await
    }

    pub(crate) async fn push_manifest_with(
        &self,
        reference: &Reference,
        media_type: &str,
        bytes: Bytes,
        progress: &dyn Progress,
    ) -> Result<Descriptor> {
        let name = reference.familiar();
        let endpoint = self.registry_endpoint(reference.registry());
        let mut conversation = self.conversation(Action::Push, &name, progress);
        conversation.writes_tag = reference.tag().is_some();
        let found = Digest::of(&bytes);
        let registry = || endpoint.name().to_owned();
        let mismatch = |expected, found| Error::DigestMismatch {
            name: name.clone(),
            registry: registry(),
            expected,
            found,
        };
        if let Some(expected) = reference.digest().filter(|digest| *digest != found) {
            return Err(mismatch(expected, found));
        }
        let target = reference.tag().map_or_else(|| found.to_string(), str::to_owned);
        let url = endpoint.url(reference.repository(), &format!("manifests/{target}")).await?;
        let scopes = Scopes::push(&endpoint.repository(reference.repository()));
        let mut call = Call::new(&endpoint, Method::PUT, url.clone(), scopes.clone());
        let media_type_value = HeaderValue::from_str(media_type).map_err(|_| Error::Protocol {
            registry: registry(),
            problem: "the media type is no valid header",
        })?;
        call.headers.insert(CONTENT_TYPE, media_type_value);
        call.body = Body::Bytes(bytes.clone());
        let descriptor = Descriptor::new(media_type, found, bytes.len() as u64);
        match conversation.send(&call).await {
            Ok(response) => match digest_header(response.headers()) {
                Some(stored) if stored != found => Err(mismatch(found, stored)),
                _ => Ok(descriptor),
            },
            Err(error @ Error::ImmutableTag { .. }) => {
                let call = Call::new(&endpoint, Method::HEAD, url, scopes);
                let same =
                    conversation.send(&call).await.is_ok_and(|r| digest_header(r.headers()) == Some(found));
                if same { Ok(descriptor) } else { Err(error) }
            }
            Err(error) => Err(error),
        }
    }
}

fn digest_header(headers: &HeaderMap) -> Option<Digest> {
    headers.get(CONTENT_DIGEST)?.to_str().ok()?.parse().ok()
}

/// One blob on its way to one registry.
struct Push<'a> {
    conversation: Conversation<'a>,
    scopes: Scopes,
    endpoint: &'a Endpoint,
    reference: &'a Reference,
    blob: &'a PushBlob,
}

/// How an upload's bytes are sent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// All with the request that ends the upload.
    Whole,
    /// All in one PATCH, for registries that take no bytes at the end.
    Patch,
}

impl Push<'_> {
    async fn run(&self) -> Result<BlobOutcome> {
        let mut tries = Tries::new();
        let mut form = Form::Whole;
        loop {
            // Asked again after each failure: the upload may have succeeded with only the answer lost.
            if self.is_there().await? {
                return Ok(BlobOutcome::Existed);
            }
            let mut session = None;
            for from in self.mount_candidates() {
                match self.mount(from).await? {
                    Mount::Done => return Ok(BlobOutcome::Mounted { from: from.repository().to_owned() }),
                    Mount::Session(url) => {
                        session = Some(url);
                        break;
                    }
                    Mount::Refused => {}
                }
            }
            let session = match session {
                Some(session) => session,
                None => self.start_upload().await?,
            };
            match self.upload(session, form).await {
                Ok(()) => return Ok(BlobOutcome::Transferred),
                Err(Failure::Answer(answer)) if form == Form::Whole && answer.demands_patch() => {
                    form = Form::Patch;
                }
                Err(failure) => self.conversation.pause(&mut tries, self.endpoint, failure).await?,
            }
        }
    }

    async fn is_there(&self) -> Result<bool> {
        let digest = self.blob.descriptor.digest;
        let there =
            blob_is_there(&self.conversation, self.endpoint, self.reference, digest, self.scopes.clone())
                .await;
        match there {
            // Some registries refuse to speak of a repository that is not there yet; the upload then says more.
            Err(Error::Denied { .. } | Error::MissingRepository { .. } | Error::Refused { .. }) => Ok(false),
            there => there,
        }
    }

    fn mount_candidates(&self) -> impl Iterator<Item = &Reference> {
        let elsewhere = |from: &&Reference| {
            from.registry() == self.reference.registry() && from.repository() != self.reference.repository()
        };
        self.blob.mount_from.iter().filter(elsewhere).take(MOST_MOUNTS)
    }

    /// Asks for the blob to be taken from another repository, for which the token must cover that one too.
    async fn mount(&self, from: &Reference) -> Result<Mount> {
        let from = self.endpoint.repository(from.repository());
        let mut url = self.endpoint.url(self.reference.repository(), "blobs/uploads/").await?;
        let digest = self.blob.descriptor.digest.to_string();
        url.query_pairs_mut().append_pair("mount", &digest).append_pair("from", &from);
        let scopes = self.scopes.and(&format!("repository:{from}:pull"));
        let call = Call::new(self.endpoint, Method::POST, url, scopes);
        match self.conversation.send(&call).await {
            Ok(response) if response.status() == 201 => Ok(Mount::Done),
            Ok(response) if response.status() == 202 => Ok(Mount::Session(self.location(&response)?)),
            // No right to read there, or no mounts at all: the bytes are sent instead.
            Ok(_) => Ok(Mount::Refused),
            Err(error)
                if error.refusal().is_some_and(|refusal| refusal.status < 500 && refusal.status != 429) =>
            {
                Ok(Mount::Refused)
            }
            Err(error) => Err(error),
        }
    }

    async fn start_upload(&self) -> Result<Url> {
        let url = self.endpoint.url(self.reference.repository(), "blobs/uploads/").await?;
        let call = Call::new(self.endpoint, Method::POST, url, self.scopes.clone());
        self.location(&self.conversation.send(&call).await?)
    }

    /// Where an upload goes on. A registry behind a proxy that ends TLS often says http for itself.
    fn location(&self, response: &Response) -> Result<Url> {
        let registry = || self.endpoint.name().to_owned();
        let problem = "it started an upload without saying where it goes on";
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let location = location.and_then(|location| response.url().join(location).ok());
        let mut location = location.ok_or_else(|| Error::Protocol { registry: registry(), problem })?;
        if response.url().scheme() == "https" && location.scheme() == "http" {
            let problem = "it wants an upload to go on without encryption";
            if location.host_str() != response.url().host_str() || location.set_scheme("https").is_err() {
                return Err(Error::Protocol { registry: registry(), problem });
            }
        }
        Ok(location)
    }

    async fn upload(&self, session: Url, form: Form) -> Result<(), Failure> {
        let mut session = session;
        if form == Form::Patch {
            let response = self.send_bytes(Method::PATCH, session).await?;
            session = self.location(&response)?;
        }
        let digest = self.blob.descriptor.digest.to_string();
        session.query_pairs_mut().append_pair("digest", &digest);
        let response = if form == Form::Whole {
            self.send_bytes(Method::PUT, session).await?
        } else {
            let authorization = self.authorization_for(&session).await?;
            let call = Call::new(self.endpoint, Method::PUT, session, self.scopes.clone());
            let response = self.conversation.attempt(&call, authorization.as_ref()).await?;
            self.checked(&call, response, authorization.as_ref()).await?
        };
        match digest_header(response.headers()) {
            Some(stored) if stored != self.blob.descriptor.digest => {
                Err(Failure::Final(Error::DigestMismatch {
                    name: self.conversation.name.to_owned(),
                    registry: self.endpoint.name().to_owned(),
                    expected: self.blob.descriptor.digest,
                    found: stored,
                }))
            }
            _ => Ok(()),
        }
    }

    /// The registry's authorization goes to the registry only, not to a storage that it names.
    async fn authorization_for(&self, url: &Url) -> Result<Option<Authorization>> {
        let registry = self.endpoint.address("/v2/").await?;
        if url.origin() != registry.origin() {
            return Ok(None);
        }
        self.endpoint.authentication.authorization(&self.conversation, self.endpoint, &self.scopes).await
    }

    async fn checked(
        &self,
        call: &Call<'_>,
        response: Response,
        authorization: Option<&Authorization>,
    ) -> Result<Response, Failure> {
        if response.status().is_success() {
            return Ok(response);
        }
        if response.status() == 401
            && let Some(used) = authorization
        {
            // A token that ended during the upload: the next attempt fetches a new one.
            self.endpoint.authentication.forget(&self.scopes, used).await;
            let answer = self.conversation.refusal(call, response, authorization).await;
            return Err(Failure::Expired(answer));
        }
        Err(Failure::Answer(self.conversation.refusal(call, response, authorization).await))
    }

    /// Sends all bytes of the blob with one request.
    async fn send_bytes(&self, method: Method, url: Url) -> Result<Response, Failure> {
        let authorization = self.authorization_for(&url).await?;
        let mut call = Call::new(self.endpoint, method, url, self.scopes.clone());
        call.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        call.headers.insert(CONTENT_LENGTH, HeaderValue::from(self.blob.descriptor.size));
        if let Some(header) = authorization.as_ref().and_then(Authorization::header) {
            call.headers.insert(AUTHORIZATION, header);
        }
        let http = self.endpoint.http().await?;
        let (outgoing, body) = Outgoing::start(self.blob);
        let request =
            http.request(call.method.clone(), call.url.clone()).headers(call.headers.clone()).body(body);
        let result = self.watched(&outgoing, request.send()).await;
        if let Some(error) = outgoing.error() {
            return Err(Failure::Final(error));
        }
        self.checked(&call, result.map_err(Failure::Transport)?, authorization.as_ref()).await
    }

    /// Waits for the answer to an upload while its bytes move, and tells how far they have come.
    async fn watched(
        &self,
        outgoing: &Outgoing,
        answer: impl Future<Output = Result<Response, reqwest::Error>>,
    ) -> Result<Response, TransportError> {
        let Descriptor { digest, size, .. } = self.blob.descriptor;
        let idle_timeout = self.conversation.idle_timeout;
        let mut answer = std::pin::pin!(answer);
        let (mut sent, mut moved) = (0, Instant::now());
        loop {
            let waited = tokio::time::timeout(WATCH_INTERVAL.min(idle_timeout), &mut answer).await;
            let position = outgoing.sent.load(Ordering::Relaxed);
            if position != sent {
                (sent, moved) = (position, Instant::now());
                let event = TransferEvent::Position { digest, position_bytes: position };
                self.conversation.progress.event(event);
            }
            if let Ok(answer) = waited {
                return Ok(answer?);
            }
            let patience = if sent >= size { idle_timeout * COMMIT_PATIENCE } else { idle_timeout };
            if moved.elapsed() > patience {
                return Err(TransportError::Idle(patience));
            }
        }
    }
}

enum Mount {
    Done,
    /// Not mounted, but an upload was started instead.
    Session(Url),
    Refused,
}

/// The bytes of a blob on their way from its source, which is read on a blocking thread, into a request.
struct Outgoing {
    sent: Arc<AtomicU64>,
    error: Arc<Mutex<Option<Error>>>,
}

impl Outgoing {
    fn start(blob: &PushBlob) -> (Self, reqwest::Body) {
        let outgoing = Self { sent: Arc::default(), error: Arc::default() };
        let (pieces, queue) = mpsc::channel::<io::Result<Bytes>>(QUEUE);
        let (source, error) = (Arc::clone(&blob.source), Arc::clone(&outgoing.error));
        let Descriptor { digest, size, .. } = blob.descriptor;
        tokio::task::spawn_blocking(move || {
            if let Err(problem) = read_pieces(source.as_ref(), digest, size, &pieces) {
                *error.lock().unwrap_or_else(PoisonError::into_inner) = Some(problem);
                // Breaks the request off; the error itself is taken from beside it.
                pieces.blocking_send(Err(io::ErrorKind::Other.into())).ok();
            }
        });
        let sent = Arc::clone(&outgoing.sent);
        let stream = stream::unfold((queue, sent), |(mut queue, sent)| async move {
            let piece = queue.recv().await?;
            if let Ok(bytes) = &piece {
                sent.fetch_add(bytes.len() as u64, Ordering::Relaxed);
            }
            Some((piece, (queue, sent)))
        });
        (outgoing, reqwest::Body::wrap_stream(stream))
    }

    fn error(&self) -> Option<Error> {
        self.error.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Reads a source to its end, or until nobody wants more of it.
fn read_pieces(
    source: &dyn BlobSource,
    digest: Digest,
    size: u64,
    pieces: &mpsc::Sender<io::Result<Bytes>>,
) -> Result<()> {
    let unreadable = |source| Error::Source { digest, source };
    let mut reader = source.open().map_err(unreadable)?;
    let mut left = size;
    loop {
        let mut piece = BytesMut::zeroed(PIECE);
        let length = read_full(reader.as_mut(), &mut piece).map_err(unreadable)?;
        if length == 0 && left == 0 {
            return Ok(());
        }
        let length_bytes = length as u64;
        if length == 0 || length_bytes > left {
            return Err(Error::SourceSize { digest, expected: size });
        }
        left -= length_bytes;
        piece.truncate(length);
        if pieces.blocking_send(Ok(piece.freeze())).is_err() {
            return Ok(());
        }
    }
}

/// Fills a buffer as far as the reader has bytes.
fn read_full(reader: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(length) => filled += length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
