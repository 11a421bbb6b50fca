//! XML with places: texts of elements and values of attributes, by the elements that they are in.

use std::ops::Range;

use super::pairs::trim;
use super::value::Value;

/// Texts and attributes. `<add key="K" value="V"/>` is also a value of the name `K`.
pub(crate) fn read(text: &[u8]) -> Vec<Value> {
    let mut values = Vec::new();
    let mut open: Vec<String> = Vec::new();
    let mut at = 0;
    while let Some(less) = memchr::memchr(b'<', &text[at..]) {
        let place = trim(text, at..at + less);
        if !place.is_empty() && !open.is_empty() {
            values.push(value(text, open.clone(), place));
        }
        let start = at + less;
        let Some(next) = passed(text, start) else { break };
        at = next;
        let tag = &text[start + 1..next - 1];
        match tag.first() {
            Some(b'!') if tag.starts_with(b"![CDATA[") => {
                let place = start + 9..next.saturating_sub(3).max(start + 9);
                values.push(value(text, open.clone(), place));
            }
            Some(b'!' | b'?') | None => {}
            Some(b'/') => {
                open.pop();
            }
            Some(_) => {
                let name =
                    tag.split(|byte| byte.is_ascii_whitespace() || *byte == b'/').next().unwrap_or_default();
                open.push(String::from_utf8_lossy(name).to_ascii_lowercase());
                attributes(text, start + 1 + name.len()..next - 1, &open, &mut values);
                if tag.ends_with(b"/") || open.len() > 64 {
                    open.pop();
                }
            }
        }
    }
    values
}

/// Where the tag, comment or section that begins at `start` ends.
fn passed(text: &[u8], start: usize) -> Option<usize> {
    let rest = &text[start..];
    let end: &[u8] = if rest.starts_with(b"<!--") {
        b"-->"
    } else if rest.starts_with(b"<![CDATA[") {
        b"]]>"
    } else {
        b">"
    };
    memchr::memmem::find(rest, end).map(|at| start + at + end.len())
}

fn attributes(text: &[u8], range: Range<usize>, open: &[String], values: &mut Vec<Value>) {
    let mut at = range.start;
    let mut key_attribute = None;
    while let Some(equals) = memchr::memchr(b'=', &text[at..range.end]) {
        let name = String::from_utf8_lossy(&text[trim(text, at..at + equals)]).to_ascii_lowercase();
        let from = at + equals + 1;
        let Some(quote) = text[from..range.end].iter().position(|byte| matches!(byte, b'"' | b'\'')) else {
            return;
        };
        let start = from + quote + 1;
        let Some(length) = text[start..range.end].iter().position(|byte| *byte == text[start - 1]) else {
            return;
        };
        at = start + length + 1;
        let mut keys = open.to_vec();
        let name = match (name.as_str(), &key_attribute) {
            ("value", Some(key)) => String::clone(key),
            _ => name,
        };
        keys.push(name);
        let found = value(text, keys, start..start + length);
        if matches!(found.key(), "key" | "name") {
            key_attribute = Some(found.text.to_ascii_lowercase());
        }
        values.push(found);
    }
}

fn value(text: &[u8], keys: Vec<String>, place: Range<usize>) -> Value {
    let raw = String::from_utf8_lossy(&text[place.clone()]);
    let plain = raw
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&apos;", "'")
        .replace("&amp;", "&");
    Value { keys, place, text: plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_attributes() {
        let text = b"<?xml?><!-- <a>no</a> --><s><server>\n<password> a&amp;b </password></server><add key=\"K\" value='v' /></s>";
        let values = read(text);
        let shown: Vec<_> = values.iter().map(|value| (value.keys.join("/"), value.text.as_str())).collect();
        assert_eq!(
            shown,
            [
                ("s/server/password".to_owned(), "a&b"),
                ("s/add/key".to_owned(), "K"),
                ("s/add/k".to_owned(), "v"),
            ]
        );
        assert_eq!(&text[values[0].place.clone()], b"a&amp;b");
    }

    #[test]
    fn broken_markup_ends() {
        for text in [
            "<",
            "<a",
            "<a b",
            "<a b=",
            "<a b='",
            "<![CDATA[",
            "<!--",
            "</a></b>",
            "<![CDATA[]]>",
            "<a/><![CDATA[x]]>",
        ] {
            read(text.as_bytes());
        }
    }
}
