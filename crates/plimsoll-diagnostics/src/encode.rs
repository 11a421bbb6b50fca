//! How text of unknown origin is put into documents: exact where the format can hold any text, shown as the sanitiser does where not.

use std::fmt::Write as _;
use std::io;

use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter};

use crate::sanitize;

/// A value as JSON, indented, with a line end. The text is exact, and yet safe in a terminal and in the log of a CI system.
pub fn pretty(value: &impl Serialize) -> String {
    let mut bytes = Vec::new();
    let formatter = Guarded(PrettyFormatter::new());
    value
        .serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, formatter))
        .expect("texts and numbers are always valid JSON");
    bytes.push(b'\n');
    String::from_utf8(bytes).expect("JSON is UTF-8")
}

/// Writes characters that hide or command as JSON's escapes.
struct Guarded<'a>(PrettyFormatter<'a>);

impl Formatter for Guarded<'_> {
    fn write_string_fragment<W: io::Write + ?Sized>(&mut self, writer: &mut W, text: &str) -> io::Result<()> {
        let mut written = 0;
        for (at, character) in text.char_indices() {
            let end = at + character.len_utf8();
            // `##[` and `##vso[` are commands of CI systems wherever in a line they stand.
            let commands = character == '#' && text[end..].starts_with('#');
            if !commands && !sanitize::is_hidden(character) {
                continue;
            }
            writer.write_all(&text.as_bytes()[written..at])?;
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            written = end;
        }
        writer.write_all(&text.as_bytes()[written..])
    }

    fn begin_array<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: io::Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: io::Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

/// An element's start up to its last attribute: `<error line="3"`. XML has no way to write control characters, so they are shown.
pub fn push_tag(out: &mut String, name: &str, attributes: &[(&str, &str)]) {
    let _infallible = write!(out, "<{name}");
    for (name, value) in attributes {
        let _infallible = write!(out, " {name}=\"{}\"", xml(value));
    }
}

/// Text for an element or an attribute of XML.
pub fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for character in sanitize::line(text).chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            // An attribute would turn it into a blank.
            '\t' => out.push_str("&#9;"),
            '#' => out.push_str("&#35;"),
            // XML leaves them out of its characters.
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(character),
        }
    }
    out
}

/// The message of a workflow command of GitHub Actions; nothing that ends its line is left in it.
pub fn command_message(text: &str) -> String {
    // The older commands, `##[…]`, are found wherever in a line they stand.
    sanitize::ci_line(&sanitize::line(text)).replace('%', "%25")
}

/// The value of a property of such a command.
pub fn command_property(text: &str) -> String {
    command_message(text).replace(':', "%3A").replace(',', "%2C")
}

/// Text for people in SARIF, in which brackets make no link (SARIF 2.1.0, 3.11.6).
pub fn sarif_text(text: &str) -> String {
    let text = sanitize::line(text);
    if text.contains("](") { text.replace('[', "\\[").replace(']', "\\]") } else { text.into_owned() }
}

/// A path as a reference, relative if it is: everything that means something in an address is escaped.
pub fn path_uri(path: &str) -> String {
    let mut out = String::new();
    if path.starts_with('/') {
        out.push_str("file://");
    }
    for byte in path.strip_prefix("./").unwrap_or(path).bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _infallible = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_ends_where_it_should() {
        assert_eq!(command_property("a:b,c%\n::"), "a%3Ab%2Cc%25\\n%3A%3A");
        assert_eq!(command_message("a ##[error]b"), "a \\x23#[error]b");
    }

    #[test]
    fn a_path_stays_a_path() {
        assert_eq!(path_uri("./a b/#?c"), "a%20b/%23%3Fc");
        assert_eq!(path_uri("/etc/x"), "file:///etc/x");
        assert_eq!(sarif_text("[a](b)"), "\\[a\\](b)");
    }

    #[test]
    fn json_is_exact_and_shows_nothing_hidden() {
        let text = "a\u{202e}b\u{e0001}\u{7f}\x1b ##vso[x] # é \" \\ ::error::";
        let written = pretty(&vec![text]);
        assert!(!written.trim_end().chars().any(sanitize::is_hidden), "{written}");
        assert!(!written.contains("##"), "{written}");
        let read: Vec<String> = serde_json::from_str(&written).unwrap();
        assert_eq!(read, [text]);
    }

    #[test]
    fn xml_has_no_way_out_of_an_attribute() {
        assert_eq!(xml("a\"'<b>&\t\x1b\n##"), "a&quot;&apos;&lt;b&gt;&amp;&#9;\\x1b\\n&#35;&#35;");
    }
}
