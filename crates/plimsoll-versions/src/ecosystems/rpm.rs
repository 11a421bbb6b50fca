//! RPM: `[EPOCH:]VERSION[-RELEASE]`, each part in the order of rpm-version(7), as `rpm.vercmp` takes it apart.
//!
//! A part that is missing is less than any that is there. Only an empty version is refused.

use std::cmp::Ordering;

/// A version as epoch, version and release.
#[derive(Clone, Debug)]
pub(crate) struct Version<'a> {
    epoch: &'a str,
    upstream: &'a str,
    release: Option<&'a str>,
}

impl<'a> Version<'a> {
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        if text.is_empty() {
            return None;
        }
        let (digits, after) = crate::digits::split(text);
        let (epoch, rest) = match after.strip_prefix(':') {
            Some(rest) => (digits, rest),
            None => ("", text),
        };
        let (upstream, release) = match rest.rsplit_once('-') {
            Some((upstream, release)) => (upstream, Some(release)),
            None => (rest, None),
        };
        Some(Self { epoch, upstream, release })
    }

    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        crate::digits::compare(self.epoch, other.epoch)
            .then_with(|| compare_part(self.upstream, other.upstream))
            .then_with(|| match (self.release, other.release) {
                (Some(left), Some(right)) => compare_part(left, right),
                (left, right) => left.is_some().cmp(&right.is_some()),
            })
    }
}

/// Compares segments of digits or letters in turn; what is between them only separates.
fn compare_part(left: &str, right: &str) -> Ordering {
    if left == right {
        return Ordering::Equal;
    }
    let (mut left, mut right) = (left, right);
    while !left.is_empty() || !right.is_empty() {
        (left, right) = (skip_separators(left), skip_separators(right));
        // A tilde is less than anything, the end included.
        match (left.strip_prefix('~'), right.strip_prefix('~')) {
            (Some(first), Some(second)) => {
                (left, right) = (first, second);
                continue;
            }
            (Some(_), None) => return Ordering::Less,
            (None, Some(_)) => return Ordering::Greater,
            (None, None) => {}
        }
        // A caret is more than the end, and less than anything else.
        match (left.strip_prefix('^'), right.strip_prefix('^')) {
            (Some(first), Some(second)) => {
                (left, right) = (first, second);
                continue;
            }
            (Some(_), None) if right.is_empty() => return Ordering::Greater,
            (Some(_), None) => return Ordering::Less,
            (None, Some(_)) if left.is_empty() => return Ordering::Less,
            (None, Some(_)) => return Ordering::Greater,
            (None, None) => {}
        }
        if left.is_empty() || right.is_empty() {
            break;
        }
        let numeric = left.as_bytes()[0].is_ascii_digit();
        let split = if numeric { crate::digits::split } else { crate::digits::split_letters };
        let ((first, left_rest), (second, right_rest)) = (split(left), split(right));
        if second.is_empty() {
            // Of different kinds: numbers are newer.
            return if numeric { Ordering::Greater } else { Ordering::Less };
        }
        let order = if numeric { crate::digits::compare(first, second) } else { first.cmp(second) };
        if order.is_ne() {
            return order;
        }
        (left, right) = (left_rest, right_rest);
    }
    left.len().min(1).cmp(&right.len().min(1))
}

fn skip_separators(text: &str) -> &str {
    text.trim_start_matches(|character: char| {
        !character.is_ascii_alphanumeric() && character != '~' && character != '^'
    })
}
