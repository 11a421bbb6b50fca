//! Debian and its derivatives: deb-version(7), and what libdpkg's parser accepts.
//!
//! The parser refuses little: an empty part, spaces inside, an epoch that is no number. A version that starts with a
//! letter, or characters outside of the policy, are worth a warning there, and are ordered.

use std::cmp::Ordering;

/// A version as epoch, upstream version and revision.
#[derive(Clone, Debug)]
pub(crate) struct Version<'a> {
    /// No version at all, which is less than any other.
    absent: bool,
    epoch: u32,
    upstream: &'a str,
    revision: &'a str,
}

impl<'a> Version<'a> {
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        if text.is_empty() || text == "<unknown>" {
            return Some(Self { absent: true, epoch: 0, upstream: "", revision: "" });
        }
        let text = text.trim_matches(is_blank);
        if text.contains(is_space) {
            return None;
        }
        let (epoch, rest) = match text.split_once(':') {
            Some((epoch, rest)) => (parse_epoch(epoch)?, rest),
            None => (0, text),
        };
        let (upstream, revision) = match rest.rsplit_once('-') {
            Some((_, "")) => return None,
            Some((upstream, revision)) => (upstream, revision),
            None => (rest, ""),
        };
        (!upstream.is_empty()).then_some(Self { absent: false, epoch, upstream, revision })
    }

    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        (other.absent.cmp(&self.absent))
            .then_with(|| self.epoch.cmp(&other.epoch))
            .then_with(|| compare_part(self.upstream, other.upstream))
            .then_with(|| compare_part(self.revision, other.revision))
    }
}

fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t')
}

fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t'..='\r')
}

/// The epoch is read by `strtol`, which takes a sign, and is at most the largest `int`.
fn parse_epoch(text: &str) -> Option<u32> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if !crate::digits::are(digits) {
        return None;
    }
    let epoch = crate::digits::significant(digits);
    let epoch = if epoch.is_empty() { 0 } else { epoch.parse::<u32>().ok()? };
    (epoch <= i32::MAX.cast_unsigned() && (epoch == 0 || !negative)).then_some(epoch)
}

/// Parts without digits and numbers take turns; the end of the text is more than a tilde and less than all else.
fn compare_part(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left.as_bytes(), right.as_bytes());
    while !left.is_empty() || !right.is_empty() {
        loop {
            let (first, second) = (left.first().copied(), right.first().copied());
            let is_text = |byte: Option<u8>| byte.is_some_and(|byte| !byte.is_ascii_digit());
            if !is_text(first) && !is_text(second) {
                break;
            }
            match weight(first).cmp(&weight(second)) {
                // Of equal weight are the same bytes alone, so both have one to skip.
                Ordering::Equal => (left, right) = (&left[1..], &right[1..]),
                different => return different,
            }
        }
        let (first, second) = (take_digits(&mut left), take_digits(&mut right));
        match first.len().cmp(&second.len()).then_with(|| first.cmp(second)) {
            Ordering::Equal => {}
            different => return different,
        }
    }
    Ordering::Equal
}

/// Takes a number, and returns its digits without leading zeros.
fn take_digits<'a>(text: &mut &'a [u8]) -> &'a [u8] {
    let (digits, rest) = text.split_at(text.iter().take_while(|byte| byte.is_ascii_digit()).count());
    *text = rest;
    &digits[digits.iter().take_while(|byte| **byte == b'0').count()..]
}

/// The place of one byte among those of the texts. Above ASCII, libdpkg's characters are negative before it adds to
/// them, which puts them between the letters and the rest.
fn weight(byte: Option<u8>) -> i16 {
    match byte {
        None | Some(b'0'..=b'9') => 0,
        Some(b'~') => -1,
        Some(byte) if byte.is_ascii_alphabetic() || !byte.is_ascii() => i16::from(byte),
        Some(byte) => i16::from(byte) + 256,
    }
}
