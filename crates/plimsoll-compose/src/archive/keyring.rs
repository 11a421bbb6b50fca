//! Keyrings: `OpenPGP` public keys in files, binary or armoured.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use pgp::composed::{Deserializable, SignedPublicKey};

use crate::error::ComposeError;

/// The keys that may sign.
#[derive(Debug, Default)]
pub(crate) struct Keyring {
    pub(crate) keys: Vec<SignedPublicKey>,
    /// The files they came from.
    pub(crate) files: Vec<PathBuf>,
}

const ARMOUR: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----";

impl Keyring {
    /// Adds the keys of a file. A file that is not there is none; a key of a kind that is not known is passed
    /// over.
    pub(crate) fn add_file(&mut self, path: &Path) -> Result<(), ComposeError> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(source) => {
                return Err(ComposeError::Io { action: "read keyring", path: path.to_owned(), source });
            }
        };
        self.add_bytes(&bytes)
            .map_err(|source| ComposeError::Keyring { path: path.to_owned(), source: Box::new(source) })?;
        self.files.push(path.to_owned());
        Ok(())
    }

    /// Adds the archive keyrings of a directory.
    ///
    /// A directory of keyrings holds those of third parties, and withdrawn keys, beside the distribution's:
    /// only files named `*-archive-keyring` count.
    pub(crate) fn add_directory(&mut self, directory: &Path) -> Result<(), ComposeError> {
        let failed =
            |source| ComposeError::Io { action: "list keyrings in", path: directory.to_owned(), source };
        let mut paths = Vec::new();
        for entry in fs::read_dir(directory).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
            if stem.ends_with("-archive-keyring") && matches!(extension, "gpg" | "asc" | "pgp") {
                paths.push(path);
            }
        }
        paths.sort();
        paths.iter().try_for_each(|path| self.add_file(path))
    }

    /// Adds keys from bytes, several armoured blocks included.
    pub(crate) fn add_bytes(&mut self, bytes: &[u8]) -> Result<(), pgp::errors::Error> {
        let Some(text) = std::str::from_utf8(bytes).ok().filter(|text| text.contains(ARMOUR)) else {
            return self.add_block(bytes);
        };
        let starts: Vec<usize> = text.match_indices(ARMOUR).map(|(start, _)| start).collect();
        for (place, start) in starts.iter().enumerate() {
            let end = starts.get(place + 1).copied().unwrap_or(text.len());
            self.add_block(&text.as_bytes()[*start..end])?;
        }
        Ok(())
    }

    fn add_block(&mut self, bytes: &[u8]) -> Result<(), pgp::errors::Error> {
        let (keys, _) = SignedPublicKey::from_reader_many(bytes)?;
        let mut failed = None;
        let mut found = false;
        for key in keys {
            match key {
                Ok(key) => {
                    found = true;
                    if !self.keys.contains(&key) {
                        self.keys.push(key);
                    }
                }
                Err(error) => failed = Some(error),
            }
        }
        match failed {
            Some(error) if !found => Err(error),
            Some(error) => {
                tracing::debug!(%error, "passed over a key");
                Ok(())
            }
            None => Ok(()),
        }
    }
}
