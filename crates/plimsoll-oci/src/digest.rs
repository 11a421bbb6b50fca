//! Digests (image-spec, descriptor.md, "Digests") and the two names of layers that must never be confused.

use std::fmt;
use std::io;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

/// A sha256 digest; what it is a digest of is said by the type around it, or by the field's name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

/// Why a text is no digest that can be used here.
#[derive(Debug, thiserror::Error)]
pub enum DigestError {
    /// Another algorithm than sha256.
    #[error("digest algorithm `{algorithm}` is not supported, only `sha256` is")]
    Algorithm {
        /// The algorithm as written.
        algorithm: String,
    },
    /// Not `algorithm:hex`, or not 64 lower-case hexadecimal digits.
    #[error("`{text}` is not a digest of the form `sha256:` and 64 lower-case hexadecimal digits")]
    Malformed {
        /// The text as given.
        text: String,
    },
}

impl Digest {
    /// The digest of some bytes.
    pub fn of(bytes: impl AsRef<[u8]>) -> Self {
        Self(Sha256::digest(bytes.as_ref()).into())
    }

    /// A digest from its 32 raw bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 raw bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The 64 hexadecimal digits, without the algorithm.
    pub fn hex(&self) -> String {
        hex::encode(self.0)
    }

    /// The first 12 hexadecimal digits, for people.
    pub fn short(&self) -> String {
        hex::encode(&self.0[..6])
    }

    /// A digest from its 64 hexadecimal digits.
    pub fn from_hex(text: &str) -> Result<Self, DigestError> {
        let malformed = || DigestError::Malformed { text: text.to_owned() };
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(malformed());
        }
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| malformed())?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        match text.split_once(':') {
            Some(("sha256", digits)) => {
                Self::from_hex(digits).map_err(|_| DigestError::Malformed { text: text.to_owned() })
            }
            Some((algorithm, _)) => Err(DigestError::Algorithm { algorithm: algorithm.to_owned() }),
            None => Err(DigestError::Malformed { text: text.to_owned() }),
        }
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The digest of a layer's *uncompressed* tar (image-spec, config.md, "Layer `DiffID`").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DiffId(pub Digest);

impl fmt::Display for DiffId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The name of a stack of layers (image-spec, config.md, "Layer `ChainID`").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChainId(pub Digest);

impl ChainId {
    /// The chain of some layers, bottom first; an empty stack has none.
    pub fn of(layers: &[DiffId]) -> Option<Self> {
        let (first, rest) = layers.split_first()?;
        Some(
            rest.iter()
                .fold(Self(first.0), |below, layer| Self(Digest::of(format!("{} {}", below.0, layer.0)))),
        )
    }
}

/// Computes a digest piece by piece; also usable as a writer.
#[derive(Clone, Debug, Default)]
pub struct Hasher(Sha256);

impl Hasher {
    /// A hasher that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.update(bytes.as_ref());
    }

    /// Adds a field with its length in front, so that neighbouring fields cannot run into each other.
    pub fn field(&mut self, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    /// The digest of everything that was added.
    pub fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

impl io::Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn reads_what_it_writes() {
        let digest = Digest::of([]);
        assert_eq!(digest.to_string(), EMPTY);
        assert_eq!(EMPTY.parse::<Digest>().unwrap(), digest);
        assert_eq!(serde_json::to_string(&digest).unwrap(), format!("\"{EMPTY}\""));
    }

    #[test]
    fn refuses_other_algorithms_upper_case_and_short_digits() {
        assert!(matches!("sha512:00".parse::<Digest>(), Err(DigestError::Algorithm { .. })));
        assert!(EMPTY.to_uppercase().replace("SHA256", "sha256").parse::<Digest>().is_err());
        assert!("sha256:abcd".parse::<Digest>().is_err());
        assert!("abcd".parse::<Digest>().is_err());
    }

    #[test]
    fn chain_of_one_layer_is_that_layer_and_order_matters() {
        let (a, b) = (DiffId(Digest::of("a")), DiffId(Digest::of("b")));
        assert_eq!(ChainId::of(&[]), None);
        assert_eq!(ChainId::of(&[a]), Some(ChainId(a.0)));
        assert_eq!(ChainId::of(&[a, b]), Some(ChainId(Digest::of(format!("{a} {b}")))));
        assert_ne!(ChainId::of(&[a, b]), ChainId::of(&[b, a]));
    }

    #[test]
    fn fields_do_not_run_into_each_other() {
        let digest = |fields: &[&str]| {
            let mut hasher = Hasher::new();
            fields.iter().for_each(|field| hasher.field(field));
            hasher.finish()
        };
        assert_ne!(digest(&["ab", "c"]), digest(&["a", "bc"]));
    }
}
