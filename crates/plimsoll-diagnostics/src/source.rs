//! A named text with its lines.

use serde::Serialize;

use crate::{SharedText, Span};

/// A text, the name it is shown under, and where its lines start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    name: String,
    text: SharedText,
    line_starts: Vec<usize>,
}

/// A place for people: both numbers start with 1, the column counts characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct LineColumn {
    /// Line, 1-based.
    pub line: usize,
    /// Column in characters, 1-based.
    pub column: usize,
}

impl SourceFile {
    /// Takes a text under a name.
    pub fn new(name: impl Into<String>, text: impl Into<SharedText>) -> Self {
        let text = text.into();
        let mut line_starts = vec![0];
        line_starts.extend(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1));
        Self { name: name.into(), text, line_starts }
    }

    /// Takes bytes; whatever is not UTF-8 becomes U+FFFD.
    pub fn from_bytes_lossy(name: impl Into<String>, bytes: &[u8]) -> Self {
        Self::new(name, String::from_utf8_lossy(bytes))
    }

    /// The name, as given; not sanitised.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The whole text, to be shared.
    pub fn shared_text(&self) -> &SharedText {
        &self.text
    }

    /// Number of lines; a final line feed starts no line of its own.
    pub fn line_count(&self) -> usize {
        let starts = self.line_starts.len();
        if starts > 1 && self.line_starts[starts - 1] == self.text.len() { starts - 1 } else { starts }
    }

    /// The text under a span, or nothing when the span does not fit this text.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.range()).unwrap_or_default()
    }

    /// Line (1-based) that holds the byte at `offset`; offsets past the end belong to the last line.
    pub fn line_of(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= offset).max(1)
    }

    /// Line and column of a byte offset; offsets past the end mean the end.
    pub fn line_column(&self, offset: usize) -> LineColumn {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.line_of(offset);
        let start = self.line_starts[line - 1];
        LineColumn { line, column: self.text[start..offset].chars().count() + 1 }
    }

    /// Byte range of a line (1-based), without its line ending; empty at the end for a line that does not exist.
    pub fn line_span(&self, line: usize) -> Span {
        let Some(&start) = line.checked_sub(1).and_then(|index| self.line_starts.get(index)) else {
            return Span::at(self.text.len());
        };
        let end = self.line_starts.get(line).map_or(self.text.len(), |next| next - 1);
        let end = if end > start && self.text.as_bytes()[end - 1] == b'\r' { end - 1 } else { end };
        Span::new(start, end)
    }

    /// Text of a line (1-based), without its line ending.
    pub fn line_text(&self, line: usize) -> &str {
        self.slice(self.line_span(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        let file = SourceFile::new("f", "abc\näöü x\r\nlast");
        let offset = file.text().find('x').unwrap();
        assert_eq!(file.line_column(offset), LineColumn { line: 2, column: 5 });
        assert_eq!(file.line_column(0), LineColumn { line: 1, column: 1 });
        assert_eq!(file.line_column(999), LineColumn { line: 3, column: 5 });
        assert_eq!(file.line_text(2), "äöü x");
        assert_eq!(file.line_text(3), "last");
        assert_eq!(file.line_text(9), "");
        assert_eq!(file.line_count(), 3);
    }

    #[test]
    fn a_final_line_feed_starts_no_line() {
        assert_eq!(SourceFile::new("f", "a\nb\n").line_count(), 2);
        assert_eq!(SourceFile::new("f", "").line_count(), 1);
        assert_eq!(SourceFile::new("f", "\n").line_count(), 1);
    }

    #[test]
    fn an_offset_inside_a_character_means_its_start() {
        let file = SourceFile::new("f", "ä");
        assert_eq!(file.line_column(1).column, 1);
    }
}
