//! Docker's credential helpers: programs named `docker-credential-NAME` that are given a server's address on standard
//! input and answer in JSON (docker-credential-helpers, "Usage").

use std::io::{ErrorKind, Write as _};
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

use super::Credential;
use crate::Secret;
use crate::error::CredentialError;
use crate::text::sanitized;

/// User name by which a helper says that the secret is an identity token.
const TOKEN_USER: &str = "<token>";
/// What helpers write when they know nothing about a server; this is an answer, not a failure.
const NOT_FOUND: [&str; 2] = ["credentials not found", "no credentials server url"];

/// One credential helper.
#[derive(Debug)]
pub(super) struct Helper {
    program: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Record {
    #[serde(rename = "ServerURL", default)]
    server: String,
    #[serde(default)]
    username: String,
    secret: String,
}

impl Helper {
    /// The helper of that name, as in `credHelpers` and `credsStore`.
    pub(super) fn new(name: &str) -> Result<Self, CredentialError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || !name.chars().all(plain) {
            return Err(CredentialError::HelperName { name: sanitized(name) });
        }
        Ok(Self { program: format!("docker-credential-{name}") })
    }

    /// The credential that the helper has for a server.
    pub(super) fn get(&self, server: &str) -> Result<Option<Credential>, CredentialError> {
        let answer = match self.run("get", server.as_bytes()) {
            Err(CredentialError::HelperFailed { message, .. })
                if NOT_FOUND.iter().any(|text| message.to_ascii_lowercase().contains(text)) =>
            {
                return Ok(None);
            }
            answer => answer?,
        };
        let record: Record = serde_json::from_slice(&answer)
            .map_err(|_| CredentialError::HelperAnswer { program: self.program.clone() })?;
        let secret = Secret::from(record.secret);
        // Some helpers answer with empty fields instead of an error when they have nothing.
        if secret.is_empty() {
            return Ok(None);
        }
        Ok(Some(if record.username == TOKEN_USER {
            Credential::IdentityToken(secret)
        } else {
            Credential::Password { username: record.username, password: secret }
        }))
    }

    /// Gives the helper a credential to keep.
    pub(super) fn store(&self, server: &str, credential: &Credential) -> Result<(), CredentialError> {
        let (username, secret) = match credential {
            Credential::Password { username, password } => (username.clone(), password),
            Credential::IdentityToken(token) => (TOKEN_USER.to_owned(), token),
        };
        let record = Record { server: server.to_owned(), username, secret: secret.expose().to_owned() };
        let input = serde_json::to_vec(&record).expect("three strings are always valid JSON");
        self.run("store", &input).map(drop)
    }

    /// Makes the helper forget a server. Knowing nothing about it is fine.
    pub(super) fn erase(&self, server: &str) -> Result<(), CredentialError> {
        match self.run("erase", server.as_bytes()) {
            Err(CredentialError::HelperFailed { message, .. })
                if NOT_FOUND.iter().any(|text| message.to_ascii_lowercase().contains(text)) =>
            {
                Ok(())
            }
            result => result.map(drop),
        }
    }

    fn run(&self, verb: &str, input: &[u8]) -> Result<Vec<u8>, CredentialError> {
        let failed = |source| CredentialError::HelperRun { program: self.program.clone(), source };
        let mut child = Command::new(&self.program)
            .arg(verb)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|source| match source.kind() {
                ErrorKind::NotFound => CredentialError::HelperMissing { program: self.program.clone() },
                _ => failed(source),
            })?;
        let mut stdin = child.stdin.take().expect("standard input was asked to be a pipe");
        // A helper that ends without reading its input breaks the pipe; its status says more than that.
        let written = stdin.write_all(input).and_then(|()| stdin.write_all(b"\n"));
        drop(stdin);
        let output = child.wait_with_output().map_err(failed)?;
        if !output.status.success() {
            // Helpers write their errors to standard output; a password may only be there after a success.
            let text = if output.stdout.is_empty() { &output.stderr } else { &output.stdout };
            let message = sanitized(String::from_utf8_lossy(text).trim());
            return Err(CredentialError::HelperFailed { program: self.program.clone(), message });
        }
        written.map_err(failed)?;
        Ok(output.stdout)
    }
}
