//! Docker's configuration file: reading credentials from it, and writing them by `login` and `logout`.
//!
//! The file belongs to Docker: keys that are not known here are kept as they are. It is read when a credential is first asked
//! for. Order for a registry, as Docker has it: its entry in `credHelpers`, else `credsStore`, else the file's own entries.

use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::helper::Helper;
use super::{Credential, CredentialSource};
use crate::Secret;
use crate::config::is_docker_hub;
use crate::error::CredentialError;

/// The address that stands for Docker Hub in the file and in helpers.
const DOCKER_HUB_KEY: &str = "https://index.docker.io/v1/";

/// Credentials from Docker's `config.json`, and from files in the same form such as podman's `auth.json`.
#[derive(Debug, Clone, Default)]
pub struct DockerConfig {
    files: Vec<PathBuf>,
}

/// Where a log-in was written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginStore {
    /// To a credential helper of that name.
    Helper(String),
    /// To the file itself, not encrypted.
    File(PathBuf),
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct File {
    auths: Map<String, Value>,
    creds_store: Option<String>,
    cred_helpers: Map<String, Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Entry {
    auth: String,
    username: String,
    password: String,
    identitytoken: String,
}

impl DockerConfig {
    /// Reads `path` when it is first needed; a file that does not exist holds nothing.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { files: vec![path.into()] }
    }

    /// Looks into another file too, after the ones before it. Log-ins are written to the first one only.
    #[must_use]
    pub fn and_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.files.push(path.into());
        self
    }

    /// Stores a credential for a registry: with the helper that the file names, else in the file (mode 0600).
    /// It is not checked against the registry; see [`crate::Client::check_login`].
    pub fn login(&self, registry: &str, credential: &Credential) -> Result<LoginStore, CredentialError> {
        if let Credential::Password { username, .. } = credential
            && (username.is_empty() || username.contains(':'))
        {
            return Err(CredentialError::UserName);
        }
        let path = self.path()?;
        let mut document = read_document(path)?;
        let file = parse(path, &document)?;
        let key = storage_key(registry);
        if let Some(name) = file.helper_for(registry) {
            Helper::new(&name)?.store(&key, credential)?;
            return Ok(LoginStore::Helper(name));
        }
        let auths = auths_of(&mut document);
        for name in entries_of(auths, registry) {
            auths.remove(&name);
        }
        let mut entry = Map::new();
        match credential {
            Credential::Password { username, password } => {
                let text = format!("{username}:{}", password.expose());
                entry.insert("auth".to_owned(), general_purpose::STANDARD.encode(text).into());
            }
            Credential::IdentityToken(token) => {
                entry.insert("auth".to_owned(), general_purpose::STANDARD.encode("<token>:").into());
                entry.insert("identitytoken".to_owned(), token.expose().into());
            }
        }
        auths.insert(key, entry.into());
        write_document(path, &document)?;
        Ok(LoginStore::File(path.to_owned()))
    }

    /// Forgets the credential of a registry, in the file and with its helper; says whether the file held one or a helper was asked.
    pub fn logout(&self, registry: &str) -> Result<bool, CredentialError> {
        let path = self.path()?;
        let mut document = read_document(path)?;
        let file = parse(path, &document)?;
        let helper = file.helper_for(registry);
        if let Some(name) = &helper {
            Helper::new(name)?.erase(&storage_key(registry))?;
        }
        let auths = auths_of(&mut document);
        let names = entries_of(auths, registry);
        if names.is_empty() {
            return Ok(helper.is_some());
        }
        for name in names {
            auths.remove(&name);
        }
        write_document(path, &document)?;
        Ok(true)
    }

    fn path(&self) -> Result<&Path, CredentialError> {
        self.files.first().map(PathBuf::as_path).ok_or_else(|| CredentialError::Write {
            path: PathBuf::from("config.json"),
            source: io::Error::new(ErrorKind::NotFound, "no configuration file was named"),
        })
    }
}

impl CredentialSource for DockerConfig {
    fn credential(&self, registry: &str) -> Result<Option<Credential>, CredentialError> {
        for path in &self.files {
            let document = read_document(path)?;
            if let Some(credential) = parse(path, &document)?.credential(path, registry)? {
                return Ok(Some(credential));
            }
        }
        Ok(None)
    }
}

impl File {
    fn helper_for(&self, registry: &str) -> Option<String> {
        let named = entries_of(&self.cred_helpers, registry)
            .into_iter()
            .find_map(|name| self.cred_helpers.get(&name)?.as_str().map(str::to_owned));
        named.or_else(|| self.creds_store.clone()).filter(|name| !name.is_empty())
    }

