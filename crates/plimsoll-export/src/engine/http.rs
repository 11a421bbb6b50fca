//! The few requests that an engine is asked.

use std::io::{self, Write};
use std::path::Path;

use bytes::Bytes;
use futures_util::stream;
use plimsoll_registry::{NameResolution, http_client};
use reqwest::{Client, Identity, Response, StatusCode};
use serde::de::DeserializeOwned;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

use super::bridge::Bridge;
use super::{EngineAddress, EngineError};

/// Bytes that are sent at once, and how many such pieces wait.
const PIECE: usize = 256 << 10;
const QUEUE: usize = 4;

/// A connection to one engine.
pub(super) struct Http {
    runtime: Runtime,
    client: Client,
    base: String,
    shown: String,
    /// The way through a command; it is dropped last.
    bridge: Option<Bridge>,
}

impl Http {
    pub(super) fn new(address: &EngineAddress, scratch: &Path) -> Result<Self, EngineError> {
        let shown = match address {
            EngineAddress::Unix(path) => format!("unix://{}", path.display()),
            EngineAddress::Tcp { host, .. } => format!("tcp://{host}"),
            EngineAddress::Command { shown, .. } => shown.clone(),
        };
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| EngineError::Unreachable {
            address: shown.clone(),
            source,
        };
        let mut builder = http_client(NameResolution::default())
            .no_proxy()
            .user_agent(concat!("plimsoll/", env!("CARGO_PKG_VERSION")));
        let mut bridge = None;
        let base = match address {
            EngineAddress::Command { argv, .. } => {
                let opened = Bridge::open(argv, scratch).map_err(|error| failed(error.into()))?;
                builder = builder.unix_socket(opened.socket());
                bridge = Some(opened);
                "http://engine".to_owned()
            }
            EngineAddress::Unix(path) => {
                builder = builder.unix_socket(path.as_path());
                "http://engine".to_owned()
            }
            EngineAddress::Tcp { host, tls: None } => format!("http://{host}"),
            EngineAddress::Tcp { host, tls: Some(tls) } => {
                if let Some(pem) = &tls.authorities {
                    let certificates =
                        reqwest::Certificate::from_pem_bundle(pem).map_err(|error| failed(error.into()))?;
                    builder = builder.tls_certs_only(certificates);
                }
                if let Some(pem) = &tls.identity {
                    let identity = Identity::from_pem(pem).map_err(|error| failed(error.into()))?;
                    builder = builder.identity(identity);
                }
                builder = builder.danger_accept_invalid_certs(tls.accept_any);
                format!("https://{host}")
            }
        };
        let client = builder.build().map_err(|error| failed(error.into()))?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|error| failed(error.into()))?;
        Ok(Self { runtime, client, base, shown, bridge })
    }

    fn unreachable(&self, error: reqwest::Error) -> EngineError {
        if let Some(words) = self.bridge.as_ref().and_then(Bridge::said) {
            return EngineError::Command { address: self.shown.clone(), words };
        }
        EngineError::Unreachable { address: self.shown.clone(), source: error.without_url().into() }
    }

    pub(super) fn refused(&self, attempt: &'static str, reason: &str) -> EngineError {
        EngineError::Refused { address: self.shown.clone(), attempt, reason: reason.trim().to_owned() }
    }

    /// A document; nothing if there is no such thing.
    pub(super) fn json<T: DeserializeOwned>(
        &self,
        path: &str,
        attempt: &'static str,
    ) -> Result<Option<T>, EngineError> {
        let response = self.runtime.block_on(self.client.get(format!("{}{path}", self.base)).send());
        let response = response.map_err(|error| self.unreachable(error))?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let text = self.text(response, attempt)?;
        let problem =
            |error: serde_json::Error| self.refused(attempt, &format!("its answer is unclear ({error})"));
        serde_json::from_str(&text).map(Some).map_err(problem)
    }

    pub(super) fn post(
        &self,
        path: &str,
        query: &[(&str, String)],
        attempt: &'static str,
    ) -> Result<(), EngineError> {
        let mut url = reqwest::Url::parse(&format!("{}{path}", self.base))
            .map_err(|error| self.refused(attempt, &error.to_string()))?;
        url.query_pairs_mut().extend_pairs(query);
        let response = self.runtime.block_on(self.client.post(url).send());
        let response = response.map_err(|error| self.unreachable(error))?;
        self.text(response, attempt).map(drop)
    }

    /// Sends what `write` writes while it is written; gives the answer.
    pub(super) fn upload(
        &self,
        path: &str,
        attempt: &'static str,
        write: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
    ) -> Result<String, EngineError> {
        let (sender, receiver) = mpsc::channel::<io::Result<Bytes>>(QUEUE);
        let pieces = stream::unfold(receiver, |mut receiver| async move {
            receiver.recv().await.map(|piece| (piece, receiver))
        });
        let request = self.client.post(format!("{}{path}", self.base));
        let request =
            request.header("content-type", "application/x-tar").body(reqwest::Body::wrap_stream(pieces));
        let response = self.runtime.spawn(request.send());
        let mut pieces = Pieces { sender: Some(sender), piece: Vec::with_capacity(PIECE) };
        let written = write(&mut pieces).and_then(|()| pieces.flush());
        if let (Err(error), Some(sender)) = (&written, pieces.sender.take()) {
            // Ends the request instead of letting half an archive look whole; if nobody listens, it has ended already.
            let _nobody_listens = sender.blocking_send(Err(io::Error::other(error.to_string())));
        }
        drop(pieces);
        let response = self.runtime.block_on(response).map_err(|error| EngineError::Unreachable {
            address: self.shown.clone(),
            source: error.into(),
        })?;
        let response = response.map_err(|error| self.unreachable(error))?;
        self.text(response, attempt)
    }

    /// Writes the bytes of an answer out; nothing if there is no such thing.
    pub(super) fn download(
        &self,
        path: &str,
        query: &[(&str, String)],
        attempt: &'static str,
        out: &mut dyn Write,
    ) -> Result<Option<()>, EngineError> {
        let mut url = reqwest::Url::parse(&format!("{}{path}", self.base))
            .map_err(|error| self.refused(attempt, &error.to_string()))?;
        url.query_pairs_mut().extend_pairs(query);
        let response = self.runtime.block_on(self.client.get(url).send());
        let mut response = response.map_err(|error| self.unreachable(error))?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        if !response.status().is_success() {
            return self.text(response, attempt).map(|_| None);
        }
        while let Some(piece) =
            self.runtime.block_on(response.chunk()).map_err(|error| self.unreachable(error))?
        {
            out.write_all(&piece).map_err(|source| EngineError::Write { source })?;
        }
        Ok(Some(()))
    }

    fn text(&self, response: Response, attempt: &'static str) -> Result<String, EngineError> {
        let status = response.status();
        let text = self.runtime.block_on(response.text()).map_err(|error| self.unreachable(error))?;
        if status.is_success() {
            return Ok(text);
        }
        let message = serde_json::from_str::<serde_json::Value>(&text).ok();
        let message = message.as_ref().and_then(|message| message["message"].as_str());
        Err(self.refused(attempt, message.unwrap_or(if text.is_empty() { status.as_str() } else { &text })))
    }
}

/// Collects pieces and hands them to the request.
struct Pieces {
    sender: Option<mpsc::Sender<io::Result<Bytes>>>,
    piece: Vec<u8>,
}

impl Pieces {
    fn hand_over(&mut self) -> io::Result<()> {
        let piece = Bytes::from(std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE)));
        let sender = self.sender.as_ref().ok_or(io::ErrorKind::BrokenPipe)?;
        // The engine has answered before it has read everything.
        sender.blocking_send(Ok(piece)).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(PIECE - self.piece.len());
        self.piece.extend_from_slice(&bytes[..taken]);
        if self.piece.len() == PIECE {
            self.hand_over()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.piece.is_empty() { Ok(()) } else { self.hand_over() }
    }
}
