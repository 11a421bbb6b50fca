//! Private keys in their text forms: PEM, `OpenPGP`, `OpenSSH`, SSH2, `PuTTY`, and the JSON of RFC 7517.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// A key's first line has so many characters at least: what is shorter is a picture of a key.
const LEAST_FIRST: usize = 40;
/// A key has so many at least: one of Ed25519 has 64.
const LEAST_ALL: usize = 60;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Encrypted,
    Pgp,
}

/// A private key that nothing protects.
pub(crate) fn plain(window: &[u8], hit: Range<usize>) -> Option<Range<usize>> {
    armored(window, &hit, Kind::Plain)
}

/// A private key that a passphrase protects.
pub(crate) fn encrypted(window: &[u8], hit: Range<usize>) -> Option<Range<usize>> {
    armored(window, &hit, Kind::Encrypted)
}

/// A private key of `OpenPGP`; whether it is protected is inside of its packets.
pub(crate) fn pgp(window: &[u8], hit: Range<usize>) -> Option<Range<usize>> {
    armored(window, &hit, Kind::Pgp)
}

/// The body of a key whose first line has the keyword `-----BEGIN`, or `---- BEGIN`.
fn armored(window: &[u8], hit: &Range<usize>, wanted: Kind) -> Option<Range<usize>> {
    let title_start = hit.end + usize::from(window.get(hit.end) == Some(&b' '));
    let rest = &window[title_start..];
    let title_length = rest.windows(4).take(48).position(|part| part == b"----")?;
    let title = rest[..title_length].trim_ascii_end();
    let mut kind = match title {
        b"PGP PRIVATE KEY BLOCK" => Kind::Pgp,
        _ if !title.ends_with(b"PRIVATE KEY") => return None,
        _ if title.starts_with(b"SSH2 ENCRYPTED") || title.starts_with(b"ENCRYPTED") => Kind::Encrypted,
        _ => Kind::Plain,
    };
    let mut at = title_start + title_length;
    at += window[at..].iter().take_while(|byte| **byte == b'-').count();
    at = after_separators(window, at);
    // `Proc-Type: 4,ENCRYPTED`, `Comment: …`: lines with a colon stand before the body.
    while let Some(end) = header(&window[at..]) {
        if window[at..at + end].windows(9).any(|part| part == b"ENCRYPTED") {
            kind = Kind::Encrypted;
        }
        at = after_separators(window, at + end);
    }
    let body = body(window, at, usize::MAX)?;
    if kind == Kind::Plain && has_openssh_cipher(&window[body.clone()]) {
        kind = Kind::Encrypted;
    }
    (kind == wanted).then_some(body)
}

/// The length of the header line that the text begins with.
fn header(text: &[u8]) -> Option<usize> {
    let name = text.iter().take(32).take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-').count();
    if name == 0 || text.get(name) != Some(&b':') {
        return None;
    }
    let escape = text.windows(2).take(400).position(|part| part == b"\\n" || part == b"\\r");
    let line = text.iter().take(400).position(|byte| *byte == b'\n');
    match (escape, line) {
        (Some(escape), Some(line)) => Some(escape.min(line)),
        (escape, line) => escape.or(line),
    }
}

/// Passes what stands between two lines of a key: blanks, escapes, the quotes and signs of a text in several literals.
fn after_separators(text: &[u8], mut at: usize) -> usize {
    loop {
        match text[at..] {
            [b'\\', b'n' | b'r' | b't', ..] => at += 2,
            // `"…" + "…"`: a plus between blanks is no character of the key.
            [b'\\' | b'"' | b'\'' | b',' | b'`', ..] | [b'+', b' ' | b'\n' | b'\r', ..] => at += 1,
            [byte, ..] if byte.is_ascii_whitespace() => at += 1,
            _ => return at,
        }
    }
}

