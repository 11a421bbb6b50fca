//! Forms that have one purpose each: `.netrc`, `.pgpass`, `.htpasswd`, files that are one value.

use std::ops::Range;

use super::pairs::trim;
use super::value::Value;

/// `machine … login … password …`, over any number of lines (netrc, msmtp, fetchmail, authinfo).
pub(crate) fn netrc(text: &[u8]) -> Vec<Value> {
    let mut values = Vec::new();
    let mut words = words(text).peekable();
    while let Some(word) = words.next() {
        if text[word.clone()].starts_with(b"#") {
            let end = memchr::memchr(b'\n', &text[word.start..]).map_or(text.len(), |at| word.start + at);
            while words.next_if(|next| next.start < end).is_some() {}
        } else if matches!(&text[word], b"password" | b"pass" | b"passwd")
            && let Some(mut place) = words.next()
        {
            if text[place.start] == b'"' {
                // A quoted word may have blanks; what is left of it is no name of a field.
                let rest = &text[place.start + 1..];
                let length = rest.iter().position(|byte| matches!(byte, b'"' | b'\n')).unwrap_or(rest.len());
                place = place.start + 1..place.start + 1 + length;
            }
            values.push(value(text, "password", place));
        }
    }
    values
}

/// `host:port:database:user:password`; `\` before a colon takes it for a character (libpq, "The Password File").
pub(crate) fn pgpass(text: &[u8]) -> Vec<Value> {
    lines(text)
        .filter_map(|line| {
            let content = &text[line.clone()];
            let mut colons = (0..content.len())
                .filter(|at| content[*at] == b':' && (*at == 0 || content[*at - 1] != b'\\'));
            let last = colons.nth(3)?;
            Some(value(text, "password", line.start + last + 1..line.end))
        })
        .filter(|value| !value.place.is_empty())
        .collect()
}

/// `user:hash`.
pub(crate) fn htpasswd(text: &[u8]) -> Vec<Value> {
    lines(text)
        .filter_map(|line| {
            let colon = text[line.clone()].iter().position(|byte| *byte == b':')?;
            Some(value(text, "hash", line.start + colon + 1..line.end))
        })
        .filter(|value| value.place.len() >= 13 && !value.text.contains(' '))
        .collect()
}

/// The passwords of addresses, one a line.
pub(crate) fn addresses(text: &[u8]) -> Vec<Value> {
    lines(text)
        .filter_map(|line| {
            let content = &text[line.clone()];
            let start = memchr::memmem::find(content, b"://")? + 3;
            let at = start + content[start..].iter().rposition(|byte| *byte == b'@')?;
            let colon = start + content[start..at].iter().position(|byte| *byte == b':')?;
            Some(value(text, "password", line.start + colon + 1..line.start + at))
        })
        .collect()
}

/// The whole file.
pub(crate) fn whole(text: &[u8]) -> Vec<Value> {
    let place = trim(text, 0..text.len());
    let is_one = !text[place.clone()].iter().any(u8::is_ascii_whitespace);
    if is_one && !place.is_empty() { vec![value(text, "", place)] } else { Vec::new() }
}

fn value(text: &[u8], key: &str, place: Range<usize>) -> Value {
    let plain = String::from_utf8_lossy(&text[place.clone()]).into_owned();
    Value { keys: vec![key.to_owned()], place, text: plain }
}

/// The lines that are neither empty nor comments.
fn lines(text: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    std::iter::from_fn(move || {
        (start <= text.len()).then(|| {
            let end =
                memchr::memchr(b'\n', &text[start.min(text.len())..]).map_or(text.len(), |at| start + at);
            let line = trim(text, start.min(end)..end);
            start = end + 1;
            line
        })
    })
    .filter(|line| !line.is_empty() && text[line.start] != b'#')
}

fn words(text: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        at += text[at..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let start = at;
        at += text[at..].iter().take_while(|byte| !byte.is_ascii_whitespace()).count();
        (at > start).then_some(start..at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(values: &[Value]) -> Vec<&str> {
        values.iter().map(|value| value.text.as_str()).collect()
    }

    #[test]
    fn netrc_passwords() {
        let text = b"# machine x password no\nmachine h\n  login u\n  password \"p w\nmachine i login u password q\n";
        assert_eq!(texts(&netrc(text)), ["p w", "q"]);
        assert!(netrc(b"machine h password").is_empty());
    }

    #[test]
    fn other_forms() {
        assert_eq!(texts(&pgpass(b"#c\nh:5432:*:u:p:x\nh\\:a:1:d:u:q\n")), ["p:x", "q"]);
        assert_eq!(texts(&htpasswd(b"u:$apr1$abcdefgh$ijklmnop\r\nv:x\n")), ["$apr1$abcdefgh$ijklmnop"]);
        assert_eq!(texts(&addresses(b"https://u:p@h\nhttps://h\n")), ["p"]);
        assert_eq!(texts(&whole(b"abc\n")), ["abc"]);
        assert!(whole(b"a b").is_empty());
    }
}
