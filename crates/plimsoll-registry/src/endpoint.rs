//! One address of a registry: its HTTP client, its scheme, and the tokens that it gave.
//!
//! Everything is set up with the first request to it: certificates are not read and nothing is connected before.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use reqwest::redirect::{Attempt, Policy};
use reqwest::{Certificate, Url};
use tokio::sync::OnceCell;

use crate::auth::Authentication;
use crate::client::ClientOptions;
use crate::config::{DOCKER_HUB_HOST, EndpointConfig, Scheme, is_loopback};
use crate::error::{Action, Error, Result, TransportError};
use crate::http::http_client;
use crate::request::MOST_CONNECTS;

const MOST_REDIRECTS: usize = 10;
/// A server that speaks TLS answers plain http within this time, by an error or by closing.
const PROBE_TIMEOUT: Duration = Duration::from_secs(10);

/// One address that serves a registry's content.
pub(crate) struct Endpoint {
    pub(crate) config: EndpointConfig,
    pub(crate) authentication: Authentication,
    options: Arc<ClientOptions>,
    http: OnceCell<reqwest::Client>,
    encrypted: OnceCell<bool>,
    down: AtomicBool,
}

impl Endpoint {
    pub(crate) fn new(config: EndpointConfig, options: Arc<ClientOptions>) -> Self {
        let authentication = Authentication::new(Arc::clone(&options.credentials));
        Self {
            config,
            authentication,
            options,
            http: OnceCell::new(),
            encrypted: OnceCell::new(),
            down: AtomicBool::new(false),
        }
    }

    /// The name that credentials are looked up by.
    pub(crate) fn credential_name(&self) -> &str {
        if self.config.host == DOCKER_HUB_HOST { "docker.io" } else { &self.config.host }
    }

    /// The name for people.
    pub(crate) fn name(&self) -> &str {
        self.credential_name()
    }

    pub(crate) fn is_mirror(&self) -> bool {
        self.config.mirror_of.is_some()
    }

    /// True once a mirror could not be reached; it is then passed over for the rest of the client's life.
    pub(crate) fn is_down(&self) -> bool {
        self.down.load(Ordering::Relaxed)
    }

    pub(crate) fn set_down(&self) {
        self.down.store(true, Ordering::Relaxed);
    }

    /// A repository's name with the endpoint's prefix, as scopes and addresses want it.
    pub(crate) fn repository(&self, repository: &str) -> String {
        match self.config.prefix.as_str() {
            "" => repository.to_owned(),
            prefix => format!("{prefix}/{repository}"),
        }
    }

    /// The address of something in a repository: `/v2/<repository>/<tail>`.
    pub(crate) async fn url(&self, repository: &str, tail: &str) -> Result<Url> {
        let mut url = self.address(&format!("/v2/{}/{tail}", self.repository(repository))).await?;
        if let Some(registry) = &self.config.mirror_of {
            url.query_pairs_mut().append_pair("ns", registry);
        }
        Ok(url)
    }

    /// The address of a path on this endpoint.
    pub(crate) async fn address(&self, path: &str) -> Result<Url> {
        let scheme = if self.encrypted().await? { "https" } else { "http" };
        Url::parse(&format!("{scheme}://{}{path}", self.config.host)).map_err(|_| Error::Protocol {
            registry: self.name().to_owned(),
            problem: "its name does not make a valid address",
        })
    }

    /// Whether TLS is spoken; decided once.
    pub(crate) async fn encrypted(&self) -> Result<bool> {
        match self.config.scheme {
            Scheme::Http => Ok(false),
            Scheme::Https => Ok(true),
            Scheme::Probe => self.encrypted.get_or_try_init(|| self.probe()).await.copied(),
        }
    }

    /// The HTTP client; made once.
    pub(crate) async fn http(&self) -> Result<&reqwest::Client> {
        self.http.get_or_try_init(|| async { self.build_http() }).await
    }

    /// Plain http is asked first: on a loopback address that is the usual case, and a TLS server rejects it at once.
    async fn probe(&self) -> Result<bool> {
        let address = format!("http://{}/v2/", self.config.host);
        let retry = self.options.retry;
        let started = Instant::now();
        let mut attempts = 1;
        loop {
            let request = self.http().await?.get(&address).timeout(PROBE_TIMEOUT);
            match request.send().await {
                // Servers that speak TLS and recognise plain http say so with this status.
                Ok(response) if response.status() == 400 => {
                    let text = response.text().await.unwrap_or_default();
                    return Ok(text.to_ascii_lowercase().contains("https"));
                }
                Ok(_) => return Ok(false),
                // A registry that was started a moment ago is worth a second look.
                Err(error) if error.is_connect() && attempts < MOST_CONNECTS.min(retry.attempts) => {
                    tokio::time::sleep(retry.pause(attempts, None)).await;
                    attempts += 1;
                }
                Err(error) if error.is_connect() || error.is_timeout() => {
                    return Err(Error::Unreachable {
                        action: Action::Reach,
                        name: self.name().to_owned(),
                        registry: self.name().to_owned(),
                        attempts,
                        elapsed: started.elapsed(),
                        source: error.into(),
                    });
                }
                Err(_) => return Ok(true),
            }
        }
    }

    fn build_http(&self) -> Result<reqwest::Client> {
        let mut roots = Vec::new();
        for bundle in &self.options.extra_roots_pem {
            roots.extend(self.certificates(bundle)?);
        }
        if let Some(path) = &self.config.ca {
            roots.extend(self.certificates(&self.read_certificates(path)?)?);
        }
        let setup =
            |source: reqwest::Error| Error::Setup { registry: self.name().to_owned(), source: source.into() };
        let client = self.builder().tls_certs_merge(roots.clone()).build();
        match client {
            // A machine without any certificates can still speak plain http; whatever is encrypted then fails later, closed.
            Err(_) if self.config.scheme != Scheme::Https => {
                self.builder().tls_certs_only(roots).build().map_err(setup)
            }
            client => client.map_err(setup),
        }
    }

    fn builder(&self) -> reqwest::ClientBuilder {
        let builder = http_client(self.options.name_resolution);
        // A proxy's idea of the loopback address is another machine than this one.
        let builder = if is_loopback(&self.config.host) { builder.no_proxy() } else { builder };
        builder
            .user_agent(self.options.user_agent.clone())
            .connect_timeout(self.options.connect_timeout)
            .redirect(Policy::custom(follow))
            .referer(false)
            .http2_adaptive_window(true)
            .tls_danger_accept_invalid_certs(self.config.skip_verify)
    }

    fn certificates(&self, bundle: &[u8]) -> Result<Vec<Certificate>> {
        Certificate::from_pem_bundle(bundle).map_err(|source| Error::CertificateFormat {
            registry: self.name().to_owned(),
            source: TransportError::from(source),
        })
    }

    fn read_certificates(&self, path: &Path) -> Result<Vec<u8>> {
        std::fs::read(path).map_err(|source| Error::CertificateFile {
            registry: self.name().to_owned(),
            path: path.to_owned(),
            source,
        })
    }
}

/// Registries redirect blobs to other hosts (the HTTP library takes the authorization away then), but never from https to http.
fn follow(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let downgrade = attempt.url().scheme() == "http"
        && attempt.previous().last().is_some_and(|previous| previous.scheme() == "https");
    if downgrade {
        attempt.error("redirected from https to http")
    } else if attempt.previous().len() > MOST_REDIRECTS {
        attempt.error("redirected too often")
    } else {
        attempt.follow()
    }
}
