//! Go: the order of `golang.org/x/mod/semver`, for module versions and for those of the toolchain.
//!
//! Vulnerability databases strip the `v`, so it may be missing. `go1.21rc2` is the toolchain's form, which the databases
//! write `1.21.0-rc.2`. Text that is no version is less than any version, and equal to any other such text.

use std::cmp::Ordering;

use super::semver::{self, compare_identifiers, compare_lists};
use crate::digits;

/// A version, the pre-release of a toolchain apart.
#[derive(Clone, Debug)]
pub(crate) struct Version<'a> {
    numbers: &'a str,
    prerelease: Prerelease<'a>,
}

#[derive(Clone, Debug)]
enum Prerelease<'a> {
    Module(&'a str),
    /// A word and a number without a dot between.
    Toolchain(&'a str, &'a str),
}

impl<'a> Version<'a> {
    pub(crate) fn parse(text: &'a str) -> Self {
        let text = text.trim();
        let text = text.strip_prefix("go").unwrap_or(text);
        let text = text.strip_prefix('v').unwrap_or(text);
        if !text.starts_with(|first: char| first.is_ascii_digit()) {
            return Self { numbers: "", prerelease: Prerelease::Module("") };
        }
        let version = semver::Version::parse(text);
        let follows = text.as_bytes().get(version.numbers.len()).copied();
        let prerelease = toolchain(version.prerelease)
            .filter(|_| follows.is_some_and(|byte| byte.is_ascii_lowercase()))
            .unwrap_or(Prerelease::Module(version.prerelease));
        Self { numbers: version.numbers, prerelease }
    }

    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        (other.numbers.is_empty().cmp(&self.numbers.is_empty()))
            .then_with(|| semver::compare_numbers(self.numbers, other.numbers))
            .then_with(|| self.prerelease.compare(&other.prerelease))
    }
}

/// `rc2` as a word and a number.
fn toolchain(text: &str) -> Option<Prerelease<'_>> {
    let (word, number) = digits::split_letters(text);
    (matches!(word, "alpha" | "beta" | "rc") && digits::are(number))
        .then_some(Prerelease::Toolchain(word, number))
}

impl Prerelease<'_> {
    fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Module(left), Self::Module(right)) => semver::compare_prereleases(left, right),
            (Self::Toolchain(left, first), Self::Toolchain(right, second)) => {
                left.cmp(right).then_with(|| digits::compare(first, second))
            }
            (Self::Toolchain(word, number), Self::Module(text)) => {
                compare_with_toolchain(text, word, number).reverse()
            }
            (Self::Module(text), Self::Toolchain(word, number)) => compare_with_toolchain(text, word, number),
        }
    }
}

fn compare_with_toolchain(text: &str, word: &str, number: &str) -> Ordering {
    if text.is_empty() {
        return Ordering::Greater;
    }
    match text.split_once('.') {
        None => compare_identifiers(text, word).then(Ordering::Less),
        Some((first, rest)) => {
            compare_identifiers(first, word).then_with(|| compare_lists(rest, number, compare_identifiers))
        }
    }
}