    fn credential(&self, path: &Path, registry: &str) -> Result<Option<Credential>, CredentialError> {
        if let Some(name) = self.helper_for(registry)
            && let Some(credential) = Helper::new(&name)?.get(&storage_key(registry))?
        {
            return Ok(Some(credential));
        }
        let bad = || CredentialError::Entry { path: path.to_owned(), registry: registry.to_owned() };
        for name in entries_of(&self.auths, registry) {
            let value = self.auths.get(&name).cloned().unwrap_or_default();
            let entry = Entry::deserialize(value).map_err(|_| bad())?;
            if let Some(credential) = entry.credential().ok_or_else(bad)? {
                return Ok(Some(credential));
            }
        }
        Ok(None)
    }
}

impl Entry {
    /// The outer `None` is an entry that cannot be read, the inner one an entry without content.
    #[expect(clippy::option_option, reason = "both are wanted apart, and only here")]
    fn credential(self) -> Option<Option<Credential>> {
        if !self.identitytoken.is_empty() {
            return Some(Some(Credential::IdentityToken(self.identitytoken.into())));
        }
        if !self.auth.is_empty() {
            let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
            let decoded =
                GeneralPurpose::new(&base64::alphabet::STANDARD, config).decode(self.auth.trim()).ok()?;
            let text = String::from_utf8(decoded).ok()?;
            let (username, password) = text.trim_end_matches('\0').split_once(':')?;
            return Some(Some(Credential::Password {
                username: username.to_owned(),
                password: Secret::new(password),
            }));
        }
        if !self.username.is_empty() {
            return Some(Some(Credential::Password {
                username: self.username,
                password: self.password.into(),
            }));
        }
        Some(None)
    }
}

/// The name under which a registry's credential is stored.
fn storage_key(registry: &str) -> String {
    if is_docker_hub(registry) { DOCKER_HUB_KEY.to_owned() } else { registry.to_owned() }
}

/// The names in a table that stand for a registry, the best first: exact ones, then addresses with the same host.
fn entries_of(table: &Map<String, Value>, registry: &str) -> Vec<String> {
    let key = storage_key(registry);
    let host = |name: &str| {
        let name = name.strip_prefix("https://").or_else(|| name.strip_prefix("http://")).unwrap_or(name);
        let host = name.split('/').next().unwrap_or(name);
        if is_docker_hub(host) { DOCKER_HUB_KEY.to_owned() } else { host.to_owned() }
    };
    let mut names: Vec<_> = table.keys().filter(|name| **name == key || host(name) == key).cloned().collect();
    names.sort_by_key(|name| *name != key);
    names
}

fn auths_of(document: &mut Map<String, Value>) -> &mut Map<String, Value> {
    let auths = document.entry("auths").or_insert_with(|| Value::Object(Map::new()));
    if !auths.is_object() {
        *auths = Value::Object(Map::new());
    }
    auths.as_object_mut().expect("it was made an object just now")
}

fn read_document(path: &Path) -> Result<Map<String, Value>, CredentialError> {
    let bytes = match fs::read(path) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(Map::new());
        }
        bytes => bytes.map_err(|source| CredentialError::Read { path: path.to_owned(), source })?,
    };
    if bytes.trim_ascii().is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_slice(&bytes).map_err(|source| CredentialError::Parse { path: path.to_owned(), source })
}

fn parse(path: &Path, document: &Map<String, Value>) -> Result<File, CredentialError> {
    let wanted = ["auths", "credsStore", "credHelpers"];
    let known = document.iter().filter(|(key, value)| wanted.contains(&key.as_str()) && !value.is_null());
    let known: Map<_, _> = known.map(|(key, value)| (key.clone(), value.clone())).collect();
    File::deserialize(Value::Object(known))
        .map_err(|source| CredentialError::Parse { path: path.to_owned(), source })
}

/// Writes beside the file and renames, so that a reader sees the old or the new one; a link stays a link.
fn write_document(path: &Path, document: &Map<String, Value>) -> Result<(), CredentialError> {
    let write = || -> io::Result<()> {
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let folder =
            target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !folder.exists() {
            fs::create_dir_all(folder)?;
            fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
        }
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        let mut text = serde_json::to_string_pretty(document)?;
        text.push('\n');
        file.as_file().set_permissions(fs::Permissions::from_mode(0o600))?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(&target).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(|source| CredentialError::Write { path: path.to_owned(), source })
}
