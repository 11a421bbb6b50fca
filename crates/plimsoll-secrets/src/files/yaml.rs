//! YAML with places: scalars by the names that lead to them.
//!
//! A text that is none, as templates are, gives what was read before the fault.

use saphyr_parser::{Event, Parser, ScalarStyle};

use super::pairs::trim;
use super::value::Value;

/// How deep mappings and sequences may be.
const MOST_DEPTH: usize = 64;

/// The scalars of each document.
pub(crate) fn read(text: &[u8]) -> Vec<Vec<Value>> {
    let Ok(text) = std::str::from_utf8(text) else { return Vec::new() };
    let mut documents = Vec::new();
    let mut state =
        State { bytes: Bytes { text, character: 0, byte: 0 }, open: Vec::new(), values: Vec::new() };
    let mut parser = Parser::new_from_str(text);
    while let Some(Ok((event, span))) = parser.next_event() {
        match event {
            Event::MappingStart(..) => state.open.push(Open::Mapping(None)),
            Event::SequenceStart(..) => state.open.push(Open::Sequence),
            Event::MappingEnd | Event::SequenceEnd => {
                state.open.pop();
                state.settle();
            }
            Event::Scalar(scalar, style, ..) => {
                state.scalar(&scalar, style, span.start.index(), span.end.index());
            }
            Event::Alias(_) => state.settle(),
            Event::DocumentEnd => documents.push(std::mem::take(&mut state.values)),
            _ => {}
        }
        if state.open.len() > MOST_DEPTH {
            break;
        }
    }
    documents.push(state.values);
    documents
}

/// A mapping or sequence that is being read, and the name under which the next value stands.
enum Open {
    Mapping(Option<String>),
    Sequence,
}

struct State<'a> {
    bytes: Bytes<'a>,
    /// For each mapping the name that waits for its value.
    open: Vec<Open>,
    values: Vec<Value>,
}

impl State<'_> {
    /// The value of the waiting name has been read.
    fn settle(&mut self) {
        if let Some(Open::Mapping(key)) = self.open.last_mut() {
            *key = None;
        }
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, start: usize, end: usize) {
        if let Some(Open::Mapping(key @ None)) = self.open.last_mut() {
            *key = Some(text.to_ascii_lowercase());
            return;
        }
        let mut place = self.bytes.at(start)..self.bytes.at(end);
        let source = self.bytes.text.as_bytes();
        match style {
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted if place.len() >= 2 => {
                place = place.start + 1..place.end - 1;
            }
            // The sign of a block stands on the line before its text.
            ScalarStyle::Literal | ScalarStyle::Folded
                if matches!(source.get(place.start), Some(b'|' | b'>')) =>
            {
                let line = memchr::memchr(b'\n', &source[place.clone()])
                    .map_or(place.end, |at| place.start + at + 1);
                place = trim(source, line..place.end);
            }
            _ => place = trim(source, place),
        }
        let keys = self.open.iter().filter_map(|open| match open {
            Open::Mapping(key) => key.clone(),
            Open::Sequence => None,
        });
        self.values.push(Value { keys: keys.collect(), place, text: text.to_owned() });
        self.settle();
    }
}

/// The parser counts characters; places only grow.
struct Bytes<'a> {
    text: &'a str,
    character: usize,
    byte: usize,
}

impl Bytes<'_> {
    fn at(&mut self, character: usize) -> usize {
        if character < self.character {
            (self.character, self.byte) = (0, 0);
        }
        let rest = &self.text[self.byte..];
        let count = character - self.character;
        self.byte += rest.char_indices().nth(count).map_or(rest.len(), |(at, _)| at);
        self.character = character;
        self.byte
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_have_their_names_and_places() {
        let text = "kind: Secret\ndata:\n  a\u{e9}: \u{e9}x\n  b: \"q r\"\n  c: |\n    line\nlist:\n- name: n\n  v: [p]\n---\nk: v\n";
        let documents = read(text.as_bytes());
        let shown: Vec<_> =
            documents[0].iter().map(|value| (value.keys.join("/"), &text[value.place.clone()])).collect();
        assert_eq!(
            shown,
            [
                ("kind".to_owned(), "Secret"),
                ("data/a\u{e9}".to_owned(), "\u{e9}x"),
                ("data/b".to_owned(), "q r"),
                ("data/c".to_owned(), "line"),
                ("list/name".to_owned(), "n"),
                ("list/v".to_owned(), "p"),
            ]
        );
        assert_eq!(documents[1][0].text, "v");
    }

    #[test]
    fn templates_give_what_they_can() {
        assert_eq!(
            read(b"a: b\nc: {{ d }}\n: :\n  - x: [").first().map(|values| values[0].text.clone()),
            Some("b".to_owned())
        );
    }
}
