//! Debian's order of versions (Debian Policy 5.6.12), on borrowed text: an index has some 60,000 of them, and
//! parsing them all into owned parts would cost more than resolving.

use std::cmp::Ordering;

/// Compares two versions: epoch, then upstream version, then revision.
///
/// Text that is no version is compared by the same rules, so the order is total.
pub(crate) fn compare(left: &str, right: &str) -> Ordering {
    if left == right {
        return Ordering::Equal;
    }
    let ((left_epoch, left), (right_epoch, right)) = (epoch(left), epoch(right));
    let (left_upstream, left_revision) = left.rsplit_once('-').unwrap_or((left, ""));
    let (right_upstream, right_revision) = right.rsplit_once('-').unwrap_or((right, ""));
    compare_digits(left_epoch.as_bytes(), right_epoch.as_bytes())
        .then_with(|| compare_part(left_upstream.as_bytes(), right_upstream.as_bytes()))
        .then_with(|| compare_part(left_revision.as_bytes(), right_revision.as_bytes()))
}

fn epoch(version: &str) -> (&str, &str) {
    version.split_once(':').unwrap_or(("", version))
}

fn compare_part(mut left: &[u8], mut right: &[u8]) -> Ordering {
    while !left.is_empty() || !right.is_empty() {
        let (left_text, left_rest) = split(left, |byte| !byte.is_ascii_digit());
        let (right_text, right_rest) = split(right, |byte| !byte.is_ascii_digit());
        let longest = left_text.len().max(right_text.len());
        for place in 0..longest {
            let order = weight(left_text.get(place).copied()).cmp(&weight(right_text.get(place).copied()));
            if order != Ordering::Equal {
                return order;
            }
        }
        let (left_digits, left_rest) = split(left_rest, u8::is_ascii_digit);
        let (right_digits, right_rest) = split(right_rest, u8::is_ascii_digit);
        let order = compare_digits(left_digits, right_digits);
        if order != Ordering::Equal {
            return order;
        }
        (left, right) = (left_rest, right_rest);
    }
    Ordering::Equal
}

/// `~` before the end of a part, letters before everything else.
fn weight(byte: Option<u8>) -> i32 {
    match byte {
        None => 0,
        Some(b'~') => -1,
        Some(byte) if byte.is_ascii_alphabetic() => i32::from(byte),
        Some(byte) => i32::from(byte) + 256,
    }
}

/// Numbers of any length, leading zeros do not count.
fn compare_digits(left: &[u8], right: &[u8]) -> Ordering {
    let trim = |digits: &[u8]| digits.iter().position(|digit| *digit != b'0').unwrap_or(digits.len());
    let (left, right) = (&left[trim(left)..], &right[trim(right)..]);
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

fn split(bytes: &[u8], belongs: impl Fn(&u8) -> bool) -> (&[u8], &[u8]) {
    bytes.split_at(bytes.iter().position(|byte| !belongs(byte)).unwrap_or(bytes.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_the_policy_says() {
        let rising = [
            "1.0~~",
            "1.0~~a",
            "1.0~",
            "1.0-0~1",
            "1.0",
            "1.0-1",
            "1.0-1+b1",
            "1.0-1.1",
            "1.0+dfsg-1",
            "1.0.1-1",
            "1.9-1",
            "1.10-1",
            "2a-1",
            "2b-1",
            "2+-1",
            "1:0.1",
            "1:0.2-1",
            "10:0",
        ];
        for (place, left) in rising.iter().enumerate() {
            for (other, right) in rising.iter().enumerate() {
                assert_eq!(compare(left, right), place.cmp(&other), "{left} {right}");
            }
        }
    }

    #[test]
    fn equal_versions_may_be_written_differently() {
        for (left, right) in [("1.0", "1.0-0"), ("0:1.0", "1.0"), ("1.01", "1.1"), ("1.0-", "1.0")] {
            assert_eq!(compare(left, right), Ordering::Equal, "{left} {right}");
        }
    }
}
