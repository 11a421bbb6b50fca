//! One word: quotes and escapes go, expansions stay, substitutions are parsed.

use plimsoll_diagnostics::Span;

use super::ast::{List, Word};
use super::parser::Parser;

/// Characters that end a word.
pub(super) fn ends_word(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b'|' | b'&' | b';' | b'(' | b')' | b'<' | b'>')
}

impl Parser<'_> {
    /// Reads the word at the position; nothing when there is none.
    pub(super) fn word(&mut self) -> Option<Word> {
        let start = self.position;
        let mut word = Word::default();
        loop {
            let bytes = self.text.as_bytes();
            let Some(&byte) = bytes.get(self.position) else { break };
            match byte {
                b'\\' => self.escape(&mut word),
                b'\'' => self.single_quotes(&mut word),
                b'"' => self.double_quotes(&mut word),
                b'$' => self.dollar(&mut word),
                b'`' => self.backticks(&mut word),
                b'<' | b'>' if bytes.get(self.position + 1) == Some(&b'(') => {
                    let from = self.position;
                    self.position += 2;
                    let list = self.nested();
                    self.keep(&mut word, from, list);
                }
                // `a(b)` inside of a word is an extended pattern: `!(x)`, `@(a|b)`.
                b'(' if self.position > start
                    && matches!(bytes[self.position - 1], b'@' | b'!' | b'*' | b'?' | b'+') =>
                {
                    let close = self.matching(self.position, b'(', b')');
                    word.text.push_str(&self.text[self.position..close]);
                    self.position = close;
                }
                _ if ends_word(byte) => break,
                _ => self.plain(&mut word),
            }
        }
        (self.position > start).then(|| {
            word.span = Span::new(start, self.position);
            word
        })
    }

    /// Characters that mean nothing but themselves.
    fn plain(&mut self, word: &mut Word) {
        let rest = &self.text[self.position..];
        let special = |byte: u8| ends_word(byte) || matches!(byte, b'\\' | b'\'' | b'"' | b'$' | b'`');
        let length = rest.bytes().position(special).unwrap_or(rest.len()).max(1);
        word.text.push_str(&rest[..length]);
        self.position += length;
    }

    fn escape(&mut self, word: &mut Word) {
        self.position += 1;
        let Some(escaped) = self.text[self.position..].chars().next() else { return };
        self.position += escaped.len_utf8();
        // A line that is continued.
        if escaped != '\n' {
            word.quoted = true;
            word.text.push(escaped);
        }
    }

    fn single_quotes(&mut self, word: &mut Word) {
        word.quoted = true;
        let rest = &self.text[self.position + 1..];
        let end = rest.find('\'').unwrap_or(rest.len());
        word.text.push_str(&rest[..end]);
        self.position += 1 + (end + 1).min(rest.len());
    }

    fn double_quotes(&mut self, word: &mut Word) {
        word.quoted = true;
        self.position += 1;
        while let Some(character) = self.text[self.position..].chars().next() {
            match character {
                '"' => {
                    self.position += 1;
                    return;
                }
                '\\' => {
                    let next = self.text[self.position + 1..].chars().next();
                    self.position += 1 + next.map_or(0, char::len_utf8);
                    match next {
                        Some('\n') | None => {}
                        Some(escaped @ ('$' | '`' | '"' | '\\')) => word.text.push(escaped),
                        Some(other) => word.text.extend(['\\', other]),
                    }
                }
                '$' => self.dollar(word),
                '`' => self.backticks(word),
                _ => {
                    word.text.push(character);
                    self.position += character.len_utf8();
                }
            }
        }
    }

    fn dollar(&mut self, word: &mut Word) {
        let from = self.position;
        let rest = &self.text.as_bytes()[from + 1..];
        match rest {
            [b'(', b'(', ..] => {
                let close = self.matching(from + 1, b'(', b')');
                self.position = close;
                self.keep(word, from, List::default());
            }
            [b'(', ..] => {
                self.position += 2;
                let list = self.nested();
                self.keep(word, from, list);
            }
            [b'{', ..] => {
                let close = self.matching(from + 1, b'{', b'}');
                let lists = self.inside_braces(from + 2, close);
                self.position = close;
                self.keep(word, from, List::default());
                word.substitutions.extend(lists.into_iter().filter(|list| !list.items.is_empty()));
            }
            [b'\'', ..] => {
                // `$'…'`: the escapes in it stay as they are.
                word.quoted = true;
                let mut at = from + 2;
                let bytes = self.text.as_bytes();
                while at < bytes.len() && bytes[at] != b'\'' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                let end = self.boundary(at);
                word.text.push_str(&self.text[from + 2..end]);
                self.position = self.boundary(end + 1);
            }
            [b'"', ..] => {
                self.position += 1;
                self.double_quotes(word);
            }
            [first, ..] if first.is_ascii_alphanumeric() || b"_@*#?$!-".contains(first) => {
                let name =
                    rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
                self.position += 1 + if first.is_ascii_digit() { 1 } else { name.max(1) };
                self.keep(word, from, List::default());
            }
            _ => {
                word.text.push('$');
                self.position += 1;
            }
        }
    }

    /// The substitutions in what stands between the braces of `${…}`, as the default of a variable does.
    fn inside_braces(&mut self, start: usize, end: usize) -> Vec<List> {
        let mut lists = Vec::new();
        let mut at = start;
        let end = end - usize::from(end > start && self.text.as_bytes()[end - 1] == b'}');
        while let Some(found) = self.text.get(at..end).and_then(|rest| rest.find("$(")) {
            let open = at + found;
            // What is not closed inside of the braces ends with them.
            let close = self.matching(open + 1, b'(', b')').min(end);
            if self.text[open + 2..].starts_with('(') {
                at = close;
                continue;
            }
            let is_closed = close > open + 2 && self.text.as_bytes()[close - 1] == b')';
            lists.push(self.part(open + 2, close - usize::from(is_closed)));
            at = close;
        }
        lists
    }

    fn backticks(&mut self, word: &mut Word) {
        let from = self.position;
        let bytes = self.text.as_bytes();
        let mut at = from + 1;
        while at < bytes.len() && bytes[at] != b'`' {
            at += if bytes[at] == b'\\' { 2 } else { 1 };
        }
        let end = self.boundary(at);
        let list = self.part(from + 1, end);
        self.position = self.boundary(end + 1);
        self.keep(word, from, list);
    }

    /// Adds an expansion, as it is written from `from` up to the position.
    fn keep(&self, word: &mut Word, from: usize, list: List) {
        word.expands = true;
        word.text.push_str(&self.text[from..self.position]);
        if !list.items.is_empty() {
            word.substitutions.push(list);
        }
    }

    /// Behind the bracket that closes the one at `from`; quotes count.
    pub(super) fn matching(&self, from: usize, open: u8, close: u8) -> usize {
        let bytes = self.text.as_bytes();
        let mut depth = 0_usize;
        let mut at = from;
        let mut quote = None;
        while at < bytes.len() {
            let byte = bytes[at];
            match quote {
                Some(mark) if byte == mark => quote = None,
                Some(b'\'') => {}
                _ if byte == b'\\' => at += 1,
                None if byte == b'\'' || byte == b'"' => quote = Some(byte),
                None if byte == open => depth += 1,
                None if byte == close => {
                    depth -= 1;
                    if depth == 0 {
                        return at + 1;
                    }
                }
                Some(_) | None => {}
            }
            at += 1;
        }
        bytes.len()
    }

    /// The nearest end of a character at or behind an offset.
    fn boundary(&self, at: usize) -> usize {
        let mut at = at.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at += 1;
        }
        at
    }
}
