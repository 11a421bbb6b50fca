//! XML as a tree of elements. Entities other than XML's own five and characters by number stay unread, so that none can grow;
//! a prefix of a namespace is dropped.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::text::{Lines, MOST_VALUES};
use crate::analyzer::AnalyzerError;

const MOST_LEVELS: usize = 256;

/// An element.
#[derive(Debug, Default)]
pub(crate) struct Element {
    /// Its name without a prefix.
    pub(crate) name: String,
    /// The line where its tag ends, from 1.
    pub(crate) line: u32,
    attributes: Vec<(String, String)>,
    text: String,
    pub(crate) children: Vec<Element>,
}

impl Element {
    /// The first child of a name, in any letter case.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name.eq_ignore_ascii_case(name))
    }

    /// All children of a name.
    pub(crate) fn all<'e>(&'e self, name: &'e str) -> impl Iterator<Item = &'e Self> {
        self.children.iter().filter(move |child| child.name.eq_ignore_ascii_case(name))
    }

    /// The children of the children of a name: `a/b` for all `a`.
    pub(crate) fn nested<'e>(&'e self, outer: &'e str, inner: &'e str) -> impl Iterator<Item = &'e Self> {
        self.all(outer).flat_map(move |child| child.all(inner))
    }

    /// Its text without the white space around it.
    pub(crate) fn text(&self) -> &str {
        self.text.trim()
    }

    /// The text of a child, if it has any.
    pub(crate) fn child_text(&self, name: &str) -> Option<&str> {
        self.child(name).map(Self::text).filter(|text| !text.is_empty())
    }

    /// An attribute's value, if there is one; its name in any letter case.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }
}

/// Reads a document and returns its root; `format` names what it should be.
pub(crate) fn xml(text: &str, format: &'static str) -> Result<Element, AnalyzerError> {
    let lines = Lines::new(text);
    let mut reader = Reader::from_str(text);
    // What is open, outermost first; the outermost stands for the document.
    let mut open = vec![Element::default()];
    let mut count = 0;
    loop {
        let event = reader.read_event();
        let line = lines.line(usize::try_from(reader.buffer_position()).unwrap_or(0).saturating_sub(1));
        let wrong = |reason: &str| AnalyzerError::format(format, format!("{reason} on line {line}"));
        match event.map_err(|error| wrong(&error.to_string()))? {
            Event::Start(_) | Event::Empty(_) if count == MOST_VALUES => {
                return Err(wrong("more elements than are read"));
            }
            Event::Start(tag) => {
                count += 1;
                if open.len() > MOST_LEVELS {
                    return Err(wrong("more levels than are read"));
                }
                open.push(element(&tag, line));
            }
            Event::Empty(tag) => {
                count += 1;
                add(&mut open, element(&tag, line));
            }
            Event::End(_) => {
                // The reader has checked that the tags match.
                if let Some(done) = open.pop() {
                    add(&mut open, done);
                }
            }
            Event::Text(part) => append(&mut open, &part),
            Event::CData(part) => append(&mut open, &part),
            Event::GeneralRef(reference) => {
                let name = reference.to_string();
                let character = reference.resolve_char_ref().ok().flatten().map(String::from);
                let known = character.as_deref().or_else(|| quick_xml::escape::resolve_xml_entity(&name));
                append(&mut open, known.unwrap_or(&format!("&{name};")));
            }
            Event::Eof => break,
            Event::Decl(_) | Event::PI(_) | Event::DocType(_) | Event::Comment(_) => {}
        }
    }
    let unclosed = open.len() > 1;
    let root = open.into_iter().next().and_then(|document| document.children.into_iter().next());
    match root {
        Some(root) if !unclosed => Ok(root),
        _ => Err(AnalyzerError::format(format, "it ends before its root element does")),
    }
}

fn add(open: &mut [Element], element: Element) {
    if let Some(parent) = open.last_mut() {
        parent.children.push(element);
    }
}

fn append(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

fn element(tag: &BytesStart<'_>, line: u32) -> Element {
    let mut attributes = tag.attributes();
    let attributes = attributes.with_checks(false).flatten().map(|attribute| {
        let raw = attribute.value.into_owned();
        let value =
            quick_xml::escape::unescape(&raw).map_or_else(|_| raw.clone(), std::borrow::Cow::into_owned);
        (attribute.key.local_name().as_ref().to_owned(), value)
    });
    Element {
        name: tag.local_name().as_ref().to_owned(),
        line,
        attributes: attributes.collect(),
        ..Element::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_have_text_attributes_and_lines() {
        let text = "<?xml version=\"1.0\"?>\n<m:a x='1 &amp; 2'>\n <b> a&lt;<![CDATA[b]]><!-- c -->&#99;&n; </b>\n <b/></m:a>";
        let root = xml(text, "XML").expect("it is fine");
        assert_eq!((root.name.as_str(), root.attribute("X"), root.line), ("a", Some("1 & 2"), 2));
        assert_eq!(root.all("b").map(|b| (b.text(), b.line)).collect::<Vec<_>>(), [("a<bc&n;", 3), ("", 4)]);
    }

    #[test]
    fn broken_documents_are_errors() {
        for text in ["", "<a>", "<a></b>", "<a", &"<a>".repeat(10_000)] {
            assert!(xml(text, "XML").is_err(), "{}", &text[..text.len().min(20)]);
        }
    }
}
