//! What the tests share.

use std::io::{self, Read};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use plimsoll_oci::{Descriptor, Digest, media_type};
use plimsoll_registry::{
    BlobSink, BlockingClient, ClientOptions, Credential, FixedCredential, Progress, PushBlob, RetryPolicy,
    Secret, TransferEvent,
};

/// Options with pauses that a test can wait for.
pub(crate) fn options() -> ClientOptions {
    ClientOptions {
        retry: RetryPolicy {
            attempts: 4,
            first_pause: Duration::from_millis(4),
            longest_pause: Duration::from_secs(2),
        },
        idle_timeout: Duration::from_secs(5),
        ..ClientOptions::default()
    }
}

pub(crate) fn client() -> BlockingClient {
    BlockingClient::new(options())
}

pub(crate) fn client_with(host: &str, credential: Credential) -> BlockingClient {
    let credentials = Arc::new(FixedCredential { registry: host.to_owned(), credential });
    BlockingClient::new(ClientOptions { credentials, ..options() })
}

pub(crate) fn password(username: &str, password: &str) -> Credential {
    Credential::Password { username: username.to_owned(), password: Secret::new(password) }
}

/// Bytes that do not repeat soon.
pub(crate) fn bytes(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

pub(crate) fn descriptor(bytes: &[u8]) -> Descriptor {
    Descriptor::new(media_type::OCI_LAYER_GZIP, Digest::of(bytes), bytes.len() as u64)
}

pub(crate) fn push_blob(bytes: &[u8]) -> PushBlob {
    PushBlob::new(descriptor(bytes), Bytes::copy_from_slice(bytes))
}

/// Remembers all events.
#[derive(Default)]
pub(crate) struct Recorder(Mutex<Vec<TransferEvent>>);

impl Progress for Recorder {
    fn event(&self, event: TransferEvent) {
        self.0.lock().unwrap().push(event);
    }
}

impl Recorder {
    pub(crate) fn retries(&self) -> usize {
        self.0.lock().unwrap().iter().filter(|event| matches!(event, TransferEvent::Retrying { .. })).count()
    }

    pub(crate) fn failed_mirrors(&self) -> usize {
        self.0
            .lock()
            .unwrap()
            .iter()
            .filter(|event| matches!(event, TransferEvent::MirrorFailed { .. }))
            .count()
    }

    pub(crate) fn outcomes(&self) -> Vec<String> {
        let events = self.0.lock().unwrap();
        let mut outcomes: Vec<_> = events
            .iter()
            .filter_map(|event| match event {
                TransferEvent::Finished { outcome, .. } => Some(format!("{outcome:?}")),
                _ => None,
            })
            .collect();
        outcomes.sort();
        outcomes
    }

    pub(crate) fn last_position(&self) -> Option<u64> {
        self.0.lock().unwrap().iter().rev().find_map(|event| match event {
            TransferEvent::Position { position_bytes, .. } => Some(*position_bytes),
            _ => None,
        })
    }
}

/// A sink that counts what is done with it and can hold something from before.
#[derive(Default, Clone)]
pub(crate) struct Store(pub(crate) Arc<Mutex<StoreState>>);

#[derive(Default)]
pub(crate) struct StoreState {
    pub(crate) bytes: Vec<u8>,
    pub(crate) restarts: u32,
    pub(crate) commits: u32,
    pub(crate) full: bool,
}

impl BlobSink for Store {
    fn existing(&mut self) -> io::Result<Option<Box<dyn Read + Send>>> {
        let bytes = self.0.lock().unwrap().bytes.clone();
        Ok((!bytes.is_empty()).then(|| Box::new(io::Cursor::new(bytes)) as Box<dyn Read + Send>))
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        if state.full {
            return Err(io::ErrorKind::StorageFull.into());
        }
        state.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn restart(&mut self) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        state.bytes.clear();
        state.restarts += 1;
        Ok(())
    }

    fn commit(&mut self) -> io::Result<()> {
        self.0.lock().unwrap().commits += 1;
        Ok(())
    }
}

/// An error and everything that caused it.
pub(crate) fn whole_text(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = format!("{error} {error:?}");
    let mut source = error.source();
    while let Some(cause) = source {
        text.extend([": ", &cause.to_string(), " ", &format!("{cause:?}")]);
        source = cause.source();
    }
    text
}
