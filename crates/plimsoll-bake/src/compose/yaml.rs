//! YAML, read with `saphyr-parser`, to a tree whose nodes know their places.

use std::collections::BTreeMap;
use std::sync::Arc;

use plimsoll_diagnostics::{SourceFile, Span};
use saphyr_parser::{Event, Marker, Parser, ScalarStyle};

use crate::problem::{Outcome, Place};

/// The most nodes that a file may have, with aliases written out.
const MOST_NODES: usize = 200_000;
/// The deepest nesting.
const DEEPEST: usize = 64;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) place: Place,
    /// A tag such as `!reset`, without the `!`.
    pub(super) tag: Option<String>,
}

/// What a node is.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// A text; without quotes it may mean a number, a bool or nothing.
    Scalar { text: String, plain: bool },
    /// Several values.
    Sequence(Vec<Node>),
    /// Values by name.
    Map(Vec<(String, Node)>),
}

impl Node {
    /// A scalar that was not written in the file.
    pub(super) fn scalar(text: impl Into<String>, place: &Place) -> Self {
        Self { kind: Kind::Scalar { text: text.into(), plain: false }, place: place.clone(), tag: None }
    }

    /// A mapping that was not written in the file.
    pub(super) fn map(members: Vec<(String, Node)>, place: &Place) -> Self {
        Self { kind: Kind::Map(members), place: place.clone(), tag: None }
    }

    /// Whether it is nothing.
    pub(super) fn is_null(&self) -> bool {
        matches!(&self.kind, Kind::Scalar { text, plain: true } if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// The members of a mapping.
    pub(super) fn as_map(&self) -> Option<&[(String, Node)]> {
        match &self.kind {
            Kind::Map(members) => Some(members),
            _ => None,
        }
    }

    /// The elements of a sequence.
    pub(super) fn as_sequence(&self) -> Option<&[Node]> {
        match &self.kind {
            Kind::Sequence(elements) => Some(elements),
            _ => None,
        }
    }

    /// The member of a name; nothing counts as missing.
    pub(super) fn get(&self, name: &str) -> Option<&Node> {
        self.as_map()?
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, node)| node)
            .filter(|node| !node.is_null())
    }

    /// The text of a scalar, as its type writes it: `1.50` is the number 1.5.
    pub(super) fn text(&self) -> Outcome<String> {
        match &self.kind {
            Kind::Scalar { text, plain: true } => Ok(canonical(text)),
            Kind::Scalar { text, .. } => Ok(text.clone()),
            _ => Err(self.place.error("bad-compose", "a single value is needed here")),
        }
    }

    /// How many values it has, with itself.
    pub(super) fn size(&self) -> usize {
        match &self.kind {
            Kind::Scalar { .. } => 1,
            Kind::Sequence(nodes) => nodes.iter().map(Node::size).sum::<usize>() + 1,
            Kind::Map(members) => members.iter().map(|(_, node)| node.size()).sum::<usize>() + 1,
        }
    }

    /// A scalar as true or false.
    pub(super) fn truth(&self) -> Outcome<bool> {
        match self.text()?.to_lowercase().as_str() {
            "true" | "yes" | "on" | "y" | "1" => Ok(true),
            "false" | "no" | "off" | "n" | "0" => Ok(false),
            _ => Err(self.place.error("bad-compose", "`true` or `false` is needed here")),
        }
    }
}

/// Numbers and bools as they are written back.
fn canonical(text: &str) -> String {
    match text {
        "true" | "True" | "TRUE" => return "true".to_owned(),
        "false" | "False" | "FALSE" => return "false".to_owned(),
        _ => {}
    }
    let radix = |prefix: &str, radix: u32| i64::from_str_radix(text.strip_prefix(prefix)?, radix).ok();
    if let Some(number) = radix("0x", 16).or_else(|| radix("0o", 8)) {
        return number.to_string();
    }
    let is_decimal = text.contains(['.', 'e', 'E'])
        && text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'))
        && text.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | 'e' | 'E'));
    match text.parse::<f64>() {
        Ok(number) if is_decimal && number.abs() < 1e21 => number.to_string(),
        _ => text.to_owned(),
    }
}

