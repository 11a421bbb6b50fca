//! Wildcards as Go's `filepath.Match` knows them, and the variant with `**`.
//!
//! `*` is any text without `/`, `?` one character but `/`, `[a-z]` and `[^a-z]` one character of a class (which may be `/`), `\` takes a
//! special meaning away. [`Glob`] knows just that and is what the sources of `COPY` use; [`Pattern`] has `**` besides, any number of
//! directories, and is what `.dockerignore`, `--exclude` and `--parents` use. Paths are bytes; a byte that is not UTF-8 counts as one
//! character. Matching never takes more than the product of the lengths of path and pattern.

mod pattern;

pub use pattern::Pattern;

/// Why a pattern is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// `[` without `]`.
    #[error("`[` is not closed in the pattern `{pattern}`")]
    UnclosedClass {
        /// The pattern.
        pattern: String,
    },
    /// A class that is empty, or has `-` or `]` where a character must be.
    #[error("a character is missing in a `[…]` of the pattern `{pattern}`")]
    BadClass {
        /// The pattern.
        pattern: String,
    },
    /// `\` at the end.
    #[error("`\\` ends the pattern `{pattern}`")]
    TrailingEscape {
        /// The pattern.
        pattern: String,
    },
    /// `\` before a letter or digit that means nothing in a regular expression.
    #[error("`\\` stands before a letter or digit in the pattern `{pattern}`; a path has `/`")]
    BadEscape {
        /// The pattern.
        pattern: String,
    },
    /// `!` alone.
    #[error("an exception needs a pattern behind the `!`")]
    EmptyException,
}

/// Whether a pattern has a wildcard that is not escaped.
pub fn has_wildcards(pattern: &str) -> bool {
    let mut bytes = pattern.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => {
                bytes.next();
            }
            b'*' | b'?' | b'[' => return true,
            _ => {}
        }
    }
    false
}

/// Removes the escapes of a pattern without wildcards: the path it stands for.
pub fn unescape(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        out.extend(if character == '\\' { characters.next() } else { Some(character) });
    }
    out
}

/// Matches one path against one pattern, as `filepath.Match`; compile a [`Glob`] for many paths.
pub fn matches(pattern: &str, path: &[u8]) -> Result<bool, PatternError> {
    Ok(Glob::new(pattern)?.matches(path))
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    Byte(u8),
    /// `?`
    Any,
    /// `*`
    Star,
    Class(Class),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Class {
    negated: bool,
    ranges: Vec<(char, char)>,
}

impl Class {
    pub(crate) fn contains(&self, character: char) -> bool {
        self.ranges.iter().any(|(low, high)| (*low..=*high).contains(&character)) != self.negated
    }
}

/// A compiled pattern without `**`: two stars are one star.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    kind: Kind,
}

/// Shapes that are matched without looking at each character.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Literal(Vec<u8>),
    /// `*`
    Anything,
    /// `*text`
    Suffix(Vec<u8>),
    /// `text*`
    Prefix(Vec<u8>),
    Tokens(Vec<Token>),
}

impl Glob {
    /// Compiles a pattern.
    pub fn new(pattern: &str) -> Result<Self, PatternError> {
        Ok(Self::from_tokens(tokens(pattern)?))
    }

    pub(crate) fn from_tokens(tokens: Vec<Token>) -> Self {
        let stars = tokens.iter().filter(|token| **token == Token::Star).count();
        let bytes: Vec<u8> = tokens
            .iter()
            .filter_map(|token| if let Token::Byte(byte) = token { Some(*byte) } else { None })
            .collect();
        let kind = if bytes.len() + stars < tokens.len() || stars > 1 {
            Kind::Tokens(tokens)
        } else if stars == 0 {
            Kind::Literal(bytes)
        } else if bytes.is_empty() {
            Kind::Anything
        } else if tokens.first() == Some(&Token::Star) {
            Kind::Suffix(bytes)
        } else if tokens.last() == Some(&Token::Star) {
            Kind::Prefix(bytes)
        } else {
            Kind::Tokens(tokens)
        };
        Self { kind }
    }

    /// Whether the whole path matches.
    pub fn matches(&self, path: &[u8]) -> bool {
        let flat = |rest: &[u8]| !rest.contains(&b'/');
        match &self.kind {
            Kind::Literal(text) => path == text.as_slice(),
            Kind::Anything => flat(path),
            Kind::Suffix(text) => path.strip_suffix(text.as_slice()).is_some_and(flat),
            Kind::Prefix(text) => path.strip_prefix(text.as_slice()).is_some_and(flat),
            Kind::Tokens(tokens) => match_tokens(tokens, path),
        }
    }
}

/// Matches by going back to the last star only: what an earlier star could take instead, the last one can take as well.
fn match_tokens(tokens: &[Token], path: &[u8]) -> bool {
    let (mut token, mut at) = (0, 0);
    let mut star = None;
    loop {
        let advanced = match tokens.get(token) {
            None if at == path.len() => return true,
            None => None,
            Some(Token::Star) => {
                star = Some((token + 1, at));
                Some(at)
            }
            Some(single) => match_one(single, &path[at..]).map(|length| at + length),
        };
        if let Some(next) = advanced {
            token += 1;
            at = next;
            continue;
        }
        // The star takes one character more, if it may.
        let Some((behind, from)) = star else { return false };
        if path.get(from).is_none_or(|byte| *byte == b'/') {
            return false;
        }
        let next = from + first_character(&path[from..]).1;
        star = Some((behind, next));
        (token, at) = (behind, next);
    }
}

