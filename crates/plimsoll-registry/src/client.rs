//! The client and its reading verbs.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use plimsoll_oci::{Descriptor, Digest, Reference, media_type};
use reqwest::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue, LINK};
use reqwest::{Method, Url};
use serde::Deserialize;

use crate::auth::Scopes;
use crate::config::RegistriesConfig;
use crate::credentials::{Anonymous, Credential, CredentialSource, FixedCredential};
use crate::dns::NameResolution;
use crate::endpoint::Endpoint;
use crate::error::{Action, Error, Result};
use crate::progress::{NoProgress, Progress, TransferEvent};
use crate::request::{Call, Conversation, chain};

/// The header in which a registry names what it sends.
pub(crate) const CONTENT_DIGEST: &str = "docker-content-digest";
/// Registries take manifests of at least 4 MiB (distribution-spec, "Pushing Manifests"); more than the double is no manifest.
const LARGEST_MANIFEST: u64 = 8 << 20;
const MANIFEST_TYPES: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, \
     application/vnd.docker.distribution.manifest.v2+json, */*;q=0.1";

/// How often and how patiently a failed request is sent again. Only 429, 5xx and broken connections are.
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    /// Attempts at one request, the first included.
    pub attempts: u32,
    /// The pause after the first failure; doubled after each, with jitter.
    pub first_pause: Duration,
    /// No pause is longer, even if the registry asks for it: the error then says how long to wait.
    pub longest_pause: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { attempts: 6, first_pause: Duration::from_millis(500), longest_pause: Duration::from_mins(1) }
    }
}

/// How a client behaves.
#[derive(Clone)]
pub struct ClientOptions {
    /// Mirrors and transport settings.
    pub registries: RegistriesConfig,
    /// Where credentials come from; asked lazily.
    pub credentials: Arc<dyn CredentialSource>,
    /// Bundles of PEM certificates to trust besides the system's.
    pub extra_roots_pem: Vec<Vec<u8>>,
    /// Name and version sent to registries.
    pub user_agent: String,
    /// Blobs transferred at the same time.
    pub parallel_blobs: usize,
    /// When to try again.
    pub retry: RetryPolicy,
    /// Limit for setting up a connection.
    pub connect_timeout: Duration,
    /// Limit for the time in which nothing at all arrives. There is none for a whole transfer.
    pub idle_timeout: Duration,
    /// How host names become addresses.
    pub name_resolution: NameResolution,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            registries: RegistriesConfig::default(),
            credentials: Arc::new(Anonymous),
            extra_roots_pem: Vec::new(),
            user_agent: concat!("plimsoll/", env!("CARGO_PKG_VERSION")).to_owned(),
            parallel_blobs: 4,
            retry: RetryPolicy::default(),
            connect_timeout: Duration::from_secs(15),
            idle_timeout: Duration::from_mins(1),
            name_resolution: NameResolution::default(),
        }
    }
}

/// A client for any number of registries; cheap to clone and to make.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    options: Arc<ClientOptions>,
    /// By registry: its mirrors and itself, made when it is first spoken to.
    endpoints: Mutex<BTreeMap<String, Vec<Arc<Endpoint>>>>,
}

impl Client {
    /// A client. Nothing is read or set up before the first request.
    pub fn new(options: ClientOptions) -> Self {
        let shared = Shared { options: Arc::new(options), endpoints: Mutex::new(BTreeMap::new()) };
        Self { shared: Arc::new(shared) }
    }

    /// What a reference stands for now: the descriptor of its manifest or index, without fetching it if the registry can say so.
    pub async fn resolve(&self, reference: &Reference) -> Result<Descriptor> {
        let name = reference.familiar();
        let conversation = self.conversation(Action::Pull, &name, &NoProgress);
        for endpoint in self.endpoints(reference.registry()) {
            match resolve_at(&conversation, &endpoint, reference).await {
                Ok(descriptor) => return Ok(descriptor),
                Err(error) => next_endpoint(&conversation, &endpoint, error)?,
            }
        }
        unreachable!("the registry itself is the last endpoint, and its error ends the search")
    }

    /// The manifest or index behind a reference, checked against its digest, in the registry's own bytes.
    pub async fn manifest(&self, reference: &Reference) -> Result<(Descriptor, Bytes)> {
        self.manifest_with(reference, &NoProgress).await
    }

    pub(crate) async fn manifest_with(
        &self,
        reference: &Reference,
        progress: &dyn Progress,
    ) -> Result<(Descriptor, Bytes)> {
        let name = reference.familiar();
        let conversation = self.conversation(Action::Pull, &name, progress);
        for endpoint in self.endpoints(reference.registry()) {
            match manifest_at(&conversation, &endpoint, reference).await {
                Ok(manifest) => return Ok(manifest),
                Err(error) => next_endpoint(&conversation, &endpoint, error)?,
            }
        }
        unreachable!("the registry itself is the last endpoint, and its error ends the search")
    }

    /// The tags of the reference's repository, in the registry's order.
    pub async fn tags(&self, reference: &Reference) -> Result<Vec<String>> {
        #[derive(Deserialize)]
        struct Page {
            tags: Option<Vec<String>>,
        }
        let name = reference.name();
        let conversation = self.conversation(Action::Pull, &name, &NoProgress);
        let endpoint = self.registry_endpoint(reference.registry());
        let scopes = Scopes::pull(&endpoint.repository(reference.repository()));
        let mut url = endpoint.url(reference.repository(), "tags/list").await?;
        let mut tags = Vec::new();
        loop {
            let call = Call::new(&endpoint, Method::GET, url.clone(), scopes.clone());
            let (headers, bytes) = conversation.fetch(&call, LARGEST_MANIFEST).await?;
            let page: Page = serde_json::from_slice(&bytes).map_err(|_| Error::Protocol {
                registry: endpoint.name().to_owned(),
                problem: "its list of tags cannot be read",
            })?;
            let page = page.tags.unwrap_or_default();
            let next = next_page(&headers, &url);
            // A registry whose pages lead in circles would never come to an end.
            let fresh = page.last() != tags.last();
            tags.extend(page);
            match next {
                Some(next) if fresh => url = next,
                _ => return Ok(tags),
            }
        }
    }

    /// Checks a credential against a registry, without storing it.
    pub async fn check_login(&self, registry: &str, credential: &Credential) -> Result<()> {
        let config = self.shared.options.registries.endpoint(registry);
        let mut options = ClientOptions::clone(&self.shared.options);
        let mut endpoint = Endpoint::new(config, Arc::clone(&self.shared.options));
        options.credentials = Arc::new(FixedCredential {
            registry: endpoint.credential_name().to_owned(),
            credential: credential.clone(),
        });
        endpoint = Endpoint::new(endpoint.config, Arc::new(options));
        let conversation = self.conversation(Action::Login, registry, &NoProgress);
        let url = endpoint.address("/v2/").await?;
        let call = Call::new(&endpoint, Method::GET, url, Scopes::default());
        conversation.fetch(&call, LARGEST_MANIFEST).await.map(drop)
    }

    pub(crate) fn options(&self) -> &ClientOptions {
        &self.shared.options
    }

    pub(crate) fn conversation<'a>(
        &self,
        action: Action,
        name: &'a str,
        progress: &'a dyn Progress,
    ) -> Conversation<'a> {
        let options = self.options();
        Conversation {
            policy: options.retry,
            idle_timeout: options.idle_timeout,
            progress,
            action,
            name,
            writes_tag: false,
        }
    }

    /// The endpoints to read from, without mirrors that could not be reached.
    pub(crate) fn endpoints(&self, registry: &str) -> Vec<Arc<Endpoint>> {
        let mut known = self.shared.endpoints.lock().unwrap_or_else(PoisonError::into_inner);
        let endpoints = known.entry(registry.to_owned()).or_insert_with(|| {
            let configs = self.shared.options.registries.read_endpoints(registry);
            configs
                .into_iter()
                .map(|config| Arc::new(Endpoint::new(config, Arc::clone(&self.shared.options))))
                .collect()
        });
        endpoints.iter().filter(|endpoint| !endpoint.is_down()).cloned().collect()
    }

    /// The registry itself.
    pub(crate) fn registry_endpoint(&self, registry: &str) -> Arc<Endpoint> {
        self.endpoints(registry)
            .pop()
            .expect("the registry itself is the last endpoint and never passed over")
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Client").finish_non_exhaustive()
    }
}

/// Passes over a mirror that failed; the registry's own error is final.
pub(crate) fn next_endpoint(
    conversation: &Conversation<'_>,
    endpoint: &Endpoint,
    error: Error,
) -> Result<()> {
    // What fails here would fail with every endpoint.
    if !endpoint.is_mirror() || matches!(error, Error::Sink { .. }) {
        return Err(error);
    }
    if matches!(error, Error::Unreachable { .. }) {
        endpoint.set_down();
    }
    conversation.progress.event(TransferEvent::MirrorFailed {
        mirror: endpoint.name().to_owned(),
        name: conversation.name.to_owned(),
        reason: chain(&error),
    });
    Ok(())
}

fn manifest_call<'a>(endpoint: &'a Endpoint, method: Method, url: Url, reference: &Reference) -> Call<'a> {
    let scopes = Scopes::pull(&endpoint.repository(reference.repository()));
    let mut call = Call::new(endpoint, method, url, scopes);
    call.headers.insert(ACCEPT, HeaderValue::from_static(MANIFEST_TYPES));
    call
}

async fn resolve_at(
    conversation: &Conversation<'_>,
    endpoint: &Endpoint,
    reference: &Reference,
) -> Result<Descriptor> {
    let tail = format!("manifests/{}", reference.manifest_reference());
    let url = endpoint.url(reference.repository(), &tail).await?;
    let mut call = manifest_call(endpoint, Method::HEAD, url, reference);
    // Whatever is wrong, the GET says it with words.
    call.accepted = &[400, 403, 404, 405, 501];
    let response = conversation.send(&call).await?;
    if response.status().is_success()
        && let Some(descriptor) = descriptor_of(response.headers())
        && reference.digest().is_none_or(|digest| digest == descriptor.digest)
    {
        return Ok(descriptor);
    }
    manifest_at(conversation, endpoint, reference).await.map(|(descriptor, _)| descriptor)
}

/// The descriptor that the headers of an answer to HEAD make, if they are complete.
fn descriptor_of(headers: &HeaderMap) -> Option<Descriptor> {
    let media_type = content_type(headers).filter(|media_type| is_manifest_type(media_type))?;
    let digest = headers.get(CONTENT_DIGEST)?.to_str().ok()?.parse().ok()?;
    let size = headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok().filter(|size| *size > 0)?;
    Some(Descriptor::new(media_type, digest, size))
}

async fn manifest_at(
    conversation: &Conversation<'_>,
    endpoint: &Endpoint,
    reference: &Reference,
) -> Result<(Descriptor, Bytes)> {
    let tail = format!("manifests/{}", reference.manifest_reference());
    let url = endpoint.url(reference.repository(), &tail).await?;
    let call = manifest_call(endpoint, Method::GET, url, reference);
    let (headers, bytes) = conversation.fetch(&call, LARGEST_MANIFEST).await?;
    let found = Digest::of(&bytes);
    let promised = headers.get(CONTENT_DIGEST).and_then(|value| value.to_str().ok()?.parse::<Digest>().ok());
    let expected = reference.digest().or(promised).unwrap_or(found);
    if expected != found {
        let (name, registry) = (conversation.name.to_owned(), endpoint.name().to_owned());
        return Err(Error::DigestMismatch { name, registry, expected, found });
    }
    let media_type = content_type(&headers).filter(|media_type| is_manifest_type(media_type));
    let media_type = media_type.or_else(|| type_inside(&bytes)).or_else(|| content_type(&headers));
    let descriptor = Descriptor::new(media_type.unwrap_or_default(), found, bytes.len() as u64);
    Ok((descriptor, bytes))
}

fn is_manifest_type(media_type: &str) -> bool {
    media_type::is_manifest(media_type) || media_type::is_index(media_type)
}

/// The `Content-Type` without its parameters.
fn content_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or(value).trim().to_owned())
}

/// Some registries and most static servers call every manifest plain JSON; its own field knows better.
fn type_inside(bytes: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Typed {
        media_type: String,
    }
    serde_json::from_slice::<Typed>(bytes).ok().map(|typed| typed.media_type)
}

/// The address of the next page (distribution-spec, "Listing Tags"): `Link: </v2/…>; rel="next"`, on the same host only.
fn next_page(headers: &HeaderMap, current: &Url) -> Option<Url> {
    let link = headers.get(LINK)?.to_str().ok()?;
    let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
    if !parameters.contains("next") {
        return None;
    }
    let next = current.join(target).ok()?;
    (next.origin() == current.origin()).then_some(next)
}
