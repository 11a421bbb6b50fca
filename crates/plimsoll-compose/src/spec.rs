//! The text of a `debian://` context: what a base is asked to hold.
//!
//! `debian://SUITE[?packages=a,b][&variant=distroless|minbase][&arch=ARCH]`. The text is read strictly: an
//! unknown key is an error, since a misspelt `packages` would otherwise give an image that lacks them.
//! [`DebianSpec`] prints itself in one canonical form (packages sorted, no repeats), so equal requests have
//! equal text.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::suggest::closest;

/// How much of Debian is in the root file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Variant {
    /// No shell, no package manager: the files of the packages and what a program needs at run time.
    Distroless,
    /// Essential packages and `apt`, configured by their own maintainer scripts.
    Minbase,
}

impl Variant {
    /// The word for this variant in a `debian://` text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Distroless => "distroless",
            Self::Minbase => "minbase",
        }
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A parsed `debian://` context.
///
/// Serialises as its canonical text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DebianSpec {
    suite: String,
    packages: Vec<String>,
    variant: Variant,
    arch: Option<String>,
}

/// Why a `debian://` text was refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SpecError {
    /// The text has another scheme.
    #[error("`{text}` does not start with `debian://`")]
    Scheme {
        /// The whole text.
        text: String,
    },
    /// No suite is named.
    #[error("`{text}` names no suite, as in `debian://bookworm`")]
    MissingSuite {
        /// The whole text.
        text: String,
    },
    /// The suite has characters that no suite has.
    #[error("`{suite}` is not the name of a suite: letters, digits, `.`, `-`, `_` and `/` are allowed")]
    BadSuite {
        /// The suite as written.
        suite: String,
    },
    /// A key that is not known.
    #[error("unknown key `{key}`{}", hint(.suggestion.as_deref()))]
    UnknownKey {
        /// The key as written.
        key: String,
        /// The nearest known key, if one is near.
        suggestion: Option<String>,
    },
    /// One key was given twice.
    #[error("key `{key}` is given twice")]
    RepeatedKey {
        /// The key as written.
        key: String,
    },
    /// A key without a value.
    #[error("key `{key}` has no value")]
    MissingValue {
        /// The key as written.
        key: String,
    },
    /// A variant that is not known.
    #[error("unknown variant `{value}`: `distroless` or `minbase`{}", hint(.suggestion.as_deref()))]
    UnknownVariant {
        /// The value as written.
        value: String,
        /// The nearest known variant, if one is near.
        suggestion: Option<String>,
    },
    /// A package name that breaks Debian's rule for names.
    #[error(
        "`{name}` is not a package name: at least two of lower case letters, digits, `+`, `-`, `.`, \
         starting with a letter or digit"
    )]
    BadPackage {
        /// The name as written.
        name: String,
    },
    /// An architecture with characters that none has.
    #[error("`{arch}` is not the name of an architecture, as in `amd64` or `arm64`")]
    BadArchitecture {
        /// The value as written.
        arch: String,
    },
    /// A `%` that does not start an escape of two hexadecimal digits, or one that is not text.
    #[error("`{text}` has a broken `%` escape")]
    BadEscape {
        /// The value as written.
        text: String,
    },
}

fn hint(suggestion: Option<&str>) -> String {
    suggestion.map(|word| format!(", did you mean `{word}`?")).unwrap_or_default()
}

const SCHEME: &str = "debian://";
const KEYS: [&str; 3] = ["packages", "variant", "arch"];
const VARIANTS: [Variant; 2] = [Variant::Distroless, Variant::Minbase];

impl DebianSpec {
    /// Whether `text` is meant for this crate, by its scheme.
    pub fn claims(text: &str) -> bool {
        text.starts_with(SCHEME)
    }

    /// Makes a request from its parts, checked as [`DebianSpec::parse`] checks them.
    pub fn new(
        suite: &str,
        packages: impl IntoIterator<Item = impl Into<String>>,
        variant: Variant,
        arch: Option<&str>,
    ) -> Result<Self, SpecError> {
        if !is_suite(suite) {
            return Err(SpecError::BadSuite { suite: suite.to_owned() });
        }
        let mut packages: Vec<String> = packages.into_iter().map(Into::into).collect();
        if let Some(name) = packages.iter().find(|name| !is_package_name(name)) {
            return Err(SpecError::BadPackage { name: name.clone() });
        }
        packages.sort();
        packages.dedup();
        if let Some(arch) = arch.filter(|arch| !is_architecture(arch)) {
            return Err(SpecError::BadArchitecture { arch: arch.to_owned() });
        }
        Ok(Self { suite: suite.to_owned(), packages, variant, arch: arch.map(str::to_owned) })
    }

