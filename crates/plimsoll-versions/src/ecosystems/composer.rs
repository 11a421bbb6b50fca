//! Composer: `VersionParser::normalize`, then PHP's `version_compare`, as composer/semver's `Comparator` does it.
//!
//! Numbers that the parser refuses (`1.2.3.4.5`, `1.0-foo`) are compared as they are written, as the comparator itself does.
//! Refused is what does not start with a number and names no branch. Two different branches have no order.

use std::cmp::Ordering;

use super::php;
use crate::digits;

/// A version in Composer's normal form.
#[derive(Clone, Debug)]
pub(crate) enum Version {
    Branch(String),
    /// As PHP takes it apart: with dots between all its parts.
    Number(String),
}

impl Version {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim_matches([' ', '\t', '\n', '\r', '\0', '\u{b}']);
        let text = without_stability(without_alias(text));
        if matches!(text, "master" | "trunk" | "default") {
            return Some(Self::Branch(text.to_owned()));
        }
        if let Some(name) = strip_prefix_without_case(text, "dev-") {
            return Some(Self::Branch(name.to_owned()));
        }
        let text = without_metadata(text);
        if let Some(normal) = release(text).or_else(|| date(text)).or_else(|| numeric_branch(text)) {
            return Some(Self::Number(normal));
        }
        let numbers = strip_v(text);
        numbers
            .starts_with(|first: char| first.is_ascii_digit())
            .then(|| Self::Number(php::canonical(numbers)))
    }

    /// Different branches have no order; any branch is less than a number.
    pub(crate) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Number(left), Self::Number(right)) => Some(php::compare(left, right)),
            (Self::Branch(left), Self::Branch(right)) => (left == right).then_some(Ordering::Equal),
            (Self::Branch(_), Self::Number(_)) => Some(Ordering::Less),
            (Self::Number(_), Self::Branch(_)) => Some(Ordering::Greater),
        }
    }
}

fn strip_prefix_without_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let start = text.as_bytes().get(..prefix.len())?;
    start.eq_ignore_ascii_case(prefix.as_bytes()).then(|| &text[prefix.len()..])
}

fn strip_suffix_without_case<'a>(text: &'a str, suffix: &str) -> Option<&'a str> {
    let start = text.len().checked_sub(suffix.len())?;
    text.as_bytes()[start..].eq_ignore_ascii_case(suffix.as_bytes()).then(|| &text[..start])
}

fn strip_v(text: &str) -> &str {
    text.strip_prefix(['v', 'V']).unwrap_or(text)
}

fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t'..='\r')
}

/// `VERSION as ALIAS` is the version.
fn without_alias(text: &str) -> &str {
    let is_part = |part: &str| !part.is_empty() && !part.contains(is_space) && !part.contains(',');
    let Some((version, rest)) = text.split_once(' ') else { return text };
    let alias = rest.trim_start_matches(' ').strip_prefix("as ").map(|alias| alias.trim_start_matches(' '));
    if is_part(version) && alias.is_some_and(is_part) { version } else { text }
}

/// `VERSION@STABILITY` is the version.
fn without_stability(text: &str) -> &str {
    ["@stable", "@RC", "@beta", "@alpha", "@dev"]
        .iter()
        .find_map(|flag| strip_suffix_without_case(text, flag))
        .unwrap_or(text)
}

fn without_metadata(text: &str) -> &str {
    match text.split_once('+') {
        Some((version, metadata))
            if !version.is_empty()
                && !metadata.is_empty()
                && !version.contains(|character| character == ',' || is_space(character))
                && !metadata.contains(is_space) =>
        {
            version
        }
        _ => text,
    }
}

/// One to four numbers, the first of at most five digits, and a modifier.
fn release(text: &str) -> Option<String> {
    let (major, mut rest) = digits::split(strip_v(text));
    if !(1..=5).contains(&major.len()) {
        return None;
    }
    let mut normal = String::with_capacity(text.len() + 16);
    normal.push_str(major);
    for _ in 0..3 {
        let (number, after) = rest.strip_prefix('.').map_or(("", rest), digits::split);
        normal.push('.');
        if number.is_empty() {
            normal.push('0');
        } else {
            normal.push_str(number);
            rest = after;
        }
    }
    modifier(rest, normal)
}

