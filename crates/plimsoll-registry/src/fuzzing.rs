//! Doors for the fuzz targets, to what is otherwise reached only through a connection.

use reqwest::header::{HeaderMap, HeaderValue, WWW_AUTHENTICATE};

use crate::answer::Answer;
use crate::challenge::Challenge;

/// Reads the header by which a registry asks for credentials.
pub fn challenge(value: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(value) else { return };
    let headers = HeaderMap::from_iter([(WWW_AUTHENTICATE, value)]);
    drop(Challenge::of(&headers));
}

/// Reads the text of a refusal.
pub fn refusal(text: &str) {
    let plain = HeaderValue::from_static("text/plain");
    let headers = HeaderMap::from_iter([(reqwest::header::CONTENT_TYPE, plain)]);
    drop(Answer::of_text(text, &headers));
}
