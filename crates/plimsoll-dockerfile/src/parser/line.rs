//! Logical lines: physical lines joined at continuations, with the way back to the offsets of the file.

use std::borrow::Cow;

use plimsoll_diagnostics::{Span, Spanned};

/// Blanks that separate words: the language has a list of its own here, shorter than Unicode's.
pub(super) const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | 0x0b | 0x0c)
}

/// A logical line.
pub(super) struct Line<'a> {
    text: Cow<'a, str>,
    /// For each piece: offset in `text`, offset in the file.
    pieces: Vec<(usize, usize)>,
    /// Offset in the file of the whole line: where an empty line is.
    start: usize,
}

impl<'a> Line<'a> {
    /// A line that consists of one physical line, from `start` on.
    pub(super) fn new(text: &'a str, start: usize) -> Self {
        Self { text: Cow::Borrowed(text), pieces: Vec::new(), start }
    }

    /// Appends the piece of a continued line.
    pub(super) fn push(&mut self, piece: &str, start: usize) {
        if piece.is_empty() {
            return;
        }
        if self.pieces.is_empty() && !self.text.is_empty() {
            self.pieces.push((0, self.start));
        }
        self.pieces.push((self.text.len(), start));
        self.text.to_mut().push_str(piece);
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The whole line.
    pub(super) fn body(&self) -> Body<'_> {
        Body { line: self, start: 0, end: self.text.len() }
    }

    fn source_offset(&self, offset: usize) -> usize {
        let index = self.pieces.partition_point(|(start, _)| *start <= offset);
        match index.checked_sub(1).map(|index| self.pieces[index]) {
            Some((start, source)) => source + (offset - start),
            None => self.start + offset,
        }
    }

    fn span(&self, start: usize, end: usize) -> Span {
        let first = self.source_offset(start);
        // The end belongs to the piece of the last byte, not to the piece that follows it.
        if start == end { Span::at(first) } else { Span::new(first, self.source_offset(end - 1) + 1) }
    }
}

/// A part of a logical line.
#[derive(Clone, Copy)]
pub(super) struct Body<'l> {
    line: &'l Line<'l>,
    start: usize,
    end: usize,
}

impl<'l> Body<'l> {
    pub(super) fn text(self) -> &'l str {
        &self.line.text()[self.start..self.end]
    }

    pub(super) fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// The place in the file.
    pub(super) fn span(self) -> Span {
        self.line.span(self.start, self.end)
    }

    /// The part from `start` to `end`, offsets within this part.
    pub(super) fn part(self, start: usize, end: usize) -> Self {
        Self { line: self.line, start: self.start + start, end: self.start + end }
    }

    pub(super) fn from(self, start: usize) -> Self {
        self.part(start, self.end - self.start)
    }

    pub(super) fn until(self, end: usize) -> Self {
        self.part(0, end)
    }

    /// The part up to the end of the logical line.
    pub(super) fn to_line_end(self) -> Self {
        Self { end: self.line.text().len(), ..self }
    }

    /// The whole logical line.
    pub(super) fn whole_line(self) -> Self {
        self.line.body()
    }

    /// Without blanks (of any kind) around.
    pub(super) fn trim(self) -> Self {
        let text = self.text();
        // Most parts begin and end with a visible character, and this is asked about each of them several times.
        if let [first, .., last] | [first @ last] = text.as_bytes()
            && first.is_ascii_graphic()
            && last.is_ascii_graphic()
        {
            return self;
        }
        let start = text.len() - text.trim_start().len();
        self.part(start, start + text.trim().len())
    }

    pub(super) fn to_spanned(self) -> Spanned<String> {
        Spanned::new(self.text().to_owned(), self.span())
    }

    /// Splits at the first run of blanks.
    pub(super) fn split_first(self) -> (Self, Option<Self>) {
        let bytes = self.text().as_bytes();
        let Some(end) = bytes.iter().position(|byte| is_blank(*byte)) else { return (self, None) };
        let blanks = bytes[end..].iter().take_while(|byte| is_blank(**byte)).count();
        (self.until(end), Some(self.from(end + blanks)))
    }

    /// Splits at all runs of blanks; quotes mean nothing.
    pub(super) fn split_blanks(self) -> Vec<Self> {
        let mut words = Vec::new();
        let mut rest = self.trim();
        while !rest.is_empty() {
            let (word, more) = rest.split_first();
            words.push(word);
            match more {
                Some(more) => rest = more,
                None => break,
            }
        }
        words
    }

    /// Splits at blanks that are neither quoted nor escaped; quotes and escapes stay in the words.
    pub(super) fn split_words(self, escape: char) -> Vec<Self> {
        let text = self.text();
        let mut words = Vec::new();
        let mut start = None;
        let mut quote = None;
        let mut characters = text.char_indices();
        while let Some((at, character)) = characters.next() {
            if character.is_ascii_alphanumeric() {
                start.get_or_insert(at);
                continue;
            }
            if quote.is_none() && character.is_whitespace() {
                if let Some(start) = start.take() {
                    words.push(self.part(start, at));
                }
                continue;
            }
            let begin = *start.get_or_insert(at);
            if character == escape && quote != Some('\'') {
                let Some((_, _)) = characters.next() else {
                    // An escape with nothing behind it is dropped.
                    if at > begin {
                        words.push(self.part(begin, at));
                    }
                    return words;
                };
            } else if quote == Some(character) {
                quote = None;
            } else if quote.is_none() && matches!(character, '\'' | '"') {
                quote = Some(character);
            }
        }
        if let Some(start) = start {
            words.push(self.part(start, text.len()));
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let line = Line::new(text, 0);
        line.body().split_words('\\').into_iter().map(|word| word.text().to_owned()).collect()
    }

    #[test]
    fn quotes_and_escapes_hold_a_word_together() {
        assert_eq!(words(r#"a="b c" d\ e 'f g'h"#), [r#"a="b c""#, r"d\ e", "'f g'h"]);
        assert_eq!(words(r"a='\' b"), [r"a='\'", "b"]);
        assert_eq!(words(r#"a="\" b""#), [r#"a="\" b""#]);
        assert_eq!(words("a \\"), ["a"]);
        assert_eq!(words("a\\"), ["a"]);
        assert_eq!(words(r#""" b"#), [r#""""#, "b"]);
        assert_eq!(words("\"open b"), ["\"open b"]);
    }

    #[test]
    fn spans_of_joined_lines_lead_back_to_the_file() {
        // "RUN a \⏎  bc": the joined text is "RUN a   bc".
        let mut line = Line::new("RUN a ", 10);
        line.push("  bc", 18);
        assert_eq!(line.text(), "RUN a   bc");
        let words = line.body().split_blanks();
        assert_eq!(words[1].span(), Span::new(14, 15));
        assert_eq!(words[2].span(), Span::new(20, 22));
        assert_eq!(words[1].to_line_end().span(), Span::new(14, 22));
        assert_eq!(line.body().until(6).span(), Span::new(10, 16));
    }

    #[test]
    fn a_word_may_go_over_a_continuation() {
        let mut line = Line::new("RUN ab", 0);
        line.push("cd e", 8);
        let words = line.body().split_blanks();
        assert_eq!(words[1].text(), "abcd");
        assert_eq!(words[1].span(), Span::new(4, 10));
    }
}
