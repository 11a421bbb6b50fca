//! The HTTP client: proxies, certificates, time limits.

use std::time::Duration;

use plimsoll_registry::{NameResolution, http_client};
use reqwest::{Certificate, StatusCode, Url};

use crate::composer::{ComposerOptions, Proxy};
use crate::error::ComposeError;

/// A client, or none when the run is offline.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    client: Option<reqwest::Client>,
}

const CONNECT: Duration = Duration::from_secs(15);
const SILENCE: Duration = Duration::from_secs(30);

impl Client {
    pub(crate) fn new(options: &ComposerOptions) -> Result<Self, ComposeError> {
        if options.offline {
            return Ok(Self { client: None });
        }
        let failed = |source| ComposeError::Client { source: Box::new(source) };
        let mut builder = http_client(NameResolution::default())
            .user_agent(concat!("plimsoll/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE);
        match &options.proxy {
            Proxy::System => {}
            Proxy::Direct => builder = builder.no_proxy(),
            Proxy::Urls { http, https } => {
                if let Some(url) = http {
                    builder = builder.proxy(reqwest::Proxy::http(url).map_err(failed)?);
                }
                if let Some(url) = https {
                    builder = builder.proxy(reqwest::Proxy::https(url).map_err(failed)?);
                }
            }
        }
        if let Some(pem) = &options.ca_certificates {
            let certificates = Certificate::from_pem_bundle(pem).map_err(failed)?;
            builder = builder.tls_certs_merge(certificates);
        }
        Ok(Self { client: Some(builder.build().map_err(failed)?) })
    }

    /// Whether the network may be asked.
    pub(crate) fn is_offline(&self) -> bool {
        self.client.is_none()
    }

    /// A request for a file, not yet sent.
    pub(crate) fn request(&self, uri: &str) -> Result<reqwest::RequestBuilder, ComposeError> {
        let bad = || ComposeError::BadAddress { uri: shown(uri) };
        let client = self.client.as_ref().ok_or_else(|| ComposeError::Offline { what: shown(uri) })?;
        let url = Url::parse(uri).map_err(|_| bad())?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(bad());
        }
        Ok(client.get(url))
    }
}

/// An address for messages: without credentials.
pub(crate) fn shown(uri: &str) -> String {
    let Ok(mut url) = Url::parse(uri) else {
        return uri.rsplit_once('@').map_or(uri, |(_, rest)| rest).to_owned();
    };
    if url.username().is_empty() && url.password().is_none() {
        return uri.to_owned();
    }
    // Both fail only for addresses that cannot have credentials.
    if url.set_username("").is_err() || url.set_password(None).is_err() {
        return "an address".to_owned();
    }
    url.to_string()
}

/// Whether another attempt may have another answer.
pub(crate) fn is_transient(status: StatusCode) -> bool {
    status.is_server_error() || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_never_shown() {
        assert_eq!(shown("http://user:secret@m.example/debian"), "http://m.example/debian");
        assert_eq!(shown("http://m.example/debian"), "http://m.example/debian");
        assert_eq!(shown("no address:secret@m.example"), "m.example");
    }
}
