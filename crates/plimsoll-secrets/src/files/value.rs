//! A value in a file, with the names that lead to it.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

use crate::placeholder;

/// A scalar of a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Value {
    /// The names from the outermost to its own, in small letters.
    pub(crate) keys: Vec<String>,
    /// Where it stands, without quotes.
    pub(crate) place: Range<usize>,
    /// What it says when escapes are undone.
    pub(crate) text: String,
}

impl Value {
    pub(crate) fn key(&self) -> &str {
        self.keys.last().map_or("", String::as_str)
    }

    /// Whether one of the outer names is `name`.
    pub(crate) fn is_within(&self, name: &str) -> bool {
        self.keys.iter().rev().skip(1).any(|key| key == name)
    }
}

/// What a value has to be to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holds {
    /// The secret itself.
    Plain,
    /// The secret in base64.
    Base64,
    /// User and password in base64.
    Login,
    /// The secret, encrypted with a key that lies in the same place: it counts in both forms.
    Sealed,
    /// A secret of some strength: the name alone says little.
    Likely,
}

impl Holds {
    pub(crate) fn is_held_by(self, text: &str) -> bool {
        match self {
            Self::Plain => is_given(text.as_bytes()),
            Self::Base64 => decoded(text).is_some_and(|secret| is_given(&secret)),
            Self::Login => decoded(text).is_some_and(|login| {
                let colon = login.iter().position(|byte| *byte == b':');
                colon.is_some_and(|colon| colon > 0 && is_given(&login[colon + 1..]))
            }),
            Self::Sealed => text.starts_with("{AQAA") || is_given(text.as_bytes()),
            Self::Likely => {
                let is_word =
                    text.bytes().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'-' | b'.'));
                let is_place = text.starts_with(['/', '.', '~']) || text.contains("://");
                let is_number = text.len() < 12 && text.bytes().all(|byte| byte.is_ascii_digit());
                text.len() >= 6
                    && !text.contains(char::is_whitespace)
                    && !is_place
                    && !is_number
                    && (text.len() >= 8 || !is_word)
                    && is_given(text.as_bytes())
            }
        }
    }
}

fn is_given(secret: &[u8]) -> bool {
    secret.len() >= 3 && !placeholder::is_placeholder(secret)
}

/// The bytes of base64 text, which may be broken into lines.
pub(crate) fn decoded(text: &str) -> Option<Vec<u8>> {
    let packed: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    if packed.is_empty() {
        return None;
    }
    STANDARD.decode(&packed).or_else(|_| STANDARD_NO_PAD.decode(&packed)).ok()
}
