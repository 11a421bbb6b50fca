//! npm: what node-semver's loose mode parses, in its order.
//!
//! Loose means: spaces, `v` and `=` at the start, leading zeros, and a pre-release without its hyphen. Everything else is
//! refused as there, except for numbers that JavaScript cannot count to: those are ordered.

use std::cmp::Ordering;

use super::semver::{self, are_identifiers};
use crate::digits;

/// A version as three numbers and pre-release.
#[derive(Clone, Debug)]
pub(crate) struct Version<'a>(semver::Version<'a>);

impl<'a> Version<'a> {
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let text = text
            .trim_matches(is_space)
            .trim_start_matches(|first| first == 'v' || first == '=' || is_space(first));
        let length = numbers_length(text)?;
        let version = match text.split_once('+') {
            Some((_, build)) if !are_identifiers(build) => return None,
            Some((version, _)) => version,
            None => text,
        };
        // An expression reads versions there. Where the whole third number fits nothing, it leaves its last digit to the
        // pre-release, so that `1.2.34.5` is `1.2.3-4.5`.
        [length, length - 1].into_iter().find_map(|length| {
            let (numbers, rest) = version.split_at(length);
            let prerelease = prerelease(rest)?;
            (!numbers.ends_with('.')).then_some(Self(semver::Version { numbers, prerelease }))
        })
    }

    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        self.0.compare(&other.0)
    }
}

/// The length of three numbers with dots between.
fn numbers_length(text: &str) -> Option<usize> {
    let mut rest = text;
    for number in 0..3 {
        if number > 0 {
            rest = rest.strip_prefix('.')?;
        }
        let (digits, after) = digits::split(rest);
        if digits.is_empty() {
            return None;
        }
        rest = after;
    }
    Some(text.len() - rest.len())
}

/// The identifiers of a pre-release; a hyphen in front belongs to them when there are none without it.
fn prerelease(text: &str) -> Option<&str> {
    if text.is_empty() {
        return Some(text);
    }
    let without = text.strip_prefix('-').filter(|rest| are_identifiers(rest));
    without.or_else(|| are_identifiers(text).then_some(text))
}

/// JavaScript's white space.
fn is_space(character: char) -> bool {
    character == '\u{feff}' || (character.is_whitespace() && character != '\u{85}')
}