/// Matches one token that is no star at the start of `rest`; gives the number of bytes it took.
pub(crate) fn match_one(token: &Token, rest: &[u8]) -> Option<usize> {
    let first = *rest.first()?;
    match token {
        Token::Byte(byte) => (first == *byte).then_some(1),
        Token::Any => (first != b'/').then(|| first_character(rest).1),
        Token::Class(class) => {
            let (character, length) = first_character(rest);
            class.contains(character).then_some(length)
        }
        Token::Star => None,
    }
}

/// The first character of bytes that are not empty, and its length; a byte that is not UTF-8 is U+FFFD.
pub(crate) fn first_character(bytes: &[u8]) -> (char, usize) {
    let first = bytes[0];
    if first.is_ascii() {
        return (char::from(first), 1);
    }
    let head = &bytes[..bytes.len().min(4)];
    let valid = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default(),
    };
    valid
        .chars()
        .next()
        .map_or((char::REPLACEMENT_CHARACTER, 1), |character| (character, character.len_utf8()))
}

/// Takes a pattern apart.
pub(crate) fn tokens(pattern: &str) -> Result<Vec<Token>, PatternError> {
    let mut tokens = Vec::with_capacity(pattern.len());
    let mut rest = pattern.chars();
    let mut buffer = [0; 4];
    while let Some(character) = rest.next() {
        match character {
            '*' => {
                if tokens.last() != Some(&Token::Star) {
                    tokens.push(Token::Star);
                }
            }
            '?' => tokens.push(Token::Any),
            '[' => tokens.push(Token::Class(class(&mut rest, pattern)?)),
            _ => {
                let literal = match character {
                    '\\' => rest
                        .next()
                        .ok_or_else(|| PatternError::TrailingEscape { pattern: pattern.to_owned() })?,
                    _ => character,
                };
                tokens.extend(literal.encode_utf8(&mut buffer).bytes().map(Token::Byte));
            }
        }
    }
    Ok(tokens)
}

/// Reads a class behind its `[`.
fn class(rest: &mut std::str::Chars<'_>, pattern: &str) -> Result<Class, PatternError> {
    let unclosed = || PatternError::UnclosedClass { pattern: pattern.to_owned() };
    let member = |rest: &mut std::str::Chars<'_>| match rest.next() {
        Some('-' | ']') => Err(PatternError::BadClass { pattern: pattern.to_owned() }),
        Some('\\') => rest.next().ok_or_else(unclosed),
        Some(character) => Ok(character),
        None => Err(unclosed()),
    };
    let negated = rest.as_str().starts_with('^');
    if negated {
        rest.next();
    }
    let mut ranges = Vec::new();
    loop {
        if rest.as_str().starts_with(']') && !ranges.is_empty() {
            rest.next();
            return Ok(Class { negated, ranges });
        }
        let low = member(rest)?;
        let high = if rest.as_str().starts_with('-') {
            rest.next();
            member(rest)?
        } else {
            low
        };
        ranges.push((low, high));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, path: &str) -> bool {
        matches(pattern, path.as_bytes()).unwrap()
    }

    #[test]
    fn stars_stay_in_their_directory() {
        assert!(check("*.go", "main.go"));
        assert!(!check("*.go", "cmd/main.go"));
        assert!(check("*/*.go", "cmd/main.go"));
        assert!(check("a*b*c", "axxbyybzc"));
        assert!(check("a*", "a"));
        assert!(!check("a*", "a/b"));
        assert!(check("**", "a") && !check("**", "a/b"));
        assert!(check("a*b?c*x", "abxbbxdbxebxczzx"));
        assert!(!check("a*b?c*x", "abxbbxdbxebxczzy"));
        assert!(check("*", ""));
        assert!(!check("", "a"));
    }

    #[test]
    fn classes_take_ranges_and_negation() {
        assert!(check("ab[c-e]", "abd"));
        assert!(!check("ab[^c]", "abc"));
        assert!(check("[a-zä]", "ä"));
        assert!(check(r"[\]a]", "]"));
        assert!(check(r"[\-x]", "-"));
        assert!(check("a[^b]c", "a/c"));
    }

    #[test]
    fn escapes_take_the_meaning_away() {
        assert!(check(r"a\*b", "a*b"));
        assert!(!check(r"a\*b", "axb"));
        assert!(has_wildcards("a*") && has_wildcards("[a]") && !has_wildcards(r"a\*\[b"));
        assert_eq!(unescape(r"a\*\[b"), "a*[b");
    }

    #[test]
    fn characters_are_more_than_bytes() {
        assert!(check("a?b", "aäb"));
        assert!(matches("a?b", b"a\xffb").unwrap());
        assert!(matches("a[^x]b", b"a\xffb").unwrap());
        assert!(!check("a??b", "aäb"));
        assert!(check("*b", "äb"));
    }

    #[test]
    fn bad_patterns_are_refused() {
        for bad in ["[", "[a", "[]a]", "[-x]", "[x-]", "[a-b-c]", "a[", "a\\", "[\\"] {
            assert!(Glob::new(bad).is_err(), "{bad}");
        }
        assert!(Glob::new("]").is_ok());
    }

    #[test]
    fn hostile_patterns_stay_fast() {
        let glob = Glob::new(&"*a".repeat(2000)).unwrap();
        assert!(!glob.matches("a".repeat(4000).replace("aa", "ab").as_bytes()));
    }
}
