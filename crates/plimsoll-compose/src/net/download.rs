//! Downloads: release files with validators, and files by digest, resumed where an earlier attempt stopped.

use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::time::Duration;

use futures_util::StreamExt;
use plimsoll_oci::{Digest, Hasher};
use reqwest::header::{
    CONTENT_RANGE, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, RANGE, RETRY_AFTER,
};
use reqwest::{Response, StatusCode};
use serde::{Deserialize, Serialize};

use super::cache::{self, Cache};
use super::client::{Client, is_transient, shown};
use crate::error::ComposeError;
use crate::events::{Event, Events};

const ATTEMPTS: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(20);
/// More than any release file has; a login page that never ends is not read to its end.
const LARGEST_RELEASE: u64 = 16 << 20;

/// A file by its digest.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    /// Addresses that hold it, tried in order.
    pub(crate) uris: Vec<String>,
    pub(crate) digest: Digest,
    pub(crate) size_bytes: u64,
    /// The package, for progress.
    pub(crate) package: Option<String>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Validators {
    etag: Option<String>,
    last_modified: Option<String>,
}

/// A release file, and whether it came from the cache unasked.
///
/// `None` if the mirror has none there.
pub(crate) async fn release_file(
    client: &Client,
    cache: &Cache,
    uri: &str,
    events: Events<'_>,
) -> Result<Option<(Vec<u8>, bool)>, ComposeError> {
    let path = cache.release(uri);
    let cached = read_if_there(&path)?;
    if client.is_offline() {
        let bytes = cached.ok_or_else(|| ComposeError::Offline { what: shown(uri) })?;
        return Ok(Some((bytes, true)));
    }
    let validators_path = path.with_extension("json");
    let validators: Validators = match &cached {
        // Validators that cannot be read only cost a download.
        Some(_) => read_if_there(&validators_path)?
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default(),
        None => Validators::default(),
    };
    let mut attempt = 1;
    loop {
        let mut request = client.request(uri)?;
        if let Some(etag) = &validators.etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        if let Some(time) = &validators.last_modified {
            request = request.header(IF_MODIFIED_SINCE, time);
        }
        let outcome = match request.send().await {
            Ok(response) if response.status() == StatusCode::NOT_MODIFIED => {
                if let Some(bytes) = cached {
                    return Ok(Some((bytes, false)));
                }
                Err(Failure::of_status(&response, uri))
            }
            Ok(response) if response.status().is_success() => {
                let fresh = Validators {
                    etag: header(&response, &ETAG),
                    last_modified: header(&response, &LAST_MODIFIED),
                };
                whole_body(response, uri).await.map(|bytes| (bytes, fresh))
            }
            Ok(response) if matches!(response.status(), StatusCode::NOT_FOUND | StatusCode::GONE) => {
                return Ok(None);
            }
            Ok(response) => Err(Failure::of_status(&response, uri)),
            Err(error) => Err(Failure::of_error(error, uri)),
        };
        match outcome {
            Ok((bytes, fresh)) => {
                cache::replace(&path, &bytes)?;
                let text = serde_json::to_vec(&fresh).expect("plain data becomes JSON");
                cache::replace(&validators_path, &text)?;
                return Ok(Some((bytes, false)));
            }
            Err(failure) => attempt = failure.pause(attempt, uri, events).await?,
        }
    }
}

async fn whole_body(response: Response, uri: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let mut body = response.bytes_stream();
    while let Some(chunk) = body.next().await {
        bytes.extend_from_slice(&chunk.map_err(|error| Failure::of_error(error, uri))?);
        if bytes.len() as u64 > LARGEST_RELEASE {
            let error = ComposeError::Malformed {
                place: shown(uri),
                problem: "it is far too large for a release file",
            };
            return Err(Failure::lasting(error));
        }
    }
    Ok(bytes)
}

/// Brings a file into the cache, unless it is there.
pub(crate) async fn download(
    client: &Client,
    cache: &Cache,
    wanted: &Wanted,
    events: Events<'_>,
) -> Result<(), ComposeError> {
    if cache.has(&wanted.digest, wanted.size_bytes) {
        return Ok(());
    }
    if client.is_offline() {
        let what = wanted.package.clone().or_else(|| wanted.uris.first().map(|uri| shown(uri)));
        return Err(ComposeError::Offline { what: what.unwrap_or_default() });
    }
    let partial = cache.partial(&wanted.digest);
    let path = partial.clone();
    // Another process may hold the lock for minutes.
    let locked = tokio::task::spawn_blocking(move || cache::lock_partial(&path)).await;
    let mut file = locked.expect("the lock is taken without panics")?;
    if cache.has(&wanted.digest, wanted.size_bytes) {
        return remove(&partial);
    }
    let mut last = None;
    for uri in &wanted.uris {
        match from_one(client, &mut file, &partial, wanted, uri, events).await {
            Ok(()) => {
                let path = cache.file(&wanted.digest);
                return fs::rename(&partial, &path).map_err(|source| ComposeError::Io {
                    action: "put in place",
                    path,
                    source,
                });
            }
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| ComposeError::BadAddress { uri: String::new() }))
}

async fn from_one(
    client: &Client,
    file: &mut File,
    path: &Path,
    wanted: &Wanted,
    uri: &str,
    events: Events<'_>,
) -> Result<(), ComposeError> {
    let mut attempt = 1;
    loop {
        match attempt_once(client, file, path, wanted, uri, events).await {
            Ok(()) => return Ok(()),
            Err(failure) => attempt = failure.pause(attempt, uri, events).await?,
        }
    }
}

