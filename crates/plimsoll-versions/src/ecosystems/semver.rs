//! Semantic Versioning 2.0.0, section 11, for text of any shape.
//!
//! Read leniently: a leading `v` or `=` and spaces around do not count, missing numbers are zero, further ones count, numbers
//! have any size, and text behind the numbers is a pre-release. So nothing is refused; text without a number is less than
//! any version with one.

use std::cmp::Ordering;

use crate::digits;

/// A version as numbers and pre-release; build metadata does not count.
#[derive(Clone, Debug)]
pub(crate) struct Version<'a> {
    pub(super) numbers: &'a str,
    pub(super) prerelease: &'a str,
}

impl<'a> Version<'a> {
    pub(crate) fn parse(text: &'a str) -> Self {
        let text = text.trim().trim_start_matches(['v', 'V', '=', ' ']);
        let text = text.split_once('+').map_or(text, |(version, _)| version);
        let numbers = &text[..numbers_length(text)];
        let rest = &text[numbers.len()..];
        let prerelease = rest.strip_prefix('-').unwrap_or_else(|| rest.trim_start_matches(['.', '_']));
        Self { numbers, prerelease }
    }

    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        (self.numbers.is_empty().cmp(&other.numbers.is_empty()).reverse())
            .then_with(|| compare_numbers(self.numbers, other.numbers))
            .then_with(|| compare_prereleases(self.prerelease, other.prerelease))
    }
}

/// How much of the text is numbers with dots between.
fn numbers_length(text: &str) -> usize {
    let mut end = digits::split(text).0.len();
    while end > 0 {
        let more = text[end..].strip_prefix('.').map_or(0, |rest| digits::split(rest).0.len());
        if more == 0 {
            break;
        }
        end += 1 + more;
    }
    end
}

/// Compares numbers with dots between; missing ones are zero.
pub(super) fn compare_numbers(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left.split('.'), right.split('.'));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (first, second) => digits::compare(first.unwrap_or_default(), second.unwrap_or_default()),
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// Compares pre-releases; none is more than any.
pub(super) fn compare_prereleases(left: &str, right: &str) -> Ordering {
    if left.is_empty() || right.is_empty() {
        return left.is_empty().cmp(&right.is_empty());
    }
    compare_lists(left, right, compare_identifiers)
}

/// Compares identifiers with dots between; of two lists with the same start the longer one is more.
pub(super) fn compare_lists(left: &str, right: &str, compare: impl Fn(&str, &str) -> Ordering) -> Ordering {
    let (mut left, mut right) = (left.split('.'), right.split('.'));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (Some(first), Some(second)) => compare(first, second),
            (first, second) => return first.is_some().cmp(&second.is_some()),
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// Numbers by value, below text; text by its bytes.
pub(super) fn compare_identifiers(left: &str, right: &str) -> Ordering {
    match (digits::are(left), digits::are(right)) {
        (true, true) => digits::compare(left, right),
        (false, false) => left.cmp(right),
        (first, second) => second.cmp(&first),
    }
}

/// Whether there are identifiers of letters, digits and hyphens with dots between, none of them empty.
pub(super) fn are_identifiers(text: &str) -> bool {
    text.split('.')
        .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'))
}
