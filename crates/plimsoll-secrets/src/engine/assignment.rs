//! `name = value` in the forms that settings, code and command lines have.
//!
//! Around a keyword in a name: where the name ends, what assigns, and where the value is. All steps are bounded.

use std::ops::Range;

/// The longest name that is looked at on each side of its keyword.
const MOST_NAME: usize = 64;
/// The longest run of blanks on each side of the operator.
const MOST_BLANK: usize = 48;
/// The longest value.
const MOST_VALUE: usize = 2048;

/// A name, and the value that it is given.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Assignment {
    pub(crate) name: Range<usize>,
    pub(crate) value: Range<usize>,
    /// Whether the value stands in quotes.
    pub(crate) quoted: bool,
}

/// The assignment to the name around `hit`.
pub(crate) fn around(text: &[u8], hit: Range<usize>) -> Option<Assignment> {
    let start =
        hit.start - text[..hit.start].iter().rev().take(MOST_NAME).take_while(|byte| is_name(**byte)).count();
    // `arn:aws:secretsmanager:region:123456789012:secret:name`
    if let [.., digit, b':'] = text[..start]
        && digit.is_ascii_digit()
    {
        return None;
    }
    let end = hit.end + text[hit.end..].iter().take(MOST_NAME).take_while(|byte| is_name(**byte)).count();
    let mut cursor = Cursor { text, at: end };
    let opens = Opening::before(&text[..start]);
    let (value, quoted) = match opens {
        Opening::Element if cursor.peek() == Some(b'>') => (cursor.element()?, false),
        _ => cursor.assigned(opens)?,
    };
    (!value.is_empty()).then_some(Assignment { name: start..end, value, quoted })
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// What stands directly before a name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Opening {
    Quote(u8),
    Element,
    Option,
    Other,
}

impl Opening {
    fn before(text: &[u8]) -> Self {
        match text.last() {
            Some(b'<') => Self::Element,
            Some(quote @ (b'"' | b'\'' | b'`')) => Self::Quote(*quote),
            // The dashes of `--password` are taken for a part of the name.
            None | Some(b' ' | b'\t' | b',' | b'[') => Self::Option,
            Some(_) => Self::Other,
        }
    }
}

struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self, wanted: &[u8]) -> bool {
        let is_next = self.text[self.at..].starts_with(wanted);
        if is_next {
            self.at += wanted.len();
        }
        is_next
    }

    fn blanks(&mut self) -> usize {
        let count = self.text[self.at..]
            .iter()
            .take(MOST_BLANK)
            .take_while(|byte| matches!(byte, b' ' | b'\t'))
            .count();
        self.at += count;
        count
    }

    /// The text of `<name>text<`.
    fn element(&mut self) -> Option<Range<usize>> {
        self.at += 1;
        let length = self.text[self.at..].iter().take(MOST_VALUE).position(|byte| *byte == b'<')?;
        Some(trimmed(self.text, self.at..self.at + length))
    }

    fn assigned(&mut self, opens: Opening) -> Option<(Range<usize>, bool)> {
        let escaped = matches!(opens, Opening::Quote(_)) && self.take(b"\\");
        let closed = match opens {
            Opening::Quote(quote) => self.take(&[quote]),
            _ => false,
        };
        // `config["name"]`
        self.take(b"]");
        let blanks = self.blanks();
        if !self.operator(closed, blanks > 0)? {
            return None;
        }
        self.blanks();
        if escaped && !self.text[self.at..].starts_with(b"\\") {
            return None;
        }
        self.value()
    }

    /// Whether an operator that assigns is next; it is passed.
    fn operator(&mut self, closed: bool, blank: bool) -> Option<bool> {
        match self.peek()? {
            b'=' => {
                self.at += 1;
                match self.peek() {
                    // A comparison.
                    Some(b'=' | b'~') => return Some(false),
                    Some(b'>') => self.at += 1,
                    _ => {}
                }
                Some(true)
            }
            b':' => {
                self.at += 1;
                // `:=`, and a path such as `Name::Space`.
                if self.take(b"=") {
                    return Some(true);
                }
                if self.peek() == Some(b':') {
                    return Some(false);
                }
                self.annotation();
                Some(true)
            }
            b'?' | b'+' if self.text[self.at + 1..].first() == Some(&b'=') => {
                self.at += 2;
                Some(true)
            }
            // `set("name", "value")`
            b',' if closed => {
                self.at += 1;
                self.blanks();
                Some(matches!(self.peek(), Some(b'"' | b'\'')))
            }
            // `<add key="name" value="value"/>`
            b'v' | b'V' if closed && blank => {
                let is_value = self
                    .text
                    .get(self.at..self.at + 6)
                    .is_some_and(|word| word.eq_ignore_ascii_case(b"value="));
                self.at += if is_value { 6 } else { 0 };
                Some(is_value)
            }
            // `--name value`
            _ => Some(blank && self.is_option()),
        }
    }

    /// Passes the type of `name: type = value`.
    fn annotation(&mut self) {
        let mark = self.at;
        self.blanks();
        let is_type = |byte: &u8| {
            byte.is_ascii_alphanumeric()
                || matches!(byte, b'_' | b'&' | b'\'' | b'?' | b'.' | b'<' | b'>' | b' ')
        };
        self.at += self.text[self.at..].iter().take(32).take_while(|byte| is_type(byte)).count();
        let letters = self.at > mark;
        self.blanks();
        let is_assigned = letters && self.peek() == Some(b'=') && self.text.get(self.at + 1) != Some(&b'=');
        self.at = if is_assigned { self.at + 1 } else { mark };
    }

    /// Whether the name that ends here began with two dashes.
    fn is_option(&self) -> bool {
        let before = &self.text[..self.at];
        let before = &before
            [..before.len() - before.iter().rev().take_while(|byte| matches!(byte, b' ' | b'\t')).count()];
        let start =
            before.len() - before.iter().rev().take(MOST_NAME).take_while(|byte| is_name(**byte)).count();
        let name = &before[start..];
        name.starts_with(b"--") && name.len() > 3
    }

    fn value(&mut self) -> Option<(Range<usize>, bool)> {
        // A quote inside of a quoted text: `"{\"password\": \"value\"}"`.
        if self.text[self.at..].starts_with(b"\\\"") || self.text[self.at..].starts_with(b"\\'") {
            let start = self.at + 2;
            let length = self.text[start..]
                .iter()
                .take(MOST_VALUE)
                .position(|byte| *byte == b'\\' || *byte == b'\n')?;
            return (self.text[start + length] == b'\\').then_some((start..start + length, true));
        }
        // Prefixes of literals: `b"…"`, `@"…"`, `r"…"`.
        if matches!(self.peek(), Some(b'b' | b'r' | b'u' | b'@' | b'f'))
            && matches!(self.text.get(self.at + 1), Some(b'"' | b'\''))
        {
            self.at += 1;
        }
        let start = self.at;
        if let Some(quote @ (b'"' | b'\'' | b'`')) = self.peek() {
            let body = &self.text[start + 1..];
            let length = body.iter().take(MOST_VALUE).position(|byte| *byte == quote || *byte == b'\n')?;
            return (body[length] == quote).then_some((start + 1..start + 1 + length, true));
        }
        let is_end = |byte: &u8| {
            byte.is_ascii_whitespace()
                || matches!(
                    byte,
                    b',' | b';' | b'"' | b'\'' | b'<' | b'>' | b'(' | b')' | b'[' | b']' | b'`' | b'&' | b'|'
                )
        };
        let rest = &self.text[start..];
        let length = rest.iter().take(MOST_VALUE).position(is_end).unwrap_or(rest.len().min(MOST_VALUE));
        // A call, an index or a type is code.
        let is_code = matches!(rest.get(length), Some(b'(' | b'[' | b'<'));
        (!is_code).then_some((start..start + length, false))
    }
}

fn trimmed(text: &[u8], range: Range<usize>) -> Range<usize> {
    let part = &text[range.clone()];
    let start = part.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let end = part.iter().rev().take_while(|byte| byte.is_ascii_whitespace()).count();
    if start == part.len() { range.start..range.start } else { range.start + start..range.end - end }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(&str, &str, bool)> {
        let at = text.find("pass").unwrap();
        let found = around(text.as_bytes(), at..at + 4)?;
        Some((&text[found.name], &text[found.value], found.quoted))
    }

    #[test]
    fn forms_of_assignments() {
        for (text, name, value, quoted) in [
            ("db_password=abc", "db_password", "abc", false),
            ("export DB_pass = 'a b'", "DB_pass", "a b", true),
            ("\"password\": \"abc\"", "password", "abc", true),
            ("'password' => 'abc',", "password", "abc", true),
            ("config[\"password\"] = \"abc\"", "password", "abc", true),
            ("password: str = \"abc\"", "password", "abc", true),
            ("let password: &'static str = \"abc\";", "password", "abc", true),
            ("password: abc # comment", "password", "abc", false),
            ("<password>abc</password>", "password", "abc", false),
            ("<add key=\"password\" value=\"abc\"/>", "password", "abc", true),
            ("tool --password abc x", "--password", "abc", false),
            ("tool --password=abc x", "--password", "abc", false),
            ("put(\"password\", \"abc\")", "password", "abc", true),
            (r#""{\"password\": \"abc\"}""#, "password", "abc", true),
            ("Server=x;password=abc;More", "password", "abc", false),
            ("password := `abc`", "password", "abc", true),
            ("password ?= abc", "password", "abc", false),
            ("?user=a&password=abc&x=1", "password", "abc", false),
        ] {
            assert_eq!(read(text), Some((name, value, quoted)), "{text}");
        }
    }

    #[test]
    fn what_assigns_nothing() {
        for text in [
            "password == abc",
            "the password is abc",
            "password = read(abc)",
            "password::new",
            "password",
            "pass",
            "password = ''",
            "f(password, abc)",
            "password[0]",
            "--password",
            "password: Vec<u8>",
            "12:password:abc",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
