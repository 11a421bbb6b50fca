//! Distribution client: authentication, push, pull, mount, resume.
//!
//! A thin client of the distribution specification. [`Client`] is asynchronous, because many waits overlap; callers
//! without a runtime use [`BlockingClient`], which has the same verbs. Both cost nothing until their first request.
//!
//! What is decided here: which endpoint is asked (mirrors in order, then the registry), which token is sent, when something is
//! tried again, and that bytes are never believed before their digest was checked. Bytes of manifests pass through unchanged.
//! Nothing here reads the environment, except that the HTTP library takes proxies and certificates from where the system has them.

mod answer;
mod auth;
mod blocking;
mod challenge;
mod client;
mod config;
mod credentials;
mod dns;
mod endpoint;
mod error;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod hints;
mod http;
mod image;
mod progress;
mod pull;
mod push;
mod request;
mod secret;
#[cfg(feature = "testing")]
pub mod testing;
mod text;
mod transfer;

pub use blocking::BlockingClient;
pub use client::{Client, ClientOptions, RetryPolicy};
pub use config::{RegistriesConfig, RegistryConfig};
pub use credentials::{Anonymous, Credential, CredentialSource, DockerConfig, FixedCredential, LoginStore};
pub use dns::NameResolution;
pub use error::{Action, CredentialError, Error, Refusal, Result, TransportError};
pub use http::http_client;
pub use progress::{BlobOutcome, NoProgress, Progress, TransferEvent};
pub use secret::Secret;
pub use transfer::{BlobSink, BlobSource, PushBlob, PushImage, PushManifest, RemoteImage};
