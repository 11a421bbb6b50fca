//! Shell patterns inside `${…}`: `*` is any text, `?` any character, neither goes over a line feed.
//!
//! All positions are advanced together, so that the cost is the product of both lengths and never more.

use super::WordErrorKind;

/// Product of the lengths of value and pattern above which matching is refused.
const MOST_STEPS: usize = 1 << 26;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Star,
    Any,
    One(char),
}

/// A pattern.
pub(super) struct Pattern {
    tokens: Vec<Token>,
}

impl Pattern {
    /// Reads a pattern; `\` is dropped before `}` and `/`, which need it in their place, and makes `*`, `?` and `\` literal.
    pub(super) fn new(text: &str) -> Result<Self, WordErrorKind> {
        let mut tokens = Vec::new();
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            tokens.push(match character {
                '*' => Token::Star,
                '?' => Token::Any,
                '\\' => match characters.next() {
                    Some(escaped @ ('}' | '/' | '*' | '?' | '\\')) => Token::One(escaped),
                    _ => return Err(WordErrorKind::BadPatternEscape),
                },
                _ => Token::One(character),
            });
        }
        Ok(Self { tokens })
    }

    /// Removes the shortest or longest match at the start.
    pub(super) fn trim_start<'a>(&self, value: &'a str, longest: bool) -> Result<&'a str, WordErrorKind> {
        self.check(value)?;
        let end = self.end_of_match(value.char_indices(), value.len(), longest);
        Ok(end.map_or(value, |end| &value[end..]))
    }

    /// Removes the shortest or longest match at the end.
    pub(super) fn trim_end<'a>(&self, value: &'a str, longest: bool) -> Result<&'a str, WordErrorKind> {
        self.check(value)?;
        // Backwards, each character is reached at the offset behind it, and the last position is the start.
        let backwards =
            value.char_indices().rev().map(|(at, character)| (at + character.len_utf8(), character));
        let start = self.reversed().end_of_match(backwards, 0, longest);
        Ok(start.map_or(value, |start| &value[..start]))
    }

    /// Replaces the first or every match, each as long as possible.
    pub(super) fn replace(
        &self,
        value: &str,
        replacement: &str,
        all: bool,
        most: usize,
    ) -> Result<String, WordErrorKind> {
        self.check(value)?;
        let starts = self.starts_of_matches(value);
        let mut out = String::new();
        let mut copied = 0;
        let mut at = 0;
        while at <= value.len() {
            let Some(start) = (at..=value.len()).find(|start| starts[*start]) else { break };
            let rest = &value[start..];
            let length = self.end_of_match(rest.char_indices(), rest.len(), true).unwrap_or(0);
            let end = start + length;
            let after = end + value[end..].chars().next().map_or(1, char::len_utf8);
            // An empty match right behind a replaced one is not replaced again.
            if length > 0 || start > copied || copied == 0 {
                out.push_str(&value[copied..start]);
                out.push_str(replacement);
                copied = end;
            }
            if out.len() > most {
                return Err(WordErrorKind::TooLong);
            }
            if !all {
                break;
            }
            at = if length > 0 { end } else { after };
        }
        out.push_str(&value[copied..]);
        Ok(out)
    }

    fn check(&self, value: &str) -> Result<(), WordErrorKind> {
        let steps = value.len().saturating_mul(self.tokens.len() + 1);
        if steps > MOST_STEPS { Err(WordErrorKind::PatternTooLarge) } else { Ok(()) }
    }

    fn reversed(&self) -> Self {
        Self { tokens: self.tokens.iter().rev().copied().collect() }
    }

    /// Offset at which a match that starts with the first character ends; `last` is the offset behind the last character.
    fn end_of_match(
        &self,
        characters: impl Iterator<Item = (usize, char)>,
        last: usize,
        longest: bool,
    ) -> Option<usize> {
        let mut states = self.start_states();
        let mut found = None;
        let mut next = vec![false; states.len()];
        let accepting = states.len() - 1;
        for (offset, character) in characters {
            if states[accepting] {
                found = Some(offset);
                if !longest {
                    return found;
                }
            }
            if !self.step(&states, &mut next, character) {
                return found;
            }
            std::mem::swap(&mut states, &mut next);
        }
        if states[accepting] { Some(last) } else { found }
    }

    /// For each offset, whether some match starts there: the reversed pattern run backwards, started anew everywhere.
    fn starts_of_matches(&self, value: &str) -> Vec<bool> {
        let reversed = self.reversed();
        let start = reversed.start_states();
        let mut states = start.clone();
        let mut next = vec![false; states.len()];
        let accepting = states.len() - 1;
        let mut found = vec![false; value.len() + 1];
        found[value.len()] = states[accepting];
        for (offset, character) in value.char_indices().rev() {
            reversed.step(&states, &mut next, character);
            for (state, fresh) in next.iter_mut().zip(&start) {
                *state |= fresh;
            }
            std::mem::swap(&mut states, &mut next);
            found[offset] = states[accepting];
        }
        found
    }

    /// States before any character: state `n` means that the first `n` tokens are matched.
    fn start_states(&self) -> Vec<bool> {
        let mut states = vec![false; self.tokens.len() + 1];
        states[0] = true;
        for (at, token) in self.tokens.iter().enumerate() {
            if *token != Token::Star {
                break;
            }
            states[at + 1] = true;
        }
        states
    }

    /// Advances all states over a character; tells whether any is left.
    fn step(&self, states: &[bool], next: &mut [bool], character: char) -> bool {
        next.fill(false);
        let mut alive = false;
        for (at, token) in self.tokens.iter().enumerate() {
            let reached = match token {
                Token::Star => {
                    if states[at] && character != '\n' {
                        next[at] = true;
                        alive = true;
                    }
                    // Stars also match nothing: whoever reaches one is behind it too.
                    next[at]
                }
                Token::Any => states[at] && character != '\n',
                Token::One(expected) => states[at] && character == *expected,
            };
            if reached {
                next[at + 1] = true;
                alive = true;
            }
        }
        alive
    }
}
