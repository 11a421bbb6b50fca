//! What is reported: where a secret is and what it is, never its value.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// How bad it is that somebody has the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Of little use by itself: a hash, a key that a passphrase protects.
    Low,
    /// A test account, or a value whose use is not known.
    Medium,
    /// Access to one service or with few rights.
    High,
    /// Access to an account, to code or to money.
    Critical,
}

impl Severity {
    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Severity {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Low, Self::Medium, Self::High, Self::Critical]
            .into_iter()
            .find(|severity| severity.name() == text)
            .ok_or(())
    }
}

/// One value that is, or looks like, a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule's id.
    pub rule: String,
    /// What the value is.
    pub title: String,
    /// How bad it is.
    pub severity: Severity,
    /// The file, as it was given to the scanner.
    pub path: String,
    /// The line on which the value begins, from 1.
    pub line: u64,
    /// The byte of that line at which it begins, from 1.
    pub column: u64,
    /// The length of the value in bytes.
    pub length: u64,
    /// Its first characters, four and a quarter of it at most, and `…`.
    pub excerpt: String,
    /// Names rule and value in lists of allowed findings.
    pub fingerprint: String,
}

/// Why a file, or a part of the search in it, was left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Skipped {
    /// Larger than the limit that is configured.
    TooLarge,
    /// The name is that of a picture, a font, an archive, …
    MediaName,
    /// The first bytes are those of a compressed format.
    Compressed,
    /// The path is allowed, see `allow.rs` and the configuration.
    AllowedPath,
    /// Not text, and the configuration says to leave such files out.
    Binary,
    /// Not text: only tokens and keys with a form of their own were looked for.
    BinaryTokensOnly,
    /// The form of the file is known, but it is too large to be read by it; the search in its text was done.
    FormTooLarge,
    /// More findings than one file may have; the rest of it was not read.
    TooManyFindings,
}

impl Skipped {
    /// Whether the file, or the rest of it, was not read at all.
    pub const fn is_unread(&self) -> bool {
        !matches!(self, Self::BinaryTokensOnly | Self::FormTooLarge)
    }
}

impl fmt::Display for Skipped {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::TooLarge => "larger than the limit",
            Self::MediaName => "a picture, archive or the like by its name",
            Self::Compressed => "compressed data",
            Self::AllowedPath => "an allowed path",
            Self::Binary => "not text",
            Self::BinaryTokensOnly => "not text: searched for tokens and keys only",
            Self::FormTooLarge => "too large to be read by its form: searched as text only",
            Self::TooManyFindings => "too many findings: the rest was not read",
        })
    }
}

/// What the scan of one file gave.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFindings {
    /// The findings, by place.
    pub findings: Vec<Finding>,
    /// What was left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<Skipped>,
    /// How many bytes were read.
    pub read_bytes: u64,
}

impl FileFindings {
    pub(crate) fn skipped(reason: Skipped) -> Self {
        Self { findings: Vec::new(), skipped: Some(reason), read_bytes: 0 }
    }
}

/// A value's place and digest: all that is kept of it until the file is read.
#[derive(Clone)]
pub(crate) struct Candidate {
    /// The index of the rule among the scanner's.
    pub(crate) rule: usize,
    /// Absolute, of the value.
    pub(crate) start: u64,
    pub(crate) length: u64,
    pub(crate) line: u64,
    pub(crate) column: u64,
    pub(crate) excerpt: String,
    pub(crate) digest: [u8; 32],
}

/// The first characters of a value, a quarter of it and four at most.
pub(crate) fn mask(value: &[u8]) -> String {
    let most = (value.len() / 4).min(4);
    let shown: String = value[..most]
        .iter()
        .take_while(|byte| byte.is_ascii_graphic())
        .map(|byte| char::from(*byte))
        .collect();
    shown + "…"
}

/// The digest of rule and value that a fingerprint is made of.
pub(crate) fn digest(rule: &str, value: &[u8]) -> [u8; 32] {
    let mut state = Sha256::new();
    state.update(b"plimsoll-secret-v1\0");
    state.update(rule.as_bytes());
    state.update([0]);
    state.update(value);
    state.finalize().into()
}

/// The name of rule and value in lists of allowed findings.
///
/// Reports are shared, and a short password could be guessed from its digest. There is no secret to salt it with, so that a guess
/// is made dear instead: some thousand rounds, of which 64 bits are kept.
pub(crate) fn fingerprint(digest: &[u8; 32]) -> String {
    const ROUNDS: usize = 4096;
    let mut state = *digest;
    for _ in 0..ROUNDS {
        state = Sha256::digest(state).into();
    }
    state[..8].iter().fold(String::with_capacity(16), |mut text, byte| {
        use fmt::Write as _;
        write!(text, "{byte:02x}").expect("a string takes all that is written");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_a_quarter_at_most() {
        assert_eq!(mask(b"abc"), "…");
        assert_eq!(mask(b"abcdefgh"), "ab…");
        assert_eq!(mask(b"abcdefghijklmnopqrstuvwxyz"), "abcd…");
        assert_eq!(mask(b"\x1b[31mabcdefghijklmno"), "…");
    }

    #[test]
    fn a_fingerprint_names_rule_and_value() {
        let one = fingerprint(&digest("a-rule", b"value"));
        assert_eq!(one.len(), 16);
        assert_eq!(one, fingerprint(&digest("a-rule", b"value")));
        assert_ne!(one, fingerprint(&digest("b-rule", b"value")));
        assert_ne!(one, fingerprint(&digest("a-rule", b"valuf")));
    }
}
