//! What can go wrong with a registry, and the way out of it.
//!
//! No variant ever carries a token, a password or an address with credentials: addresses are reduced to registry
//! names, and what a registry says about itself passes the sanitiser.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use plimsoll_oci::{Digest, ManifestError};

use crate::hints;

/// The result of every verb of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What was being done when something failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Reading a manifest, a blob or a list of tags.
    Pull,
    /// Writing a manifest or a blob.
    Push,
    /// Checking or fetching credentials.
    Login,
    /// The first contact, before anything in particular was asked for.
    Reach,
}

impl fmt::Display for Action {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Pull => "pull",
            Self::Push => "push",
            Self::Login => "log in to",
            Self::Reach => "reach",
        })
    }
}

/// An HTTP or connection error, without its address.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// What the HTTP library says.
    #[error(transparent)]
    Http(reqwest::Error),
    /// Nothing came, or could be sent, for a long time.
    #[error("nothing was transferred for {:.0} s", .0.as_secs_f32())]
    Idle(Duration),
    /// The other side stopped before the end.
    #[error("the connection ended after {received} of {expected} bytes")]
    Short {
        /// Bytes that came.
        received: u64,
        /// Bytes that should have come.
        expected: u64,
    },
}

impl From<reqwest::Error> for TransportError {
    fn from(error: reqwest::Error) -> Self {
        Self::Http(error.without_url())
    }
}

/// The answer of a registry that refused something: its status, and what it wrote in `errors[]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The codes of the answer (distribution-spec, "Error Codes"), such as `DENIED`.
    pub codes: Vec<String>,
    /// The messages of the answer, sanitised for any terminal.
    pub messages: Vec<String>,
    /// How often the request was sent.
    pub attempts: u32,
    /// The time from the first request to this answer.
    pub elapsed: Duration,
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "status {}", self.status)?;
        if self.attempts > 1 {
            write!(formatter, " after {} attempts in {:.1} s", self.attempts, self.elapsed.as_secs_f32())?;
        }
        if !self.messages.is_empty() {
            write!(formatter, ": {}", self.messages.join("; "))?;
        } else if !self.codes.is_empty() {
            write!(formatter, ": {}", self.codes.join(", "))?;
        }
        Ok(())
    }
}

impl std::error::Error for Refusal {}

