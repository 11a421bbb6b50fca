//! Files from addresses (`ADD https://…`), kept as blobs and asked for again only when the server says they changed.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

use flate2::write::MultiGzDecoder;
use plimsoll_executor::{GitCommit, RemoteFile, RemoteSources, SecretSource, Settings};
use plimsoll_graph::GitSource;
use plimsoll_oci::Digest;
use plimsoll_registry::{NameResolution, http_client};
use plimsoll_snapshot::FetchError;
use plimsoll_solver::Cancel;
use plimsoll_store::{BlobWriter, SourceRecord, Store, Timestamp};
use reqwest::header::{
    AUTHORIZATION, CONTENT_ENCODING, ETAG, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
};
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;

use crate::builder::Environment;
use crate::git::Repositories;

/// Nothing can be fetched: for graphs without remote files.
pub(crate) struct NoRemote;

impl RemoteSources for NoRemote {
    fn fetch(&self, _url: &str, _checksum: Option<&Digest>) -> Result<RemoteFile, FetchError> {
        Err("this graph fetches nothing".into())
    }

    fn commit(&self, _git: &GitSource) -> Result<GitCommit, FetchError> {
        Err("this graph fetches nothing".into())
    }

    fn check_out(
        &self,
        _git: &GitSource,
        _commit: &GitCommit,
        _directory: &Path,
        _cancel: &Cancel,
    ) -> Result<i64, FetchError> {
        Err("this graph fetches nothing".into())
    }
}

/// What a build reaches by address.
pub(crate) struct Remote<'a> {
    pub(crate) files: HttpFiles<'a>,
    pub(crate) repositories: Repositories<'a>,
}

impl<'a> Remote<'a> {
    pub(crate) fn new(environment: &'a Environment, settings: &'a Settings) -> Self {
        let store = environment.snapshots.store();
        Self {
            files: HttpFiles { store, settings, connection: OnceLock::new(), answers: Mutex::default() },
            repositories: Repositories {
                store,
                settings,
                program: environment.git.as_ref(),
                cancel: &environment.cancel,
                commits: Mutex::default(),
            },
        }
    }
}

impl RemoteSources for Remote<'_> {
    fn fetch(&self, url: &str, checksum: Option<&Digest>) -> Result<RemoteFile, FetchError> {
        self.files.fetch(url, checksum)
    }

    fn commit(&self, git: &GitSource) -> Result<GitCommit, FetchError> {
        self.repositories.commit(git)
    }

    fn check_out(
        &self,
        git: &GitSource,
        commit: &GitCommit,
        directory: &Path,
        _cancel: &Cancel,
    ) -> Result<i64, FetchError> {
        self.repositories.check_out(git, commit, directory)
    }
}

/// Fetches with an http client that is made at the first need.
pub(crate) struct HttpFiles<'s> {
    store: &'s Store,
    settings: &'s Settings,
    connection: OnceLock<Result<(Runtime, reqwest::Client), String>>,
    /// What was asked in this build already: an address stands for the same bytes until its end.
    answers: Mutex<BTreeMap<String, RemoteFile>>,
}

/// What is kept of an answer, to ask whether it still holds.
#[derive(Clone, Serialize, Deserialize)]
struct Memory {
    digest: Digest,
    modified: i64,
    etag: Option<String>,
    last_modified: Option<String>,
}

/// Where the bytes of an answer go. Some servers compress on the way without being asked to.
enum Sink {
    Plain(BlobWriter),
    Gzip(Box<MultiGzDecoder<BlobWriter>>),
}

