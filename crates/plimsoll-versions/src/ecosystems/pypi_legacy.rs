//! `PyPI` before PEP 440: the order of setuptools, which `packaging` had as `LegacyVersion` until version 21.

/// The keys of a version's parts, compared one after the other as text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Legacy(Vec<String>);

/// Numbers are padded to this many digits and then compared as text.
const PADDED: usize = 8;

impl Legacy {
    pub(crate) fn parse(text: &str) -> Self {
        let text = text.to_lowercase();
        let mut keys: Vec<String> = Vec::new();
        for key in split(&text).filter_map(key).chain([String::from("*final")]) {
            if key.starts_with('*') {
                if *key < *"*final" {
                    while keys.last().is_some_and(|last| last == "*final-") {
                        keys.pop();
                    }
                }
                while keys.last().is_some_and(|last| last == "00000000") {
                    keys.pop();
                }
            }
            keys.push(key);
        }
        Self(keys)
    }
}

/// Runs of digits, runs of letters, single dots and hyphens, and whatever is between them.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let kind = Kind::of(first);
        let length = match kind {
            Kind::Separator => 1,
            _ => rest.find(|character| Kind::of(character) != kind).unwrap_or(rest.len()),
        };
        let (part, after) = rest.split_at(length);
        rest = after;
        Some(part)
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
    fn of(character: char) -> Self {
        match character {
            '0'..='9' => Self::Digit,
            'a'..='z' => Self::Letter,
            '.' | '-' => Self::Separator,
            _ => Self::Other,
        }
    }
}

/// How a part is compared; dots are not.
fn key(part: &str) -> Option<String> {
    let part = match part {
        "." => return None,
        "pre" | "preview" | "rc" => "c",
        "-" => "final-",
        "dev" => "@",
        other => other,
    };
    if part.as_bytes()[0].is_ascii_digit() {
        Some(format!("{part:0>PADDED$}"))
    } else {
        Some(format!("*{part}"))
    }
}