async fn attempt_once(
    client: &Client,
    file: &mut File,
    path: &Path,
    wanted: &Wanted,
    uri: &str,
    events: Events<'_>,
) -> Result<(), Failure> {
    let failed =
        |action| move |source| Failure::lasting(ComposeError::Io { action, path: path.to_owned(), source });
    let (mut hasher, mut have) = hash_what_is_there(file, wanted.size_bytes).map_err(failed("read"))?;
    if have < wanted.size_bytes {
        let mut request = client.request(uri).map_err(Failure::lasting)?;
        if have > 0 {
            request = request.header(RANGE, format!("bytes={have}-"));
        }
        let response = request.send().await.map_err(|error| Failure::of_error(error, uri))?;
        let resumed = response.status() == StatusCode::PARTIAL_CONTENT
            && header(&response, &CONTENT_RANGE)
                .is_some_and(|range| range.starts_with(&format!("bytes {have}-")));
        if !resumed {
            if have > 0 {
                truncate(file).map_err(failed("write"))?;
                (hasher, have) = (Hasher::new(), 0);
            }
            // A part where the whole was asked for, or a refusal of the range: the next attempt asks for all.
            if matches!(response.status(), StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE) {
                return Err(Failure::passing(ComposeError::Status {
                    uri: shown(uri),
                    status: response.status().as_u16(),
                }));
            }
            if !response.status().is_success() {
                return Err(Failure::of_status(&response, uri));
            }
        }
        let mut body = response.bytes_stream();
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|error| Failure::of_error(error, uri))?;
            have += chunk.len() as u64;
            if have > wanted.size_bytes {
                truncate(file).map_err(failed("write"))?;
                let (expected, found) = (wanted.size_bytes, have);
                return Err(Failure::lasting(ComposeError::WrongSize { uri: shown(uri), expected, found }));
            }
            hasher.update(&chunk);
            file.write_all(&chunk).map_err(failed("write"))?;
            if let Some(package) = &wanted.package {
                events(Event::FetchProgress { package: package.clone(), bytes: chunk.len() as u64 });
            }
        }
    }
    if have < wanted.size_bytes {
        // An answer that ends early without an error, as some proxies give: the next attempt goes on from here.
        let (expected, found) = (wanted.size_bytes, have);
        return Err(Failure::passing(ComposeError::WrongSize { uri: shown(uri), expected, found }));
    }
    let found = hasher.finish();
    if found != wanted.digest {
        truncate(file).map_err(failed("write"))?;
        let expected = wanted.digest;
        return Err(Failure::lasting(ComposeError::WrongDigest { uri: shown(uri), expected, found }));
    }
    Ok(())
}

/// The state of the digest over what an earlier attempt left; too much of it is dropped.
fn hash_what_is_there(file: &mut File, size_bytes: u64) -> io::Result<(Hasher, u64)> {
    let mut hasher = Hasher::new();
    let length = file.metadata()?.len();
    if length > size_bytes {
        truncate(file)?;
        return Ok((hasher, 0));
    }
    file.rewind()?;
    let mut buffer = vec![0; 128 << 10];
    let mut have = 0;
    loop {
        let length = file.read(&mut buffer)?;
        if length == 0 {
            return Ok((hasher, have));
        }
        hasher.update(&buffer[..length]);
        have += length as u64;
    }
}

fn truncate(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()
}

fn remove(path: &Path) -> Result<(), ComposeError> {
    fs::remove_file(path).map_err(|source| ComposeError::Io {
        action: "remove",
        path: path.to_owned(),
        source,
    })
}

fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, ComposeError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ComposeError::Io { action: "read", path: path.to_owned(), source }),
    }
}

fn header(response: &Response, name: &reqwest::header::HeaderName) -> Option<String> {
    response.headers().get(name)?.to_str().ok().map(str::to_owned)
}

/// A failed attempt, and whether another one is worth it.
struct Failure {
    error: ComposeError,
    transient: bool,
    /// What the server asks for.
    pause: Option<Duration>,
}

impl Failure {
    fn lasting(error: ComposeError) -> Self {
        Self { error, transient: false, pause: None }
    }

    fn passing(error: ComposeError) -> Self {
        Self { error, transient: true, pause: None }
    }

    fn of_error(error: reqwest::Error, uri: &str) -> Self {
        let transient = !error.is_builder() && !error.is_redirect();
        // Without the address, which may hold credentials; the message names a clean one.
        let source = Box::new(error.without_url());
        Self { error: ComposeError::Unreachable { uri: shown(uri), source }, transient, pause: None }
    }

    fn of_status(response: &Response, uri: &str) -> Self {
        let status = response.status();
        let pause =
            header(response, &RETRY_AFTER).and_then(|text| text.parse().ok()).map(Duration::from_secs);
        let error = ComposeError::Status { uri: shown(uri), status: status.as_u16() };
        Self { error, transient: is_transient(status), pause }
    }

    /// Waits before the next attempt and gives its number, or gives up.
    async fn pause(self, attempt: u32, uri: &str, events: Events<'_>) -> Result<u32, ComposeError> {
        if !self.transient || attempt >= ATTEMPTS {
            return Err(self.error);
        }
        let reason = match std::error::Error::source(&self.error) {
            Some(source) => format!("{}: {source}", self.error),
            None => self.error.to_string(),
        };
        events(Event::Retry { uri: shown(uri), attempt: attempt + 1, reason });
        let pause = self.pause.unwrap_or(FIRST_PAUSE * 2_u32.pow(attempt - 1));
        tokio::time::sleep(pause.min(LONGEST_PAUSE)).await;
        Ok(attempt + 1)
    }
}
