//! The JSON form: an array of strings, each with its place.

use plimsoll_diagnostics::{Spanned, Text};
use serde::de::IgnoredAny;

use super::line::Body;

/// What an argument turned out to be.
pub(super) enum Json {
    /// An array of strings.
    Strings(Vec<Spanned<Text>>),
    /// A JSON array with something else than strings in it, which is an error.
    OtherArray,
    /// No JSON array: the shell form.
    Text,
}

/// Tries to read an argument as a JSON array.
pub(super) fn parse(body: Body<'_>) -> Json {
    let body = body.trim();
    if !body.text().starts_with('[') {
        return Json::Text;
    }
    let mut reader = Reader { body, text: body.text(), position: 1 };
    if let Some(strings) = reader.strings() {
        return Json::Strings(strings);
    }
    if serde_json::from_str::<Vec<IgnoredAny>>(body.text()).is_ok() { Json::OtherArray } else { Json::Text }
}

/// Whether a text was probably meant as a JSON array although it is none.
pub(super) fn is_almost_json(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('[') else { return false };
    let Some(quote @ ('"' | '\'')) = rest.trim_start().chars().next() else { return false };
    // `[ "$a" = "$b" ]` is a command: a blank stands behind its bracket and no comma behind its first word.
    if rest.starts_with(quote) {
        return true;
    }
    let first = &rest.trim_start()[1..];
    first.find(quote).is_some_and(|end| first[end + 1..].trim_start().starts_with(','))
}

struct Reader<'l> {
    body: Body<'l>,
    text: &'l str,
    position: usize,
}

impl Reader<'_> {
    fn strings(&mut self) -> Option<Vec<Spanned<Text>>> {
        let mut strings = Vec::new();
        if self.token()? == b']' {
            return self.at_end().then_some(strings);
        }
        self.position -= 1;
        loop {
            if self.token()? != b'"' {
                return None;
            }
            let start = self.position - 1;
            let value = self.string()?;
            strings.push(Spanned::new(value, self.body.part(start, self.position).span()));
            match self.token()? {
                b',' => {}
                b']' => return self.at_end().then_some(strings),
                _ => return None,
            }
        }
    }

    /// The next byte that is no blank.
    fn token(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while matches!(bytes.get(self.position)?, b' ' | b'\t' | b'\r' | b'\n') {
            self.position += 1;
        }
        self.position += 1;
        Some(bytes[self.position - 1])
    }

    fn at_end(&self) -> bool {
        self.text[self.position..].trim_matches([' ', '\t', '\r', '\n']).is_empty()
    }

    /// The rest of a string behind its opening quote.
    fn string(&mut self) -> Option<Text> {
        let start = self.position;
        let mut out = String::new();
        loop {
            let rest = &self.text[self.position..];
            let plain = rest.bytes().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f))?;
            self.position += plain + 1;
            let end = rest.as_bytes()[plain];
            if end == b'"' && self.position == start + plain + 1 {
                return Some(self.body.part(start, start + plain).value());
            }
            out.push_str(&rest[..plain]);
            match end {
                b'"' => return Some(out.into()),
                b'\\' => out.push(self.escape()?),
                _ => return None,
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        let byte = *self.text.as_bytes().get(self.position)?;
        self.position += 1;
        Some(match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let unit = self.unit()?;
                if !(0xd800..0xdc00).contains(&unit) {
                    return Some(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER));
                }
                // Half of a pair alone is replaced, and what follows it is read by itself.
                let before = self.position;
                if self.text[self.position..].starts_with("\\u") {
                    self.position += 2;
                    let low = self.unit()?;
                    if (0xdc00..0xe000).contains(&low) {
                        return char::from_u32(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00));
                    }
                    self.position = before;
                }
                char::REPLACEMENT_CHARACTER
            }
            _ => return None,
        })
    }

    fn unit(&mut self) -> Option<u32> {
        let digits = self.text.get(self.position..self.position + 4)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        self.position += 4;
        u32::from_str_radix(digits, 16).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::super::line::Line;
    use super::*;

    fn line(text: &str) -> Line<'static> {
        Line::owned(text)
    }

    fn strings(text: &str) -> Option<Vec<String>> {
        match parse(line(text).body()) {
            Json::Strings(strings) => {
                Some(strings.into_iter().map(|string| string.value.to_string()).collect())
            }
            Json::OtherArray | Json::Text => None,
        }
    }

    #[test]
    fn arrays_of_strings_are_read() {
        assert_eq!(strings(r#"["a", "b c"]"#).unwrap(), ["a", "b c"]);
        assert_eq!(strings("[ ]").unwrap(), Vec::<String>::new());
        assert_eq!(strings(r#" ["\"\\\/\n\u00e4\ud83d\ude00"] "#).unwrap(), ["\"\\/\nä😀"]);
        assert_eq!(
            strings(r#"["\ud800x", "\udc00", "\ud800A"]"#).unwrap(),
            ["\u{fffd}x", "\u{fffd}", "\u{fffd}A"]
        );
    }

    #[test]
    fn what_is_not_json_is_none() {
        for text in [
            "['a']",
            "[\"a\"",
            "[\"a\",]",
            "[\"a\"] x",
            "[a]",
            "a",
            "",
            "[",
            "[\"a\tb\"]",
            "[\"\\x\"]",
            "[\"\\u12\"]",
            "[,]",
        ] {
            assert!(matches!(parse(line(text).body()), Json::Text), "{text}");
        }
    }

    #[test]
    fn arrays_of_other_things_are_told_apart() {
        for text in ["[1]", "[\"a\", null]", "[[\"a\"]]", "[{}]"] {
            assert!(matches!(parse(line(text).body()), Json::OtherArray), "{text}");
        }
    }

    #[test]
    fn places_cover_the_quotes() {
        let Json::Strings(strings) = parse(line(r#"     ["a", "b"]"#).body()) else { panic!("no strings") };
        assert_eq!((strings[1].span.start, strings[1].span.end), (11, 14));
    }

    #[test]
    fn a_test_command_is_not_almost_json() {
        assert!(is_almost_json("['a', 'b']"));
        assert!(is_almost_json("[\"a\" \"b\"]"));
        assert!(is_almost_json("[ 'a', 'b' ]"));
        assert!(!is_almost_json("[ \"$a\" = \"$b\" ] && true"));
        assert!(!is_almost_json("[ -f x ]"));
        assert!(!is_almost_json("echo"));
    }
}
