//! Credentials: what they are and where they come from.

mod docker;
mod helper;

pub use docker::{DockerConfig, LoginStore};

use crate::Secret;
use crate::error::CredentialError;

/// What opens a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// A user name and a password or access token.
    Password {
        /// The user name.
        username: String,
        /// The password.
        password: Secret,
    },
    /// An identity token: exchanged for access tokens at the registry's token server.
    IdentityToken(Secret),
}

/// Finds credentials. Called on a blocking thread, at most once for each registry in the life of a client.
pub trait CredentialSource: Send + Sync {
    /// The credential for a registry by its name in references (`docker.io`, `127.0.0.1:5000`); none means anonymous.
    fn credential(&self, registry: &str) -> Result<Option<Credential>, CredentialError>;
}

/// No credentials: everything is read anonymously.
#[derive(Debug, Clone, Copy, Default)]
pub struct Anonymous;

impl CredentialSource for Anonymous {
    fn credential(&self, _registry: &str) -> Result<Option<Credential>, CredentialError> {
        Ok(None)
    }
}

/// The same credential for one registry and none for others.
#[derive(Debug, Clone)]
pub struct FixedCredential {
    /// The registry's name.
    pub registry: String,
    /// Its credential.
    pub credential: Credential,
}

impl CredentialSource for FixedCredential {
    fn credential(&self, registry: &str) -> Result<Option<Credential>, CredentialError> {
        Ok((registry == self.registry).then(|| self.credential.clone()))
    }
}