/// Why something could not be read from or written to a registry; [`Error::hint`] says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No connection, or one that broke more often than it was worth trying.
    #[error("cannot {action} `{name}`: no answer from `{registry}` in {attempts} attempts and {:.1} s", elapsed.as_secs_f32())]
    Unreachable {
        /// What was attempted.
        action: Action,
        /// The image or registry it was attempted on.
        name: String,
        /// The endpoint that did not answer.
        registry: String,
        /// How often it was tried.
        attempts: u32,
        /// The time from the first attempt to the last.
        elapsed: Duration,
        /// The last attempt's error.
        #[source]
        source: TransportError,
    },
    /// The certificate of the registry cannot be verified.
    #[error("the certificate of registry `{registry}` is not trusted")]
    UntrustedCertificate {
        /// The endpoint.
        registry: String,
        /// What the verification says.
        #[source]
        source: TransportError,
    },
    /// https was spoken to a server that speaks http.
    #[error("registry `{registry}` speaks plain http where https was expected")]
    SpeaksHttp {
        /// The endpoint.
        registry: String,
        /// What TLS made of the answer.
        #[source]
        source: TransportError,
    },
    /// http was spoken to a server that speaks https.
    #[error("registry `{registry}` speaks https where plain http was configured")]
    SpeaksHttps {
        /// The endpoint.
        registry: String,
    },
    /// The HTTP client could not be set up.
    #[error("cannot set up the connection to registry `{registry}`")]
    Setup {
        /// The endpoint.
        registry: String,
        /// The reason, such as a machine without any certificates.
        #[source]
        source: TransportError,
    },
    /// A file of certificates could not be read.
    #[error("cannot read the certificates for registry `{registry}` from `{}`", path.display())]
    CertificateFile {
        /// The endpoint.
        registry: String,
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Certificates given by the caller are not valid PEM.
    #[error("the certificates for registry `{registry}` are not valid PEM")]
    CertificateFormat {
        /// The endpoint.
        registry: String,
        /// What the reader says.
        #[source]
        source: TransportError,
    },
    /// No permission, or (many registries do not tell these apart) no such repository.
    #[error("no permission to {action} `{name}` ({refusal})")]
    Denied {
        /// What was attempted.
        action: Action,
        /// The image.
        name: String,
        /// The endpoint.
        registry: String,
        /// True when credentials were sent.
        authenticated: bool,
        /// What the registry answered.
        refusal: Box<Refusal>,
    },
    /// No such image, tag or blob.
    #[error("`{name}` was not found in registry `{registry}` ({refusal})")]
    NotFound {
        /// The image or blob.
        name: String,
        /// The endpoint.
        registry: String,
        /// What the registry answered.
        refusal: Box<Refusal>,
    },
    /// A push to a repository that must be created first.
    #[error("repository `{name}` does not exist and registry `{registry}` does not create it ({refusal})")]
    MissingRepository {
        /// The repository, with its registry.
        name: String,
        /// The endpoint.
        registry: String,
        /// What the registry answered.
        refusal: Box<Refusal>,
    },
    /// The tag exists and may not be moved.
    #[error("tag `{name}` exists already and registry `{registry}` does not let it be changed ({refusal})")]
    ImmutableTag {
        /// The image with its tag.
        name: String,
        /// The endpoint.
        registry: String,
        /// What the registry answered.
        refusal: Box<Refusal>,
    },
    /// Too many requests, even after waiting.
    #[error("registry `{registry}` limits the rate of requests for `{name}` ({refusal})")]
    RateLimited {
        /// The image.
        name: String,
        /// The endpoint.
        registry: String,
        /// How long the registry asks to wait.
        retry_after: Option<Duration>,
        /// What the registry answered.
        refusal: Box<Refusal>,
    },
    /// Any other answer that is no success.
    #[error("cannot {action} `{name}`: registry `{registry}` answered {refusal}")]
    Refused {
        /// What was attempted.
        action: Action,
        /// The image or blob.
        name: String,
        /// The endpoint.
        registry: String,
        /// What the registry answered.
        refusal: Box<Refusal>,
    },
    /// A redirection that must not be followed, or too many of them.
    #[error("registry `{registry}` redirected a request in a way that is not followed")]
    Redirect {
        /// The endpoint.
        registry: String,
        /// What was wrong with it.
        #[source]
        source: TransportError,
    },
    /// A success that breaks the protocol.
    #[error("registry `{registry}` broke the protocol: {problem}")]
    Protocol {
        /// The endpoint.
        registry: String,
        /// What is missing or wrong.
        problem: &'static str,
    },
    /// The server named an address that credentials must not be sent to.
    #[error("registry `{registry}` asks for credentials to be sent to `{host}` without encryption")]
    InsecureTokenServer {
        /// The endpoint.
        registry: String,
        /// The host of the token server.
        host: String,
    },
    /// Bytes are not what their name says.
    #[error("`{name}` from registry `{registry}` is damaged: expected {expected}, got {found}")]
    DigestMismatch {
        /// The image.
        name: String,
        /// The endpoint that sent it.
        registry: String,
        /// The digest that was asked for.
        expected: Digest,
        /// The digest of what came.
        found: Digest,
    },
    /// More or fewer bytes than the descriptor says.
    #[error(
        "blob {digest} from registry `{registry}` has another size than the {expected} bytes its descriptor says"
    )]
    SizeMismatch {
        /// The blob.
        digest: Digest,
        /// The endpoint that sent it.
        registry: String,
        /// Size in bytes by the descriptor.
        expected: u64,
    },
    /// A manifest, token or small blob beyond the limit for its kind.
    #[error("`{name}` from registry `{registry}` is larger than the limit of {limit} bytes")]
    TooLarge {
        /// The image or blob.
        name: String,
        /// The endpoint.
        registry: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// Bytes that are no manifest, or no manifest for the platform.
    #[error("cannot use the manifest of `{name}`")]
    Manifest {
        /// The image.
        name: String,
        /// What is wrong with it.
        #[source]
        source: Box<ManifestError>,
    },
    /// The receiver of a blob failed.
    #[error("cannot store blob {digest}")]
    Sink {
        /// The blob.
        digest: Digest,
        /// What the receiver says.
        #[source]
        source: io::Error,
    },
    /// The source of a blob to push failed.
    #[error("cannot read blob {digest} to push it")]
    Source {
        /// The blob.
        digest: Digest,
        /// What the source says.
        #[source]
        source: io::Error,
    },
    /// The source of a blob gave another number of bytes than its descriptor says.
    #[error("blob {digest} to push has another size than the {expected} bytes its descriptor says")]
    SourceSize {
        /// The blob.
        digest: Digest,
        /// Size in bytes by the descriptor.
        expected: u64,
    },
    /// A push without any manifest.
    #[error("nothing to push to `{name}`: no manifest was given")]
    NothingToPush {
        /// The image.
        name: String,
    },
    /// Credentials could not be had.
    #[error("cannot get credentials for registry `{registry}`")]
    Credentials {
        /// The registry.
        registry: String,
        /// Why not.
        #[source]
        source: CredentialError,
    },
    /// The runtime of the blocking client could not be started.
    #[error("cannot start the threads of the registry client")]
    Runtime {
        /// Why not.
        #[source]
        source: io::Error,
    },
}