fn body(text: &[u8], start: usize, most_lines: usize) -> Option<Range<usize>> {
    let is_body = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let (mut at, mut end, mut count, mut lines) = (start, start, 0, 0);
    loop {
        let line = text[at..].iter().take_while(|byte| is_body(byte)).count();
        if line == 0 || count == 0 && line < LEAST_FIRST {
            break;
        }
        count += line;
        lines += 1;
        let padding = text[at + line..].iter().take(2).take_while(|byte| **byte == b'=').count();
        end = at + line + padding;
        if padding > 0 || lines == most_lines {
            break;
        }
        at = after_separators(text, end);
        if at == end {
            break;
        }
    }
    (count >= LEAST_ALL).then_some(start..end)
}

/// Whether an `OpenSSH` key names a cipher other than `none` (PROTOCOL.key of `OpenSSH`).
fn has_openssh_cipher(body: &[u8]) -> bool {
    const MAGIC: &[u8] = b"openssh-key-v1\0";
    let Some(head) = body.get(..40).and_then(|head| STANDARD_NO_PAD.decode(head).ok()) else { return false };
    head.starts_with(MAGIC) && !head[MAGIC.len()..].starts_with(b"\0\0\0\x04none")
}

/// Whether base64 text is that of a private key in PEM form: the check of `private-key-base64`.
pub(crate) fn is_encoded_key(value: &[u8]) -> bool {
    let head = &value[..value.len().min(80) / 4 * 4];
    STANDARD_NO_PAD.decode(head).is_ok_and(|text| {
        text.starts_with(b"-----BEGIN ") && text.windows(11).any(|part| part == b"PRIVATE KEY")
    })
}

/// The private lines of a `PuTTY` key that nothing protects.
pub(crate) fn putty_plain(window: &[u8], hit: Range<usize>) -> Option<Range<usize>> {
    putty(window, &hit, true)
}

/// The private lines of a `PuTTY` key that a passphrase protects.
pub(crate) fn putty_encrypted(window: &[u8], hit: Range<usize>) -> Option<Range<usize>> {
    putty(window, &hit, false)
}

fn putty(window: &[u8], hit: &Range<usize>, plain: bool) -> Option<Range<usize>> {
    const LINES: &[u8] = b"Private-Lines:";
    let rest = &window[hit.end..];
    let lines = rest.windows(LINES.len()).position(|part| part == LINES)?;
    let is_plain = rest[..lines].windows(16).any(|part| part == b"Encryption: none");
    let line_end = lines + rest[lines..].iter().take(40).position(|byte| *byte == b'\n')?;
    let count = std::str::from_utf8(&rest[lines + LINES.len()..line_end]).ok()?.trim().parse().ok()?;
    body(window, hit.end + line_end + 1, count).filter(|_| is_plain == plain)
}

/// The private part of a JSON web key: the field `d`, or `k` of a symmetric one.
pub(crate) fn json_web_key(window: &[u8], hit: Range<usize>) -> Option<Range<usize>> {
    let start = window[..hit.start].iter().rposition(|byte| *byte == b'{')?;
    let end = hit.end + window[hit.end..].iter().position(|byte| *byte == b'}')?;
    let object = &window[start..end];
    let field = |name: &[u8]| {
        let at =
            object.windows(3).position(|part| part[0] == b'"' && part[1..2] == *name && part[2] == b'"')?;
        let rest = &object[at + 3..];
        let open = rest.iter().take(8).position(|byte| *byte == b'"')?;
        let is_colon = rest[..open].iter().all(|byte| byte.is_ascii_whitespace() || *byte == b':');
        let body = &rest[open + 1..];
        let length = body
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            .count();
        let from = start + at + 3 + open + 1;
        (is_colon && length >= 40 && body.get(length) == Some(&b'"')).then_some(from..from + length)
    };
    let is_symmetric = object.windows(5).any(|part| part == b"\"oct\"");
    if is_symmetric { field(b"k") } else { field(b"d") }
}