impl HttpFiles<'_> {
    fn connection(&self) -> Result<&(Runtime, reqwest::Client), FetchError> {
        let made = self.connection.get_or_init(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(|error| error.to_string())?;
            let mut client = http_client(NameResolution::default())
                .user_agent(concat!("plimsoll/", env!("CARGO_PKG_VERSION")));
            if let Some(pem) = &self.settings.ca_bundle {
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

    /// The header that proves who is asking, if the caller gave one for this host.
    fn authorization(&self, url: &str) -> Result<Option<HeaderValue>, FetchError> {
        let url = reqwest::Url::parse(url)?;
        let Some(host) = url.host_str() else { return Ok(None) };
        let with_port = url.port().map(|port| format!("{host}:{port}"));
        for host in with_port.as_deref().into_iter().chain([host]) {
            let header = self.secret(&format!("HTTP_AUTH_HEADER_{host}"))?;
            let token = self.secret(&format!("HTTP_AUTH_TOKEN_{host}"))?;
            if let Some(text) = header.or_else(|| token.map(|token| format!("Bearer {token}"))) {
                let mut value = HeaderValue::from_str(&text)?;
                value.set_sensitive(true);
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    fn secret(&self, id: &str) -> Result<Option<String>, FetchError> {
        let bytes = match self.settings.secrets.get(id) {
            None => return Ok(None),
            Some(SecretSource::Value(value)) => value.clone(),
            Some(SecretSource::File(path)) => std::fs::read(path)?,
        };
        Ok(Some(String::from_utf8_lossy(&bytes).trim().to_owned()).filter(|text| !text.is_empty()))
    }

    async fn download(
        &self,
        client: &reqwest::Client,
        url: &str,
        known: Option<Memory>,
    ) -> Result<Memory, FetchError> {
        let mut request = client.get(url);
        if let Some(value) = self.authorization(url)? {
            request = request.header(AUTHORIZATION, value);
        }
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
        let text = |header| headers.get(header).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let writer = self.store.blob_writer()?;
        let is_packed = text(CONTENT_ENCODING).is_some_and(|encoding| encoding.eq_ignore_ascii_case("gzip"));
        let mut sink = if is_packed && response.content_length() != Some(0) {
            Sink::Gzip(Box::new(MultiGzDecoder::new(writer)))
        } else {
            Sink::Plain(writer)
        };
        while let Some(piece) = response.chunk().await? {
            match &mut sink {
                Sink::Plain(writer) => writer.write_all(&piece)?,
                Sink::Gzip(decoder) => decoder.write_all(&piece)?,
            }
        }
        let writer = match sink {
            Sink::Plain(writer) => writer,
            Sink::Gzip(decoder) => decoder.finish()?,
        };
        let (digest, _) = writer.commit(None)?;
        let last_modified = text(LAST_MODIFIED);
        let modified = last_modified.as_deref().and_then(http_date).unwrap_or(0);
        Ok(Memory { digest, modified, etag: text(ETAG), last_modified })
    }
}

impl HttpFiles<'_> {
    fn fetch(&self, url: &str, checksum: Option<&Digest>) -> Result<RemoteFile, FetchError> {
        let answered = self.answers.lock().unwrap_or_else(PoisonError::into_inner).get(url).cloned();
        let file = if let Some(file) = answered {
            file
        } else {
            let file = self.ask(url, checksum)?;
            let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
            answers.insert(url.to_owned(), file.clone());
            file
        };
        if let Some(wanted) = checksum.filter(|wanted| **wanted != file.digest) {
            return Err(
                format!("its digest is {}, and not {wanted} as `--checksum` says", file.digest).into()
            );
        }
        Ok(file)
    }

    fn ask(&self, url: &str, checksum: Option<&Digest>) -> Result<RemoteFile, FetchError> {
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
        self.store.protect_blobs(&[memory.digest])?;
        Ok(RemoteFile { digest: memory.digest, modified: memory.modified })
    }
}

fn memory_name(url: &str) -> String {
    format!("http:{url}")
}

/// A time in one of the three forms of http (RFC 9110, "Date/Time Formats"), in seconds since 1970. The name of the day,
/// which stands first, says nothing new.
fn http_date(text: &str) -> Option<i64> {
    let (_, rest) = text.split_once(' ')?;
    ["%d %b %Y %H:%M:%S GMT", "%d-%b-%y %H:%M:%S GMT", "%b %e %H:%M:%S %Y"].iter().find_map(|form| {
        let time = jiff::fmt::strtime::parse(form, rest).ok()?.to_datetime().ok()?;
        Some(time.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_forms() {
        for text in
            ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
        {
            assert_eq!(http_date(text), Some(784_111_777), "{text}");
        }
        for text in ["", "yesterday", "Sun, 06 Nov 1994 08:49:37 +0200", "Sun, 06 Nov 1994"] {
            assert_eq!(http_date(text), None, "{text}");
        }
    }
}