/// Why credentials could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// The configured helper is not installed.
    #[error("credential helper `{program}` is configured, but not installed")]
    HelperMissing {
        /// The program that was looked for on the search path.
        program: String,
    },
    /// The helper could not be run.
    #[error("cannot run credential helper `{program}`")]
    HelperRun {
        /// The program.
        program: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The helper says no.
    #[error("credential helper `{program}` failed: {message}")]
    HelperFailed {
        /// The program.
        program: String,
        /// What it wrote, sanitised.
        message: String,
    },
    /// The helper's answer cannot be read.
    #[error("credential helper `{program}` gave an answer that cannot be read")]
    HelperAnswer {
        /// The program.
        program: String,
    },
    /// The name of a helper that would run something else than a helper.
    #[error("`{name}` is not a valid name of a credential helper")]
    HelperName {
        /// The name as configured, sanitised.
        name: String,
    },
    /// The configuration file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The configuration file is not valid.
    #[error("`{}` is not a valid Docker configuration file", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// The place of the mistake.
        #[source]
        source: serde_json::Error,
    },
    /// An `auth` entry is not base64 of `user:password`.
    #[error("the entry of `{registry}` in `{}` is not base64 of `user:password`", path.display())]
    Entry {
        /// The file.
        path: PathBuf,
        /// The registry.
        registry: String,
    },
    /// The configuration file cannot be written.
    #[error("cannot write `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The name is of no registry.
    #[error("user name must not be empty or contain `:`")]
    UserName,
}

impl Error {
    /// What the user can do about it, if anything is known to help.
    pub fn hint(&self) -> Option<String> {
        hints::of(self)
    }

    /// What the registry answered, if it answered with a refusal.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Denied { refusal, .. }
            | Self::NotFound { refusal, .. }
            | Self::MissingRepository { refusal, .. }
            | Self::ImmutableTag { refusal, .. }
            | Self::RateLimited { refusal, .. }
            | Self::Refused { refusal, .. } => Some(refusal),
            _ => None,
        }
    }

    /// True when the image, tag or blob is not there (rather than out of reach).
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }
}
