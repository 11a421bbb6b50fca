//! `PyPI`: PEP 440, in the order of the `packaging` library.
//!
//! What PEP 440 refuses is ordered too, below all that it takes, as `packaging` did before version 22.

use std::cmp::Ordering;

use super::pypi_legacy::Legacy;
use super::semver::compare_numbers;
use crate::digits;

/// A version of PEP 440, or one of before.
#[derive(Clone, Debug)]
pub(crate) enum Version<'a> {
    Standard(Standard<'a>),
    Legacy(Legacy),
}

/// The parts of a version; missing numbers are zero.
#[derive(Clone, Debug)]
pub(crate) struct Standard<'a> {
    epoch: &'a str,
    release: &'a str,
    pre: Option<(Phase, &'a str)>,
    post: Option<&'a str>,
    dev: Option<&'a str>,
    local: Option<&'a str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Alpha,
    Beta,
    Candidate,
}

impl<'a> Version<'a> {
    pub(crate) fn parse(text: &'a str) -> Self {
        Standard::parse(text.trim_matches(is_space))
            .map_or_else(|| Self::Legacy(Legacy::parse(text)), Self::Standard)
    }

    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Standard(left), Self::Standard(right)) => left.compare(right),
            (Self::Legacy(left), Self::Legacy(right)) => left.compare(right),
            (Self::Standard(_), Self::Legacy(_)) => Ordering::Greater,
            (Self::Legacy(_), Self::Standard(_)) => Ordering::Less,
        }
    }
}

/// Python's white space.
fn is_space(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{1c}'..='\u{1f}')
}

impl<'a> Standard<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut rest = word(text, &["v"]).map_or(text, |(_, rest)| rest);
        let mut epoch = "";
        let (first, after) = digits::split(rest);
        if let Some(after) = after.strip_prefix('!') {
            (epoch, rest) = (first, after);
            if first.is_empty() {
                return None;
            }
        }
        let release;
        (release, rest) = split_release(rest)?;
        let mut version = Self { epoch, release, pre: None, post: None, dev: None, local: None };
        if let Some((name, number, after)) =
            segment(rest, &["alpha", "a", "beta", "b", "preview", "pre", "c", "rc"])
        {
            let phase = match name {
                "alpha" | "a" => Phase::Alpha,
                "beta" | "b" => Phase::Beta,
                _ => Phase::Candidate,
            };
            (version.pre, rest) = (Some((phase, number)), after);
        }
        let implicit = rest.strip_prefix('-').map(digits::split).filter(|(number, _)| !number.is_empty());
        if let Some((number, after)) = implicit {
            (version.post, rest) = (Some(number), after);
        } else if let Some((_, number, after)) = segment(rest, &["post", "rev", "r"]) {
            (version.post, rest) = (Some(number), after);
        }
        if let Some((_, number, after)) = segment(rest, &["dev"]) {
            (version.dev, rest) = (Some(number), after);
        }
        if let Some(local) = rest.strip_prefix('+') {
            let is_part =
                |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
            (version.local, rest) = (Some(local), "");
            if !local.split(['.', '-', '_']).all(is_part) {
                return None;
            }
        }
        rest.is_empty().then_some(version)
    }

    fn compare(&self, other: &Self) -> Ordering {
        digits::compare(self.epoch, other.epoch)
            .then_with(|| compare_numbers(self.release, other.release))
            .then_with(|| self.pre_rank().cmp(&other.pre_rank()))
            .then_with(|| compare_optional(self.pre.map(|pre| pre.1), other.pre.map(|pre| pre.1)))
            .then_with(|| compare_optional(self.post, other.post))
            // Without `dev` a version is more than with any.
            .then_with(|| self.dev.is_none().cmp(&other.dev.is_none()))
            .then_with(|| compare_optional(self.dev, other.dev))
            .then_with(|| self.compare_local(other))
    }

    /// `1.dev1` comes before `1a1`, and `1a1` before `1`.
    fn pre_rank(&self) -> (u8, Option<Phase>) {
        match self.pre {
            Some((phase, _)) => (1, Some(phase)),
            None if self.post.is_none() && self.dev.is_some() => (0, None),
            None => (2, None),
        }
    }

    fn compare_local(&self, other: &Self) -> Ordering {
        let (Some(left), Some(right)) = (self.local, other.local) else {
            return self.local.is_some().cmp(&other.local.is_some());
        };
        let separators = ['.', '-', '_'];
        let (mut left, mut right) = (left.split(separators), right.split(separators));
        loop {
            let order = match (left.next(), right.next()) {
                (None, None) => return Ordering::Equal,
                (Some(first), Some(second)) => compare_local_parts(first, second),
                (first, second) => return first.is_some().cmp(&second.is_some()),
            };
            if order.is_ne() {
                return order;
            }
        }
    }
}

fn compare_optional(left: Option<&str>, right: Option<&str>) -> Ordering {
    left.is_some()
        .cmp(&right.is_some())
        .then_with(|| digits::compare(left.unwrap_or_default(), right.unwrap_or_default()))
}

/// Numbers by value, above text; text without case.
fn compare_local_parts(left: &str, right: &str) -> Ordering {
    match (digits::are(left), digits::are(right)) {
        (true, true) => digits::compare(left, right),
        (false, false) => {
            let lower = |byte: u8| byte.to_ascii_lowercase();
            left.bytes().map(lower).cmp(right.bytes().map(lower))
        }
        (first, second) => first.cmp(&second),
    }
}

/// Numbers with dots between at the start; a dot that no number follows is not theirs.
fn split_release(text: &str) -> Option<(&str, &str)> {
    let mut end = digits::split(text).0.len();
    if end == 0 {
        return None;
    }
    while let Some(after) = text[end..].strip_prefix('.') {
        match digits::split(after).0.len() {
            0 => break,
            length => end += 1 + length,
        }
    }
    Some(text.split_at(end))
}

/// One of the names at the start, in any case; returns the name as given and what follows.
fn word<'a>(text: &'a str, names: &[&'static str]) -> Option<(&'static str, &'a str)> {
    let starts = |name: &&&str| {
        text.as_bytes().get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes()))
    };
    names.iter().find(starts).map(|name| (*name, &text[name.len()..]))
}

/// `[SEPARATOR]NAME[SEPARATOR][NUMBER]`: the name, the number, what follows.
fn segment<'a>(text: &'a str, names: &[&'static str]) -> Option<(&'static str, &'a str, &'a str)> {
    let separators = ['-', '_', '.'];
    let (name, rest) = word(text.strip_prefix(separators).unwrap_or(text), names)?;
    let (number, rest) = digits::split(rest.strip_prefix(separators).unwrap_or(rest));
    Some((name, number, rest))
}
