//! Ids that are also names of directories and files, so that their text is checked once, here.

use std::fmt;

use plimsoll_oci::DiffId;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The longest id in bytes; file systems allow 255 and a suffix must still fit.
const LONGEST: usize = 200;

/// A random text of 32 hexadecimal digits.
pub(crate) fn random_text() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| Error::Random { reason: error.to_string() })?;
    Ok(hex::encode(bytes))
}

fn checked(name: &str) -> Result<String> {
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if name.is_empty() || name.len() > LONGEST || name.starts_with('.') || !name.bytes().all(safe) {
        return Err(Error::UnsafeId { name: name.to_owned() });
    }
    Ok(name.to_owned())
}

macro_rules! id {
    ($(#[$documentation:meta])* $name:ident) => {
        $(#[$documentation])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// A new random id.
            pub fn random() -> Result<Self> {
                random_text().map(Self)
            }

            /// An id from its text, which must be safe as the name of a file.
            pub fn new(text: &str) -> Result<Self> {
                checked(text).map(Self)
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;

            fn try_from(text: String) -> Result<Self> {
                checked(&text).map(Self)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    };
}

id! {
    /// The name of an unpacked layer: the random id of the execution that wrote it, or the digits of the diff id of an
    /// imported layer.
    LayerId
}

id! {
    /// The name of one result of a key.
    ResultId
}

id! {
    /// The name of one build, and of the directory of its logs.
    BuildId
}

impl LayerId {
    /// The id of a layer that was unpacked from a blob: the same for everybody who unpacks it.
    pub fn imported(diff_id: &DiffId) -> Self {
        Self(diff_id.0.hex())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_leave_the_directory_are_refused() {
        for name in ["", ".", "..", "a/b", ".hidden", "a\0b", "ä", &"a".repeat(201)] {
            assert!(matches!(LayerId::new(name), Err(Error::UnsafeId { .. })), "{name:?}");
        }
        assert!(LayerId::new("a-b_c.9").is_ok());
        assert!(serde_json::from_str::<LayerId>("\"../etc\"").is_err());
    }

    #[test]
    fn random_ids_differ() {
        assert_ne!(ResultId::random().unwrap(), ResultId::random().unwrap());
    }
}
