//! Alpine and Wolfi: `NUMBER(.NUMBER)*[LETTER[NUMBER]](_SUFFIX[NUMBER])*[~HASH][-rNUMBER]`, the order of `apk version -t`.
//!
//! It follows apk-tools 3. A number behind the letter is from apk-tools 2: the packages that have one are still there.
//! Nothing is refused: what does not fit the form is less than the end of a version.

use std::cmp::Ordering;

use crate::digits;

/// A version; it is read while it is compared.
#[derive(Clone, Debug)]
pub(crate) struct Version<'a>(&'a str);

impl<'a> Version<'a> {
    pub(crate) fn parse(text: &'a str) -> Self {
        Self(text)
    }

    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        let (mut left, mut right) = (Tokens::new(self.0), Tokens::new(other.0));
        loop {
            let (first, second) = (left.next(), right.next());
            if first.kind != second.kind {
                return different_kinds(&first, &second);
            }
            if first.kind >= Kind::End {
                return Ordering::Equal;
            }
            let order = first.compare(&second);
            if order.is_ne() {
                return order;
            }
        }
    }
}

/// The earlier in this list, the more it makes of a version that is otherwise equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    First,
    Number,
    Letter,
    Suffix,
    SuffixNumber,
    Hash,
    Revision,
    End,
    Invalid,
}

/// From the one that makes a version the oldest.
const SUFFIXES: &[&str] = &["alpha", "beta", "pre", "rc", "cvs", "svn", "git", "hg", "p"];
/// How many of them come before the version without suffix.
const BEFORE_RELEASE: usize = 4;

struct Token<'a> {
    kind: Kind,
    text: &'a str,
    suffix: usize,
    /// Whether a leading zero makes the number a fraction.
    is_fraction: bool,
}

impl Token<'_> {
    fn compare(&self, other: &Self) -> Ordering {
        match self.kind {
            Kind::Number if self.is_fraction || other.is_fraction => self.text.cmp(other.text),
            Kind::First | Kind::Number | Kind::SuffixNumber | Kind::Revision => {
                digits::compare(self.text, other.text)
            }
            Kind::Suffix => self.suffix.cmp(&other.suffix),
            Kind::Letter | Kind::Hash | Kind::End | Kind::Invalid => self.text.cmp(other.text),
        }
    }

    fn is_before_release(&self) -> bool {
        self.kind == Kind::Suffix && self.suffix < BEFORE_RELEASE
    }
}

/// What ends earlier is older, unless the other goes on with a suffix that comes before the release.
fn different_kinds(first: &Token<'_>, second: &Token<'_>) -> Ordering {
    if first.is_before_release() {
        Ordering::Less
    } else if second.is_before_release() {
        Ordering::Greater
    } else {
        second.kind.cmp(&first.kind)
    }
}

struct Tokens<'a> {
    rest: &'a str,
    last: Option<Kind>,
}

impl<'a> Tokens<'a> {
    fn new(text: &'a str) -> Self {
        Self { rest: text, last: None }
    }

    fn next(&mut self) -> Token<'a> {
        let token =
            self.read().unwrap_or(Token { kind: Kind::Invalid, text: "", suffix: 0, is_fraction: false });
        self.last = Some(token.kind);
        token
    }

    /// The next token, or nothing when the form does not allow it here.
    fn read(&mut self) -> Option<Token<'a>> {
        let Some(last) = self.last else { return self.number(Kind::First, false) };
        let Some(first) = self.rest.as_bytes().first() else {
            return Some(Token { kind: Kind::End, text: "", suffix: 0, is_fraction: false });
        };
        match first {
            b'a'..=b'z' if last <= Kind::Number => Some(self.take(Kind::Letter, 1)),
            b'0'..=b'9' => match last {
                Kind::First | Kind::Number => self.number(Kind::Number, true),
                Kind::Letter => self.number(Kind::Number, false),
                Kind::Suffix => self.number(Kind::SuffixNumber, false),
                _ => None,
            },
            b'.' if last <= Kind::Number => {
                self.rest = &self.rest[1..];
                self.number(Kind::Number, true)
            }
            b'_' if last <= Kind::SuffixNumber => {
                self.rest = &self.rest[1..];
                let length = self.rest.bytes().take_while(u8::is_ascii_lowercase).count();
                let suffix = SUFFIXES.iter().position(|suffix| *suffix == &self.rest[..length])?;
                Some(Token { suffix, ..self.take(Kind::Suffix, length) })
            }
            b'~' if last < Kind::Hash => {
                self.rest = &self.rest[1..];
                let length =
                    self.rest.bytes().take_while(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')).count();
                (length > 0).then(|| self.take(Kind::Hash, length))
            }
            b'-' if last < Kind::Revision => {
                self.rest = self.rest.strip_prefix("-r")?;
                self.number(Kind::Revision, false)
            }
            _ => None,
        }
    }

    fn number(&mut self, kind: Kind, may_be_fraction: bool) -> Option<Token<'a>> {
        let length = digits::split(self.rest).0.len();
        (length > 0).then(|| {
            let token = self.take(kind, length);
            Token { is_fraction: may_be_fraction && token.text.starts_with('0'), ..token }
        })
    }

    fn take(&mut self, kind: Kind, length: usize) -> Token<'a> {
        let (text, rest) = self.rest.split_at(length);
        self.rest = rest;
        Token { kind, text, suffix: 0, is_fraction: false }
    }
}
