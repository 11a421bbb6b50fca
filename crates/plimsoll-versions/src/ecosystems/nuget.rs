//! `NuGet`: the package versioning reference, "Version basics" and "Normalized version numbers", as NuGet.Versioning reads it.
//!
//! One to four numbers, with leading zeros and with spaces around each; labels are compared without case; metadata does not count.
//! Numbers have any size here, and at most 31 bits there.

use std::cmp::Ordering;

use super::semver::{are_identifiers, compare_lists};
use crate::digits::{self, Signed};

/// A version as up to four numbers and labels.
#[derive(Clone, Debug)]
pub(crate) struct Version<'a> {
    numbers: [&'a str; 4],
    labels: Option<&'a str>,
}

impl<'a> Version<'a> {
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let text = text.trim();
        let (version, metadata) = match text.split_once('+') {
            Some((version, metadata)) => (version, Some(metadata)),
            None => (text, None),
        };
        let (numbers, labels) = match version.split_once('-') {
            Some((numbers, labels)) => (numbers, Some(labels)),
            None => (version, None),
        };
        // A sign at the very end belongs to the numbers there, and is refused with them.
        if !metadata.is_none_or(are_identifiers) || !labels.is_none_or(are_labels) {
            return None;
        }
        let mut parts = numbers.split('.');
        let mut found = [""; 4];
        for (place, part) in found.iter_mut().zip(&mut parts) {
            *place = part.trim();
            if !digits::are(place) {
                return None;
            }
        }
        parts.next().is_none().then_some(Self { numbers: found, labels })
    }

    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        for (left, right) in self.numbers.iter().zip(&other.numbers) {
            let order = digits::compare(left, right);
            if order.is_ne() {
                return order;
            }
        }
        match (self.labels, other.labels) {
            (Some(left), Some(right)) => compare_lists(left, right, compare_labels),
            (left, right) => left.is_none().cmp(&right.is_none()),
        }
    }
}

fn are_labels(labels: &str) -> bool {
    let leading_zero = |label: &str| label.len() > 1 && label.starts_with('0') && digits::are(label);
    are_identifiers(labels) && !labels.split('.').any(leading_zero)
}

/// Numbers by value, below text; text without case, which the comparer folds to upper case.
fn compare_labels(left: &str, right: &str) -> Ordering {
    match (Signed::parse(left), Signed::parse(right)) {
        (Some(first), Some(second)) => first.compare(second),
        (None, None) => compare_without_case(left, right),
        (first, second) => second.is_some().cmp(&first.is_some()),
    }
}

fn compare_without_case(left: &str, right: &str) -> Ordering {
    let upper = |byte: u8| byte.to_ascii_uppercase();
    left.bytes().map(upper).cmp(right.bytes().map(upper))
}
