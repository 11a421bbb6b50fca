//! Hackage: Haskell's `Data.Version`, numbers with dots between, compared number by number, so that `1.0 < 1.0.0`.
//!
//! Tags (`1.0-beta`) are read and do not count. Cabal itself also refuses these, and leading zeros; the order is the same.

use std::cmp::Ordering;

use super::semver::compare_lists;
use crate::digits;

/// A version: its numbers.
#[derive(Clone, Debug)]
pub(crate) struct Version<'a>(&'a str);

impl<'a> Version<'a> {
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split('-');
        let numbers = parts.next().unwrap_or_default();
        let is_tag = |tag: &str| !tag.is_empty() && tag.chars().all(char::is_alphanumeric);
        (numbers.split('.').all(digits::are) && parts.all(is_tag)).then_some(Self(numbers))
    }

    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        compare_lists(self.0, other.0, digits::compare)
    }
}