    /// Reads a `debian://` text. Without `variant=` it asks for `distroless`.
    pub fn parse(text: &str) -> Result<Self, SpecError> {
        let rest = text.strip_prefix(SCHEME).ok_or_else(|| SpecError::Scheme { text: text.to_owned() })?;
        let (suite, query) = rest.split_once('?').unwrap_or((rest, ""));
        let suite = suite.trim_end_matches('/');
        if suite.is_empty() {
            return Err(SpecError::MissingSuite { text: text.to_owned() });
        }
        let (mut packages, mut variant, mut arch) = (None, None, None);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = unescape(value)?;
            let slot = match key {
                "packages" => &mut packages,
                "variant" => &mut variant,
                "arch" => &mut arch,
                _ => {
                    let suggestion = closest(key, KEYS.into_iter()).map(str::to_owned);
                    return Err(SpecError::UnknownKey { key: key.to_owned(), suggestion });
                }
            };
            if slot.is_some() {
                return Err(SpecError::RepeatedKey { key: key.to_owned() });
            }
            // `packages=` alone is a base without further packages, which a template may well produce.
            if value.is_empty() && key != "packages" {
                return Err(SpecError::MissingValue { key: key.to_owned() });
            }
            *slot = Some(value);
        }
        let variant = variant.as_deref().map_or(Ok(Variant::Distroless), parse_variant)?;
        let packages = packages.unwrap_or_default();
        let names = packages.split([',', ' ']).filter(|name| !name.is_empty());
        Self::new(&unescape(suite)?, names, variant, arch.as_deref())
    }

    /// The suite as it is named on the mirror: a code name (`bookworm`) or an alias (`stable`).
    pub fn suite(&self) -> &str {
        &self.suite
    }

    /// The named packages, sorted.
    pub fn packages(&self) -> &[String] {
        &self.packages
    }

    /// How much of Debian is asked for.
    pub fn variant(&self) -> Variant {
        self.variant
    }

    /// Debian's name of the architecture, if the text names one.
    pub fn arch(&self) -> Option<&str> {
        self.arch.as_deref()
    }

    /// The same request with `arch` set where the text names none.
    #[must_use]
    pub fn with_default_arch(mut self, arch: &str) -> Self {
        self.arch.get_or_insert_with(|| arch.to_owned());
        self
    }
}

fn parse_variant(value: &str) -> Result<Variant, SpecError> {
    VARIANTS.into_iter().find(|variant| variant.as_str() == value).ok_or_else(|| SpecError::UnknownVariant {
        value: value.to_owned(),
        suggestion: closest(value, VARIANTS.into_iter().map(Variant::as_str)).map(str::to_owned),
    })
}

impl fmt::Display for DebianSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}?", self.suite)?;
        if !self.packages.is_empty() {
            // `+` stays as it is: it is common in names (`libstdc++6`) and means itself in this text.
            write!(f, "packages={}&", self.packages.join(","))?;
        }
        write!(f, "variant={}", self.variant)?;
        if let Some(arch) = &self.arch {
            write!(f, "&arch={arch}")?;
        }
        Ok(())
    }
}

impl FromStr for DebianSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        Self::parse(text)
    }
}

impl Serialize for DebianSpec {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DebianSpec {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

fn is_suite(suite: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/' | '+');
    // The suite becomes a part of an address: no empty or parent components.
    suite.chars().all(allowed) && suite.split('/').all(|part| !part.is_empty() && !part.starts_with('.'))
}

/// Debian Policy 5.6.7.
pub(crate) fn is_package_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '+' | '-' | '.');
    name.len() >= 2
        && name.chars().all(allowed)
        && name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
}

pub(crate) fn is_architecture(arch: &str) -> bool {
    !arch.is_empty()
        && arch.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && !matches!(arch, "all" | "any")
}

/// Undoes `%2C` and the like. `+` is not a space here: package names contain it.
fn unescape(text: &str) -> Result<String, SpecError> {
    let broken = || SpecError::BadEscape { text: text.to_owned() };
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first == b'%' {
            let digits = tail.get(..2).and_then(|two| std::str::from_utf8(two).ok()).ok_or_else(broken)?;
            if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return Err(broken());
            }
            bytes.push(u8::from_str_radix(digits, 16).map_err(|_| broken())?);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).map_err(|_| broken())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_text_is_sorted_and_without_repeats() {
        let spec = DebianSpec::parse("debian://bookworm?arch=amd64&packages=nodejs,curl,nodejs").unwrap();
        assert_eq!(spec.to_string(), "debian://bookworm?packages=curl,nodejs&variant=distroless&arch=amd64");
        assert_eq!(DebianSpec::parse(&spec.to_string()).unwrap(), spec);
    }

    #[test]
    fn suite_alone_is_distroless_without_packages() {
        let spec = DebianSpec::parse("debian://stable").unwrap();
        assert_eq!(spec.variant(), Variant::Distroless);
        assert!(spec.packages().is_empty());
        assert_eq!(spec.arch(), None);
    }

    #[test]
    fn plus_signs_and_escapes_in_names_survive() {
        let spec = DebianSpec::parse("debian://sid?packages=libstdc++6%2Cg%2b%2b").unwrap();
        assert_eq!(spec.packages(), ["g++", "libstdc++6"]);
    }

    #[test]
    fn misspelt_keys_and_variants_get_a_suggestion() {
        let error = DebianSpec::parse("debian://sid?package=a").unwrap_err();
        assert_eq!(error.to_string(), "unknown key `package`, did you mean `packages`?");
        let error = DebianSpec::parse("debian://sid?variant=distrolless").unwrap_err();
        assert!(error.to_string().ends_with("did you mean `distroless`?"), "{error}");
        let error = DebianSpec::parse("debian://sid?zzz=1").unwrap_err();
        assert_eq!(error.to_string(), "unknown key `zzz`");
    }

    #[test]
    fn broken_texts_are_refused() {
        for (text, want) in [
            ("docker://bookworm", "does not start with"),
            ("debian://", "names no suite"),
            ("debian://../x", "not the name of a suite"),
            ("debian://sid?packages=Foo", "not a package name"),
            ("debian://sid?packages=a/b", "not a package name"),
            ("debian://sid?arch=any", "not the name of an architecture"),
            ("debian://sid?arch=", "has no value"),
            ("debian://sid?arch=amd64&arch=i386", "given twice"),
            ("debian://sid?packages=%zz", "broken `%` escape"),
            ("debian://sid?packages=%2", "broken `%` escape"),
        ] {
            let error = DebianSpec::parse(text).unwrap_err().to_string();
            assert!(error.contains(want), "{text}: {error}");
        }
    }
}
