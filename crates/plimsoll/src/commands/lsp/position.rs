//! The protocol's positions: lines from 0, which `\n`, `\r\n` and `\r` end, and UTF-16 units from 0.

use plimsoll_diagnostics::Span;
use serde_json::{Value, json};

/// Where the lines of a text begin.
#[derive(Debug)]
pub(super) struct Lines(Vec<usize>);

impl Lines {
    pub(super) fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut starts = vec![0];
        for (at, byte) in bytes.iter().enumerate() {
            if *byte == b'\n' || (*byte == b'\r' && bytes.get(at + 1) != Some(&b'\n')) {
                starts.push(at + 1);
            }
        }
        Self(starts)
    }

    /// The offset of a position; what lies behind the end of a line or of the text means that end.
    pub(super) fn offset(&self, text: &str, position: &Value) -> usize {
        let number = |name: &str| position[name].as_u64().and_then(|number| usize::try_from(number).ok());
        let line = number("line").unwrap_or_default();
        let Some(start) = self.0.get(line).copied() else { return text.len() };
        let end = self.0.get(line + 1).copied().unwrap_or(text.len());
        let content = text[start..end].trim_end_matches(['\n', '\r']);
        let wanted = number("character").unwrap_or_default();
        let mut units = 0;
        for (at, character) in content.char_indices() {
            units += character.len_utf16();
            if units > wanted {
                return start + at;
            }
        }
        start + content.len()
    }

    /// The position of an offset.
    fn position(&self, text: &str, offset: usize) -> Value {
        let mut offset = offset.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.0.partition_point(|start| *start <= offset) - 1;
        let units: usize = text[self.0[line]..offset].chars().map(char::len_utf16).sum();
        json!({ "line": line, "character": units })
    }

    /// The range of a span.
    pub(super) fn range(&self, text: &str, span: Span) -> Value {
        json!({ "start": self.position(text, span.start), "end": self.position(text, span.end) })
    }

    /// The span of a range.
    pub(super) fn span(&self, text: &str, range: &Value) -> Span {
        let start = self.offset(text, &range["start"]);
        Span::new(start, self.offset(text, &range["end"]).max(start))
    }

    /// Where the line of an offset begins.
    pub(super) fn line_start(&self, offset: usize) -> usize {
        self.0[self.0.partition_point(|start| *start <= offset) - 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_utf_16_units_and_all_line_ends() {
        let text = "aé😀b\r\nx\ry\n";
        let lines = Lines::of(text);
        let at = |what: &str| text.find(what).unwrap();
        for (what, line, character) in
            [("a", 0, 0), ("é", 0, 1), ("😀", 0, 2), ("b", 0, 4), ("x", 1, 0), ("y", 2, 0)]
        {
            let position = json!({ "line": line, "character": character });
            assert_eq!(lines.position(text, at(what)), position, "{what}");
            assert_eq!(lines.offset(text, &position), at(what), "{what}");
        }
        // In the middle of a pair, behind the end of a line, behind the end.
        assert_eq!(lines.offset(text, &json!({ "line": 0, "character": 3 })), at("😀"));
        assert_eq!(lines.offset(text, &json!({ "line": 0, "character": 99 })), at("\r\n"));
        assert_eq!(lines.offset(text, &json!({ "line": 99, "character": 0 })), text.len());
        assert_eq!(lines.position(text, text.len()), json!({ "line": 3, "character": 0 }));
        assert_eq!(lines.line_start(at("b")), 0);
    }
}