/// Reads the first document of a file.
pub(super) fn parse(source: &Arc<SourceFile>) -> Outcome<Node> {
    let mut builder =
        Builder { source, parser: Parser::new_from_str(source.text()), anchors: BTreeMap::new(), nodes: 0 };
    loop {
        let (event, place) = builder.next()?;
        match event {
            Event::StreamStart | Event::DocumentStart(_) | Event::Nothing => {}
            Event::StreamEnd | Event::DocumentEnd => {
                let kind = Kind::Scalar { text: String::new(), plain: true };
                return Ok(Node { kind, place, tag: None });
            }
            event => return builder.node(event, place, 0),
        }
    }
}

struct Builder<'a> {
    source: &'a Arc<SourceFile>,
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    anchors: BTreeMap<usize, Node>,
    nodes: usize,
}

impl<'a> Builder<'a> {
    fn next(&mut self) -> Outcome<(Event<'a>, Place)> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => {
                let span = Span::new(self.offset(&span.start), self.offset(&span.end));
                Ok((event, Place::new(self.source, span)))
            }
            Some(Err(error)) => {
                let at = self.offset(error.marker());
                Err(Place::new(self.source, Span::at(at))
                    .error("syntax", format!("this is not YAML: {}", error.info())))
            }
            None => {
                let end = self.source.text().len();
                Err(Place::new(self.source, Span::at(end)).error("syntax", "the YAML text ends too early"))
            }
        }
    }

    /// Marks count lines from 1 and columns in characters.
    fn offset(&self, marker: &Marker) -> usize {
        let line = self.source.line_span(marker.line());
        let text = self.source.slice(line);
        let column = text.char_indices().nth(marker.col()).map_or(text.len(), |(at, _)| at);
        line.start + column
    }

    fn node(&mut self, event: Event<'a>, place: Place, depth: usize) -> Outcome<Node> {
        self.count(1, &place)?;
        if depth > DEEPEST {
            return Err(place.error("syntax", format!("values are nested more than {DEEPEST} times")));
        }
        let (kind, anchor, tag) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                (Kind::Scalar { text: text.into_owned(), plain: style == ScalarStyle::Plain }, anchor, tag)
            }
            Event::SequenceStart(anchor, tag) => (Kind::Sequence(self.sequence(depth)?), anchor, tag),
            Event::MappingStart(anchor, tag) => (Kind::Map(self.mapping(depth)?), anchor, tag),
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor).cloned() else {
                    return Err(place.error("syntax", "an alias refers to something that is not complete"));
                };
                self.count(node.size(), &place)?;
                return Ok(node);
            }
            _ => return Err(place.error("syntax", "the YAML text ends too early")),
        };
        let tag = tag.filter(|tag| tag.handle == "!").map(|tag| tag.suffix.clone());
        let node = Node { kind, place, tag };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn count(&mut self, nodes: usize, place: &Place) -> Outcome<()> {
        self.nodes += nodes;
        if self.nodes > MOST_NODES {
            return Err(place.error(
                "syntax",
                format!("the file has more than {MOST_NODES} values, with aliases written out"),
            ));
        }
        Ok(())
    }

    fn sequence(&mut self, depth: usize) -> Outcome<Vec<Node>> {
        let mut elements = Vec::new();
        loop {
            let (event, place) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok(elements);
            }
            elements.push(self.node(event, place, depth + 1)?);
        }
    }

    fn mapping(&mut self, depth: usize) -> Outcome<Vec<(String, Node)>> {
        let mut members: Vec<(String, Node)> = Vec::new();
        let mut merged: Vec<Node> = Vec::new();
        loop {
            let (event, place) = self.next()?;
            if event == Event::MappingEnd {
                break;
            }
            let key = self.node(event, place, depth + 1)?;
            let Kind::Scalar { text: name, plain } = key.kind else {
                return Err(key.place.error("syntax", "a name must be a single value"));
            };
            let (event, place) = self.next()?;
            let value = self.node(event, place, depth + 1)?;
            if name == "<<" && plain {
                match value.kind {
                    Kind::Sequence(nodes) => merged.extend(nodes),
                    _ => merged.push(value),
                }
                continue;
            }
            if members.iter().any(|(known, _)| *known == name) {
                return Err(key.place.error("duplicate-key", format!("`{name}` is defined twice")));
            }
            members.push((name, value));
        }
        for node in merged {
            let Kind::Map(inherited) = node.kind else {
                return Err(node.place.error("syntax", "`<<` takes a mapping, or a list of them"));
            };
            for (name, value) in inherited {
                if !members.iter().any(|(known, _)| *known == name) {
                    members.push((name, value));
                }
            }
        }
        Ok(members)
    }
}