/// Four digits, one to six pairs of digits, up to twice up to three digits, with separators between; and a modifier.
fn date(text: &str) -> Option<String> {
    let text = strip_v(text);
    let mut end = 4;
    if digits::split(text).0.len() < end {
        return None;
    }
    let mut ends = Vec::with_capacity(6);
    while ends.len() < 6 {
        let start = end + separator_length(&text[end..]);
        if digits::split(&text[start..]).0.len() < 2 {
            break;
        }
        end = start + 2;
        ends.push(end);
    }
    // As the parser's expression does it: as many pairs as possible, then as many digits as possible.
    ends.into_iter().rev().find_map(|end| date_end(text, end, 2))
}

/// The date up to `end` with more digits, up to `groups` times, or without; if a modifier follows.
fn date_end(text: &str, end: usize, groups: usize) -> Option<String> {
    let start = end + separator_length(&text[end..]);
    let length = if groups == 0 { 0 } else { digits::split(&text[start..]).0.len().min(3) };
    (1..=length).rev().find_map(|length| date_end(text, start + length, groups - 1)).or_else(|| {
        let dotted =
            text[..end].chars().map(|character| if character.is_ascii_digit() { character } else { '.' });
        modifier(&text[end..], dotted.collect())
    })
}

fn separator_length(text: &str) -> usize {
    usize::from(text.starts_with(['.', ':', '-']))
}

/// `[._-]?(STABILITY([.-]?NUMBER)*)?([.-]?dev)?`: adds what it says to the version.
fn modifier(text: &str, mut version: String) -> Option<String> {
    /// Longer names first where one starts with another.
    const STABILITIES: &[(&str, &str)] = &[
        ("stable", "stable"),
        ("beta", "beta"),
        ("b", "beta"),
        ("rc", "RC"),
        ("alpha", "alpha"),
        ("a", "alpha"),
        ("patch", "patch"),
        ("pl", "patch"),
        ("p", "patch"),
    ];
    let mut rest = text;
    let after = text.strip_prefix(['.', '_', '-']).unwrap_or(text);
    let found = STABILITIES
        .iter()
        .find_map(|(name, full)| strip_prefix_without_case(after, name).map(|rest| (*full, rest)));
    let mut stable = false;
    if let Some((stability, after)) = found {
        let mut end = 0;
        loop {
            let number = after[end..].strip_prefix(['.', '-']).unwrap_or(&after[end..]);
            let (digits, _) = digits::split(number);
            if digits.is_empty() {
                break;
            }
            end = after.len() - number.len() + digits.len();
        }
        // In any other case it is kept, as a text that `version_compare` does not know.
        stable = text.strip_prefix(['.', '_', '-']).unwrap_or(text).starts_with("stable");
        if !stable {
            version.push('.');
            version.push_str(stability);
            for number in after[..end].split(['.', '-']).filter(|number| !number.is_empty()) {
                version.push('.');
                version.push_str(number);
            }
        }
        rest = &after[end..];
    }
    let is_dev = |rest: &str| {
        strip_prefix_without_case(rest.strip_prefix(['.', '-']).unwrap_or(rest), "dev") == Some("")
    };
    if is_dev(rest) || (found.is_none() && is_dev(after)) {
        if !stable {
            version.push_str(".dev");
        }
        return Some(version);
    }
    (rest.is_empty() || (found.is_none() && after.is_empty())).then_some(version)
}

/// `1.x-dev`: a branch with numbers, each missing one the highest.
fn numeric_branch(text: &str) -> Option<String> {
    let name = strip_suffix_without_case(text, "dev")?;
    let name = name.strip_suffix(['.', '-']).unwrap_or(name).trim();
    let mut parts = strip_v(name).split('.');
    let major = parts.next().filter(|part| digits::are(part))?;
    let mut normal = major.to_owned();
    for _ in 0..3 {
        match parts.next() {
            None | Some("x" | "X" | "*") => normal.push_str(".9999999"),
            Some(part) if digits::are(part) => {
                normal.push('.');
                normal.push_str(part);
            }
            Some(_) => return None,
        }
    }
    parts.next().is_none().then(|| normal + ".dev")
}
