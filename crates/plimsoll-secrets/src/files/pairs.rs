//! Lines of names and values under sections: ini, properties, `.env`, TOML, HCL as people write them.

use std::ops::Range;

use super::value::Value;

/// Reads `name = value`.
pub(crate) fn equals(text: &[u8]) -> Vec<Value> {
    read(text, b"=")
}

/// Reads `name = value` and `name: value`, whichever sign comes first.
pub(crate) fn properties(text: &[u8]) -> Vec<Value> {
    read(text, b"=:")
}

fn read(text: &[u8], signs: &[u8]) -> Vec<Value> {
    let mut values = Vec::new();
    let mut section = String::new();
    let mut start = 0;
    while start < text.len() {
        let end = memchr::memchr(b'\n', &text[start..]).map_or(text.len(), |at| start + at);
        let line = trim(text, start..end);
        start = end + 1;
        let content = &text[line.clone()];
        match content.first() {
            None | Some(b'#' | b';' | b'!') => {}
            Some(b'[') => {
                section = lower(
                    content.strip_prefix(b"[").unwrap_or(content).strip_suffix(b"]").unwrap_or(content),
                );
            }
            // `credentials "host" {`
            Some(_) if content.ends_with(b"{") && !content.contains(&b'=') => section = lower(content),
            Some(_) => values.extend(pair(text, line, signs, &section)),
        }
    }
    values
}

fn pair(text: &[u8], line: Range<usize>, signs: &[u8], section: &str) -> Option<Value> {
    // `:rubygems_api_key: value`: a sign in front belongs to the name.
    let skip = usize::from(text[line.start] == b':');
    let sign =
        line.start + skip + text[line.start + skip..line.end].iter().position(|byte| signs.contains(byte))?;
    let name = &text[trim(text, line.start..sign)];
    let name = name.strip_prefix(b"export ").or_else(|| name.strip_prefix(b"set ")).unwrap_or(name);
    let place = unquoted(text, trim(text, sign + 1..line.end));
    let keys = [section, &lower(name)].into_iter().filter(|key| !key.is_empty()).map(str::to_owned).collect();
    let value = String::from_utf8_lossy(&text[place.clone()]).into_owned();
    (!place.is_empty()).then_some(Value { keys, place, text: value })
}

/// The value without quotes, or without the comment behind it.
fn unquoted(text: &[u8], place: Range<usize>) -> Range<usize> {
    let value = &text[place.clone()];
    if let Some(quote @ (b'"' | b'\'')) = value.first() {
        let length = value[1..].iter().position(|byte| byte == quote).unwrap_or(value.len() - 1);
        return place.start + 1..place.start + 1 + length;
    }
    let comment = value.windows(2).position(|pair| matches!(pair, [b' ' | b'\t', b'#' | b';']));
    comment.map_or(place.clone(), |at| trim(text, place.start..place.start + at))
}

fn lower(name: &[u8]) -> String {
    String::from_utf8_lossy(name).trim().trim_matches(['"', '\'', ':']).to_ascii_lowercase()
}

pub(crate) fn trim(text: &[u8], range: Range<usize>) -> Range<usize> {
    let part = &text[range.clone()];
    let start = range.start + part.len() - part.trim_ascii_start().len();
    start..start + part.trim_ascii().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(values: &[Value]) -> Vec<(String, &str)> {
        values.iter().map(|value| (value.keys.join("/"), value.text.as_str())).collect()
    }

    #[test]
    fn sections_quotes_and_comments() {
        let text = b"# a\r\n[Default]\r\nkey = \"a b\" # c\nexport X=1\ny = z ; d\nempty =\n'q' = 'v'";
        assert_eq!(
            shown(&equals(text)),
            [
                ("default/key".to_owned(), "a b"),
                ("default/x".to_owned(), "1"),
                ("default/y".to_owned(), "z"),
                ("default/q".to_owned(), "v"),
            ]
        );
    }

    #[test]
    fn either_sign() {
        let text = b":rubygems_api_key: abc\na.b=c:d\n";
        assert_eq!(
            shown(&properties(text)),
            [("rubygems_api_key".to_owned(), "abc"), ("a.b".to_owned(), "c:d")]
        );
        let text = b"credentials \"h\" {\n token = \"t\"\n}\n";
        assert_eq!(shown(&equals(text)), [("credentials \"h\" {/token".to_owned(), "t")]);
    }
}
