//! YAML: all documents of a stream. An alias is replaced by a copy, up to a number of nodes that no lock file needs.

use std::borrow::Cow;
use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use super::node::{Node, Value};
use super::text::MOST_VALUES;
use crate::analyzer::AnalyzerError;

const MOST_LEVELS: usize = 64;
const MOST_COPIED_NODES: usize = 100_000;

/// Reads the documents; `format` names what the file should be.
pub(crate) fn yaml<'a>(text: &'a str, format: &'static str) -> Result<Vec<Node<'a>>, AnalyzerError> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            AnalyzerError::format(format, format!("{} on line {}", error.info(), error.marker().line()))
        })?;
        builder.take(event, span).map_err(|reason| {
            AnalyzerError::format(format, format!("{reason} on line {}", span.start.line()))
        })?;
    }
    Ok(builder.documents)
}

#[derive(Default)]
struct Builder<'a> {
    documents: Vec<Node<'a>>,
    open: Vec<Open<'a>>,
    anchors: HashMap<usize, (Node<'a>, usize)>,
    copied: usize,
    count: usize,
}

/// A list or a map that is not yet complete.
struct Open<'a> {
    node: Node<'a>,
    /// The key that awaits its value. A key that is itself a list or a map keeps no name.
    key: Option<(Cow<'a, str>, u32)>,
    anchor: usize,
    /// How many nodes it holds, itself included.
    size: usize,
}

impl<'a> Builder<'a> {
    fn take(&mut self, event: Event<'a>, span: Span) -> Result<(), &'static str> {
        let line = u32::try_from(span.start.line()).unwrap_or(u32::MAX);
        self.count += 1;
        if self.count > MOST_VALUES {
            return Err("more values than are read");
        }
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let is_null = style == ScalarStyle::Plain && matches!(&*text, "" | "~" | "null");
                let value = if is_null { Value::Null } else { Value::Scalar(text) };
                self.add(Node { line, value }, anchor, 1);
            }
            Event::SequenceStart(anchor, _) => self.start(line, Value::List(Vec::new()), anchor)?,
            Event::MappingStart(anchor, _) => self.start(line, Value::Map(Vec::new()), anchor)?,
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(Open { node, anchor, size, .. }) = self.open.pop() {
                    self.add(node, anchor, size);
                }
            }
            Event::Alias(anchor) => {
                let Some((node, size)) = self.anchors.get(&anchor) else {
                    return Err("an alias of what contains it");
                };
                self.copied += size;
                if self.copied > MOST_COPIED_NODES {
                    return Err("aliases that stand for too much");
                }
                let (node, size) = (node.clone(), *size);
                self.add(node, 0, size);
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn start(&mut self, line: u32, value: Value<'a>, anchor: usize) -> Result<(), &'static str> {
        if self.open.len() == MOST_LEVELS {
            return Err("more levels than are read");
        }
        self.open.push(Open { node: Node { line, value }, key: None, anchor, size: 1 });
        Ok(())
    }

    fn add(&mut self, mut node: Node<'a>, anchor: usize, size: usize) {
        if anchor != 0 {
            // A copy for the aliases; it counts as one, or a nest of anchors would copy itself at each level.
            self.copied += size;
            if self.copied <= MOST_COPIED_NODES {
                self.anchors.insert(anchor, (node.clone(), size));
            }
        }
        let Some(open) = self.open.last_mut() else {
            self.documents.push(node);
            return;
        };
        open.size += size;
        match &mut open.node.value {
            Value::List(items) => items.push(node),
            Value::Map(entries) => {
                if let Some((key, line)) = open.key.take() {
                    node.line = line;
                    entries.push((key, node));
                } else {
                    let line = node.line;
                    let key = if let Value::Scalar(text) = node.value { text } else { "".into() };
                    open.key = Some((key, line));
                }
            }
            Value::Null | Value::Scalar(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_stay_as_written_and_nodes_know_their_lines() {
        let documents = yaml("a:\n  b: 1.10\n  c: [x]\n---\n- ~\n- 'null'\n", "YAML").expect("it is fine");
        let a = documents[0].get("a").expect("it is there");
        assert_eq!((a.line, a.text("b"), a.line_of("c")), (1, Some("1.10"), 3));
        assert_eq!(documents[1].items().iter().map(Node::as_text).collect::<Vec<_>>(), [None, Some("null")]);
    }

    #[test]
    fn a_bomb_of_aliases_is_an_error() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let below = vec![format!("*a{}", level - 1); 10].join(", ");
            text.extend([format!("a{level}: &a{level} [{below}]\n")]);
        }
        let error = yaml(&text, "YAML").expect_err("too much").to_string();
        assert!(error.contains("too much on line"), "{error}");
    }

    #[test]
    fn depth_is_an_error() {
        assert!(yaml(&"[".repeat(10_000), "YAML").is_err());
        assert!(yaml(&"- ".repeat(10_000), "YAML").is_err());
    }
}
