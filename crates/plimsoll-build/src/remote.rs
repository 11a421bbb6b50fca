//! Files from addresses (`ADD https://…`), kept as blobs and asked for again only when the server says they changed.

use std::sync::OnceLock;

use plimsoll_executor::{RemoteFile, RemoteFiles};
use plimsoll_oci::Digest;
use plimsoll_registry::{NameResolution, http_client};
use plimsoll_snapshot::FetchError;
use plimsoll_store::{SourceRecord, Store, Timestamp};
use reqwest::header::{
    CONTENT_DISPOSITION, ETAG, HeaderMap, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
};
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;

/// Nothing can be fetched: for graphs without remote files.
pub(crate) struct NoRemote;

impl RemoteFiles for NoRemote {
    fn fetch(&self, _url: &str, _checksum: Option<&Digest>) -> Result<RemoteFile, FetchError> {
        Err("this graph fetches nothing".into())
    }
}

/// Fetches with an http client that is made at the first need.
pub(crate) struct HttpFiles<'s> {
    pub(crate) store: &'s Store,
    pub(crate) ca_certificates: Option<&'s [u8]>,
    pub(crate) connection: OnceLock<Result<(Runtime, reqwest::Client), String>>,
}

/// What is kept of an answer, to ask whether it still holds.
#[derive(Serialize, Deserialize)]
struct Memory {
    digest: Digest,
    name: String,
    modified: i64,
    etag: Option<String>,
    last_modified: Option<String>,
}

impl HttpFiles<'_> {
    fn connection(&self) -> Result<&(Runtime, reqwest::Client), FetchError> {
        let made = self.connection.get_or_init(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(|error| error.to_string())?;
            let mut client = http_client(NameResolution::default())
                .user_agent(concat!("plimsoll/", env!("CARGO_PKG_VERSION")));
            if let Some(pem) = self.ca_certificates {
                let certificates =
                    reqwest::Certificate::from_pem_bundle(pem).map_err(|error| error.to_string())?;
                client = certificates.into_iter().fold(client, reqwest::ClientBuilder::add_root_certificate);
            }
            Ok((runtime, client.build().map_err(|error| error.to_string())?))
        });
        made.as_ref().map_err(|error| error.clone().into())
    }

    fn remembered(&self, url: &str) -> Result<Option<Memory>, FetchError> {
        let Some(record) = self.store.source(&memory_name(url))? else { return Ok(None) };
        if !self.store.has_blob(&record.digest)? {
            return Ok(None);
        }
        let memory: Memory = serde_json::from_slice(&self.store.read_blob(&record.digest, 1 << 20)?)?;
        Ok(self.store.has_blob(&memory.digest)?.then_some(memory))
    }

    async fn download(
        &self,
        client: &reqwest::Client,
        url: &str,
        known: Option<Memory>,
    ) -> Result<Memory, FetchError> {
        let mut request = client.get(url);
        if let Some(known) = &known {
            if let Some(etag) = &known.etag {
                request = request.header(IF_NONE_MATCH, etag);
            } else if let Some(time) = &known.last_modified {
                request = request.header(IF_MODIFIED_SINCE, time);
            }
        }
        let mut response = request.send().await?;
        if let (reqwest::StatusCode::NOT_MODIFIED, Some(known)) = (response.status(), known) {
            return Ok(known);
        }
        if !response.status().is_success() {
            return Err(format!("the server answered {}", response.status()).into());
        }
        let headers = response.headers().clone();
        let name = file_name(&headers, response.url());
        let mut writer = self.store.blob_writer()?;
        while let Some(piece) = response.chunk().await? {
            std::io::Write::write_all(&mut writer, &piece)?;
        }
        let (digest, _) = writer.commit(None)?;
        let text = |header| headers.get(header).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let last_modified = text(LAST_MODIFIED);
        let modified = last_modified.as_deref().and_then(http_date).unwrap_or(0);
        Ok(Memory { digest, name, modified, etag: text(ETAG), last_modified })
    }
}

impl RemoteFiles for HttpFiles<'_> {
    fn fetch(&self, url: &str, checksum: Option<&Digest>) -> Result<RemoteFile, FetchError> {
        let known = self.remembered(url)?;
        let memory = match (known, checksum) {
            // Bytes that are named by their digest cannot have changed.
            (Some(known), Some(wanted)) if known.digest == *wanted => known,
            (known, _) => {
                let (runtime, client) = self.connection()?;
                let memory = runtime.block_on(self.download(client, url, known))?;
                let digest = self.store.put_blob(&serde_json::to_vec(&memory)?)?;
                let record = SourceRecord { digest, resolved_at: Timestamp::now() };
                self.store.record_source(&memory_name(url), &record)?;
                memory
            }
        };
        if let Some(wanted) = checksum.filter(|wanted| **wanted != memory.digest) {
            return Err(
                format!("its digest is {}, and not {wanted} as `--checksum` says", memory.digest).into()
            );
        }
        Ok(RemoteFile { digest: memory.digest, name: memory.name, modified: memory.modified })
    }
}

fn memory_name(url: &str) -> String {
    format!("http:{url}")
}

/// The name that the server gives a file, or the last part of its address.
fn file_name(headers: &HeaderMap, url: &reqwest::Url) -> String {
    let disposition = headers.get(CONTENT_DISPOSITION).and_then(|value| value.to_str().ok());
    let given = disposition.and_then(|text| {
        let value = text.split(';').find_map(|part| part.trim().strip_prefix("filename="))?;
        Some(value.trim_matches('"').to_owned())
    });
    let last = || url.path_segments().and_then(|mut parts| parts.next_back()).unwrap_or_default().to_owned();
    let name = given.unwrap_or_else(last);
    // A name from outside must stay a name.
    let name = name.rsplit('/').next().unwrap_or_default();
    if matches!(name, "" | "." | "..") { "download".to_owned() } else { name.to_owned() }
}

fn http_date(text: &str) -> Option<i64> {
    jiff::fmt::rfc2822::parse(text).ok().map(|time| time.timestamp().as_second())
}
