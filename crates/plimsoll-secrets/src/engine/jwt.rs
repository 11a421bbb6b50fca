//! JSON web tokens (RFC 7519) that are signed.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The longest part.
const MOST: usize = 2048;

/// A token around the keyword `eyJ`: three parts, the first of which names an algorithm.
pub(crate) fn signed(window: &[u8], hit: Range<usize>) -> Option<Range<usize>> {
    if window[..hit.start].last().is_some_and(|byte| is_part(*byte) || *byte == b'.') {
        return None;
    }
    let header = part(window, hit.start)?;
    let payload = part(window, after_dot(window, header.end)?)?;
    let signature = part(window, after_dot(window, payload.end)?)?;
    if header.len() < 16 || payload.len() < 8 || signature.len() < 20 {
        return None;
    }
    let head = decoded(&window[header.clone()])?;
    let body = decoded(&window[payload])?;
    let names_algorithm = head.windows(5).any(|part| part == b"\"alg\"");
    let is_object = body.starts_with(b"{");
    (names_algorithm && is_object && !is_example(&body)).then_some(header.start..signature.end)
}

/// The claims that documents use.
fn is_example(claims: &[u8]) -> bool {
    [&b"John Doe"[..], b"\"1234567890\"", b"\"iss\":\"joe\"", b"example.com", b"Jane Doe"]
        .iter()
        .any(|known| claims.windows(known.len()).any(|part| part == *known))
}

fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

fn part(window: &[u8], start: usize) -> Option<Range<usize>> {
    let length = window[start..].iter().take(MOST + 1).take_while(|byte| is_part(**byte)).count();
    (length <= MOST).then_some(start..start + length)
}

fn after_dot(window: &[u8], at: usize) -> Option<usize> {
    (window.get(at) == Some(&b'.')).then_some(at + 1)
}

fn decoded(text: &[u8]) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}
