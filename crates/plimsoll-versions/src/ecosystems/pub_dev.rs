//! Dart's pub: the order of `pub_semver`. It is that of semantic versions, but build metadata counts: with it a version is more
//! than without.
//!
//! Identifiers are numbers where Dart's `int.tryParse` takes them: also with a minus, and in hexadecimal.

use std::cmp::Ordering;

use super::semver::{are_identifiers, compare_lists, compare_numbers};
use crate::digits::{self, Signed};

/// A version as three numbers, pre-release and build.
#[derive(Clone, Debug)]
pub(crate) struct Version<'a> {
    numbers: &'a str,
    prerelease: Option<&'a str>,
    build: Option<&'a str>,
}

impl<'a> Version<'a> {
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (version, build) = split(text, '+');
        let (numbers, prerelease) = split(version, '-');
        let are_numbers = numbers.split('.').count() == 3 && numbers.split('.').all(digits::are);
        let valid =
            are_numbers && prerelease.is_none_or(are_identifiers) && build.is_none_or(are_identifiers);
        valid.then_some(Self { numbers, prerelease, build })
    }

    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        compare_numbers(self.numbers, other.numbers)
            .then_with(|| match (self.prerelease, other.prerelease) {
                (Some(left), Some(right)) => compare_lists(left, right, compare_identifiers),
                (left, right) => left.is_none().cmp(&right.is_none()),
            })
            .then_with(|| match (self.build, other.build) {
                (Some(left), Some(right)) => compare_lists(left, right, compare_identifiers),
                (left, right) => left.is_some().cmp(&right.is_some()),
            })
    }
}

fn split(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(before, after)| (before, Some(after)))
}

/// Numbers by value, below text; text by its bytes.
fn compare_identifiers(left: &str, right: &str) -> Ordering {
    let (hexadecimal_left, hexadecimal_right) = (hexadecimal(left), hexadecimal(right));
    let (first, second) =
        (hexadecimal_left.as_deref().unwrap_or(left), hexadecimal_right.as_deref().unwrap_or(right));
    match (Signed::parse(first), Signed::parse(second)) {
        (Some(first), Some(second)) => first.compare(second),
        (None, None) => left.cmp(right),
        (first, second) => second.is_some().cmp(&first.is_some()),
    }
}

/// A hexadecimal number in decimal digits. It has 64 bits, the highest of which is a sign when none is written.
fn hexadecimal(text: &str) -> Option<String> {
    let (sign, rest) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let digits = rest.strip_prefix("0x").or_else(|| rest.strip_prefix("0X"))?;
    let value = u64::from_str_radix(digits, 16).ok()?;
    match i64::try_from(value) {
        Ok(value) => Some(format!("{sign}{value}")),
        Err(_) if sign.is_empty() => Some(value.cast_signed().to_string()),
        Err(_) => None,
    }
}
