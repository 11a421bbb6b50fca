//! `RubyGems`: the order of `Gem::Version`.
//!
//! A hyphen starts a pre-release there, so that `1.0-1 < 1.0`. Two things are taken that `Gem::Version` does not take or takes
//! for a pre-release, because lock files and advisories have them: letters in the first part (`1beta`), and the platform of
//! a gem behind its version (`1.0-x86_64-linux`), which does not count.

use std::cmp::Ordering;

use smallvec::SmallVec;

use crate::digits;

/// A version as its segments, without the zeros that do not count.
#[derive(Clone, Debug)]
pub(crate) struct Version<'a> {
    segments: SmallVec<[Segment<'a>; 8]>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Segment<'a> {
    Number(&'a str),
    Text(&'a str),
}

impl<'a> Version<'a> {
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let text =
            text.trim_matches(|character: char| character.is_ascii_whitespace() || character == '\u{b}');
        let text = without_platform(text);
        if !is_version(text) {
            return None;
        }
        let mut segments = SmallVec::new();
        let mut numbers_only = true;
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let segment = if first.is_ascii_digit() {
                let (number, after) = digits::split(rest);
                rest = after;
                Segment::Number(digits::significant(number))
            } else if first.is_ascii_alphabetic() {
                let (word, after) = digits::split_letters(rest);
                rest = after;
                Segment::Text(word)
            } else {
                rest = &rest[first.len_utf8()..];
                if first != '-' {
                    continue;
                }
                Segment::Text("pre")
            };
            if numbers_only && matches!(segment, Segment::Text(_)) {
                numbers_only = false;
                trim_zeros(&mut segments);
            }
            segments.push(segment);
        }
        trim_zeros(&mut segments);
        Some(Self { segments })
    }

    pub(crate) fn compare(&self, other: &Version<'_>) -> Ordering {
        for place in 0..self.segments.len().max(other.segments.len()) {
            // A number that is missing is zero.
            let left = self.segments.get(place).copied().unwrap_or(Segment::Number(""));
            let right = other.segments.get(place).copied().unwrap_or(Segment::Number(""));
            let order = match (left, right) {
                (Segment::Number(left), Segment::Number(right)) => digits::compare(left, right),
                (Segment::Text(left), Segment::Text(right)) => left.cmp(right),
                (Segment::Text(_), Segment::Number(_)) => Ordering::Less,
                (Segment::Number(_), Segment::Text(_)) => Ordering::Greater,
            };
            if order.is_ne() {
                return order;
            }
        }
        Ordering::Equal
    }
}

fn trim_zeros(segments: &mut SmallVec<[Segment<'_>; 8]>) {
    while segments.last() == Some(&Segment::Number("")) {
        segments.pop();
    }
}

/// `DIGIT…(.WORD)*[-WORDS(.WORDS)*]`, or nothing at all, which is zero.
fn is_version(text: &str) -> bool {
    if text.is_empty() {
        return true;
    }
    let (release, prerelease) =
        text.split_once('-').map_or((text, None), |(before, after)| (before, Some(after)));
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
    text.as_bytes()[0].is_ascii_digit()
        && release.split('.').all(is_word)
        && prerelease.is_none_or(super::semver::are_identifiers)
}

const PROCESSORS: &[&str] = &[
    "x86",
    "x64",
    "x86_64",
    "i386",
    "i686",
    "amd64",
    "arm",
    "arm64",
    "armv6",
    "armv7",
    "armv7l",
    "aarch64",
    "ppc64le",
    "powerpc64le",
    "riscv64",
    "s390x",
    "universal",
];
const SYSTEMS: &[&str] = &[
    "linux", "darwin", "mingw", "mingw32", "mswin32", "mswin64", "freebsd", "openbsd", "netbsd", "solaris",
    "java", "cygwin",
];

/// The version without `-PLATFORM`: `java`, `mswin32`, or a processor and a system.
fn without_platform(text: &str) -> &str {
    let Some((version, platform)) = text.split_once('-') else { return text };
    let is_platform = match platform.split_once('-') {
        None => matches!(platform, "java" | "jruby" | "mswin32" | "mswin64" | "mingw32"),
        Some((processor, system)) => {
            let system = system.split('-').next().unwrap_or_default();
            PROCESSORS.contains(&processor) && SYSTEMS.contains(&system)
        }
    };
    if is_platform { version } else { text }
}
