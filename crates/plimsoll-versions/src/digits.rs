//! Decimal digits as numbers of any size, without making numbers of them.

use std::cmp::Ordering;

/// Compares two strings of decimal digits by value; an empty one is zero.
pub(crate) fn compare(left: &str, right: &str) -> Ordering {
    let (left, right) = (significant(left), significant(right));
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

/// The digits without leading zeros: nothing for zero.
pub(crate) fn significant(digits: &str) -> &str {
    digits.trim_start_matches('0')
}

/// Whether there are digits and nothing else.
pub(crate) fn are(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Splits the digits at the start from what follows.
pub(crate) fn split(text: &str) -> (&str, &str) {
    text.split_at(text.bytes().take_while(u8::is_ascii_digit).count())
}

/// Splits the ASCII letters at the start from what follows.
pub(crate) fn split_letters(text: &str) -> (&str, &str) {
    text.split_at(text.bytes().take_while(u8::is_ascii_alphabetic).count())
}

/// A number that may have a minus.
#[derive(Clone, Copy)]
pub(crate) struct Signed<'a> {
    negative: bool,
    digits: &'a str,
}

impl<'a> Signed<'a> {
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (sign, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        are(digits).then(|| Self::new(sign, digits))
    }

    pub(crate) fn new(sign: bool, digits: &'a str) -> Self {
        // There is one zero.
        Self { negative: sign && !significant(digits).is_empty(), digits }
    }

    pub(crate) fn compare(self, other: Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, false) => compare(self.digits, other.digits),
            (true, true) => compare(other.digits, self.digits),
            (left, right) => right.cmp(&left),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_any_size_and_leading_zeros_do_not_count() {
        assert_eq!(compare("10", "9"), Ordering::Greater);
        assert_eq!(compare("007", "7"), Ordering::Equal);
        assert_eq!(compare("", "000"), Ordering::Equal);
        let huge = "9".repeat(40);
        assert_eq!(compare(&huge, &format!("1{huge}")), Ordering::Less);
    }
}
