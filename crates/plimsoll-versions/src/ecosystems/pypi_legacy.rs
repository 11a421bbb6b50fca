//! `PyPI` before PEP 440: the order of setuptools, which `packaging` had as `LegacyVersion` until version 21.

use std::cmp::Ordering;
use std::ops::Range;

use smallvec::SmallVec;

/// A version in lower case and the keys of its parts.
#[derive(Clone, Debug)]
pub(crate) struct Legacy {
    text: String,
    keys: SmallVec<[Part; 8]>,
}

/// What a part is compared as.
#[derive(Clone, Debug)]
enum Part {
    /// The place of its digits.
    Number(Range<usize>),
    Text(Range<usize>),
    Word(&'static str),
}

/// A part as it is compared. Text is less than a number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Key<'a> {
    Text(&'a str),
    Number(Padded<'a>),
}

/// Digits that are padded to eight and then compared as text.
#[derive(Clone, Copy)]
struct Padded<'a>(&'a str);

impl Legacy {
    pub(crate) fn parse(text: &str) -> Self {
        let text = text.to_lowercase();
        let mut keys: SmallVec<[Part; 8]> = SmallVec::new();
        for part in parts(&text).filter_map(|place| part(&text, place)).chain([Part::Word("final")]) {
            if let Key::Text(word) = part.key(&text) {
                // A hyphen before a pre-release does not count, and zeros before any text do not.
                while word < "final" && keys.last().is_some_and(|last| matches!(last, Part::Word("final-"))) {
                    keys.pop();
                }
                while keys.last().is_some_and(|last| last.is_zero(&text)) {
                    keys.pop();
                }
            }
            keys.push(part);
        }
        Self { text, keys }
    }

    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        let keys = self.keys.iter().map(|part| part.key(&self.text));
        keys.cmp(other.keys.iter().map(|part| part.key(&other.text)))
    }
}

impl Part {
    fn key<'a>(&self, text: &'a str) -> Key<'a> {
        match self {
            Self::Number(place) => Key::Number(Padded(&text[place.clone()])),
            Self::Text(place) => Key::Text(&text[place.clone()]),
            Self::Word(word) => Key::Text(word),
        }
    }

    /// A number of more than eight zeros is none.
    fn is_zero(&self, text: &str) -> bool {
        matches!(self.key(text), Key::Number(digits) if digits.bytes().eq(Padded("").bytes()))
    }
}

impl Padded<'_> {
    fn bytes(&self) -> impl Iterator<Item = u8> {
        std::iter::repeat_n(b'0', 8_usize.saturating_sub(self.0.len())).chain(self.0.bytes())
    }
}

impl Ord for Padded<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bytes().cmp(other.bytes())
    }
}

impl PartialEq for Padded<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Padded<'_> {}

impl PartialOrd for Padded<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Runs of digits, runs of letters, single dots and hyphens, and whatever is between them.
fn parts(text: &str) -> impl Iterator<Item = Range<usize>> {
    let bytes = text.as_bytes();
    let mut start = 0;
    std::iter::from_fn(move || {
        let kind = Kind::of(*bytes.get(start)?);
        let length = match kind {
            Kind::Separator => 1,
            _ => bytes[start..].iter().take_while(|byte| Kind::of(**byte) == kind).count(),
        };
        start += length;
        Some(start - length..start)
    })
}

#[derive(PartialEq)]
enum Kind {
    Digit,
    Letter,
    Separator,
    Other,
}

impl Kind {
    fn of(byte: u8) -> Self {
        match byte {
            b'0'..=b'9' => Self::Digit,
            b'a'..=b'z' => Self::Letter,
            b'.' | b'-' => Self::Separator,
            _ => Self::Other,
        }
    }
}

/// How a part is compared; dots are not.
fn part(text: &str, place: Range<usize>) -> Option<Part> {
    Some(match &text[place.clone()] {
        "." => return None,
        "pre" | "preview" | "rc" => Part::Word("c"),
        "-" => Part::Word("final-"),
        "dev" => Part::Word("@"),
        digits if crate::digits::are(digits) => Part::Number(place),
        _ => Part::Text(place),
    })
}
