//! Logical lines: physical lines joined at continuations, with the way back to the offsets of the file.

use std::borrow::Cow;

use plimsoll_diagnostics::{SharedText, Span, Spanned, Text};
use smallvec::SmallVec;

/// Blanks that separate words: the language has a list of its own here, shorter than Unicode's.
pub(super) const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | 0x0b | 0x0c)
}

/// Words and the like of one line: few, and not kept.
pub(super) type Words<'l> = SmallVec<[Body<'l>; 8]>;

/// A logical line.
pub(super) struct Line<'a> {
    /// The file, or the joined pieces when there are several.
    source: Cow<'a, SharedText>,
    /// Where the line starts in `source`.
    base: usize,
    length: usize,
    /// For each piece, when there are several: offset in the line, offset in the file.
    pieces: Vec<(usize, usize)>,
}

impl<'a> Line<'a> {
    /// The line that consists of these pieces of a file, at least one.
    pub(super) fn new(file: &'a SharedText, pieces: &[Span]) -> Self {
        let mut filled = pieces.iter().copied().filter(|piece| !piece.is_empty());
        let Some(first) = filled.next() else {
            let base = pieces.first().map_or(0, |piece| piece.start);
            return Self { source: Cow::Borrowed(file), base, length: 0, pieces: Vec::new() };
        };
        let Some(second) = filled.next() else {
            return Self {
                source: Cow::Borrowed(file),
                base: first.start,
                length: first.len(),
                pieces: Vec::new(),
            };
        };
        let mut joined = String::new();
        let mut pieces = Vec::new();
        for piece in [first, second].into_iter().chain(filled) {
            pieces.push((joined.len(), piece.start));
            joined.push_str(&file[piece.range()]);
        }
        Self { base: 0, length: joined.len(), source: Cow::Owned(joined.into()), pieces }
    }

    pub(super) fn text(&self) -> &str {
        &self.source[self.base..self.base + self.length]
    }

    /// The whole line.
    pub(super) fn body(&self) -> Body<'_> {
        Body { line: self, start: 0, text: self.text() }
    }

    fn source_offset(&self, offset: usize) -> usize {
        if self.pieces.is_empty() {
            return self.base + offset;
        }
        let index = self.pieces.partition_point(|(start, _)| *start <= offset);
        let (start, source) = self.pieces[index.saturating_sub(1)];
        source + (offset - start)
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
    text: &'l str,
}

impl<'l> Body<'l> {
    pub(super) fn text(self) -> &'l str {
        self.text
    }

    pub(super) fn is_empty(self) -> bool {
        self.text.is_empty()
    }

    /// The place in the file.
    pub(super) fn span(self) -> Span {
        self.line.span(self.start, self.start + self.text.len())
    }

    /// The text, shared with the file or the line.
    pub(super) fn value(self) -> Text {
        let start = self.line.base + self.start;
        self.line.source.substr(start..start + self.text.len())
    }

    /// The part from `start` to `end`, offsets within this part.
    pub(super) fn part(self, start: usize, end: usize) -> Self {
        Self { line: self.line, start: self.start + start, text: &self.text[start..end] }
    }

    pub(super) fn from(self, start: usize) -> Self {
        self.part(start, self.text.len())
    }

    pub(super) fn until(self, end: usize) -> Self {
        self.part(0, end)
    }

    /// The part up to the end of the logical line.
    pub(super) fn to_line_end(self) -> Self {
        Self { text: &self.line.text()[self.start..], ..self }
    }

    /// The whole logical line.
    pub(super) fn whole_line(self) -> Self {
        self.line.body()
    }

    /// Where a byte is first.
    pub(super) fn find(self, byte: u8) -> Option<usize> {
        self.text.bytes().position(|other| other == byte)
    }

    /// Without blanks (of any kind) around.
    #[inline]
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

    pub(super) fn to_spanned(self) -> Spanned<Text> {
        Spanned::new(self.value(), self.span())
    }

    /// Splits at the first run of blanks.
    pub(super) fn split_first(self) -> (Self, Option<Self>) {
        let bytes = self.text().as_bytes();
        let Some(end) = bytes.iter().position(|byte| is_blank(*byte)) else { return (self, None) };
        let blanks = bytes[end..].iter().take_while(|byte| is_blank(**byte)).count();
        (self.until(end), Some(self.from(end + blanks)))
    }

    /// Splits at all runs of blanks; quotes mean nothing.
    pub(super) fn split_blanks(self) -> Words<'l> {
        let mut words = Words::new();
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
    pub(super) fn split_words(self, escape: char) -> Words<'l> {
        let text = self.text();
        let mut words = Words::new();
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
impl Line<'static> {
    /// A line that is a whole file.
    pub(super) fn owned(text: &str) -> Self {
        Self { source: Cow::Owned(text.into()), base: 0, length: text.len(), pieces: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let line = Line::owned(text);
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
        // The joined text is "RUN a   bc".
        let file = SharedText::from("# comment\nRUN a \\\n  bc");
        let line = Line::new(&file, &[Span::new(10, 16), Span::new(18, 22)]);
        assert_eq!(line.text(), "RUN a   bc");
        let words = line.body().split_blanks();
        assert_eq!(words[1].span(), Span::new(14, 15));
        assert_eq!(words[2].span(), Span::new(20, 22));
        assert_eq!(words[1].to_line_end().span(), Span::new(14, 22));
        assert_eq!(line.body().until(6).span(), Span::new(10, 16));
    }

    #[test]
    fn a_word_may_go_over_a_continuation() {
        let file = SharedText::from("RUN ab\\\ncd e");
        let line = Line::new(&file, &[Span::new(0, 6), Span::new(8, 12)]);
        let words = line.body().split_blanks();
        assert_eq!(words[1].text(), "abcd");
        assert_eq!(words[1].span(), Span::new(4, 10));
    }
}
