//! As much of HTTP/1.1 as a registry in a test needs, on blocking streams: every byte is under control, so that connections can
//! be cut anywhere.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Read, Write};

/// A request as it came.
#[derive(Debug, Clone, Default)]
pub struct RecordedRequest {
    /// The method, such as `GET`.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The query, decoded.
    pub query: Vec<(String, String)>,
    /// The headers, with their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body, as far as it was read.
    pub body: Vec<u8>,
    /// The status of the answer; 0 if the connection was cut before.
    pub status: u16,
}

impl RecordedRequest {
    /// The first value of a query parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A header by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// An answer to be written.
#[derive(Debug, Clone, Default)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn new(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    pub(super) fn header(mut self, name: &'static str, value: impl std::fmt::Display) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }

    pub(super) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// An error in the form of the distribution specification.
    pub(super) fn error(status: u16, code: &str, message: &str) -> Self {
        let body = serde_json::json!({ "errors": [{ "code": code, "message": message }] });
        Self::new(status).header("content-type", "application/json").body(body.to_string())
    }
}

/// Reads the head of the next request; none when the connection has ended.
pub(super) fn read_head(stream: &mut impl BufRead) -> io::Result<Option<RecordedRequest>> {
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let malformed = || io::Error::from(io::ErrorKind::InvalidData);
    let mut words = line.split_whitespace();
    let (Some(method), Some(target)) = (words.next(), words.next()) else { return Err(malformed()) };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut request = RecordedRequest {
        method: method.to_owned(),
        path: path.to_owned(),
        query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        ..RecordedRequest::default()
    };
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Err(malformed());
        }
        let line = line.trim_end();
        if line.is_empty() {
            return Ok(Some(request));
        }
        let (name, value) = line.split_once(':').ok_or_else(malformed)?;
        request.headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
}

/// Reads the body of a request, at most `limit` bytes of it.
pub(super) fn read_body(
    stream: &mut impl BufRead,
    request: &mut RecordedRequest,
    limit: Option<u64>,
) -> io::Result<()> {
    if request.header("transfer-encoding").is_some_and(|value| value.contains("chunked")) {
        loop {
            let mut line = String::new();
            stream.read_line(&mut line)?;
            let length = u64::from_str_radix(line.trim(), 16).map_err(|_| io::ErrorKind::InvalidData)?;
            stream.by_ref().take(length).read_to_end(&mut request.body)?;
            stream.read_line(&mut String::new())?;
            if length == 0 {
                return Ok(());
            }
        }
    }
    let length: u64 = request.header("content-length").and_then(|value| value.parse().ok()).unwrap_or(0);
    let wanted = limit.map_or(length, |limit| limit.min(length));
    stream.take(wanted).read_to_end(&mut request.body)?;
    if limit.is_none() && (request.body.len() as u64) < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}

/// Writes an answer; with `cut`, only that many bytes of its body.
pub(super) fn write_answer(
    stream: &mut impl Write,
    answer: &Answer,
    head_only: bool,
    cut: Option<u64>,
) -> io::Result<()> {
    let mut head = format!("HTTP/1.1 {} Status\r\n", answer.status);
    for (name, value) in &answer.headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    if !answer.headers.iter().any(|(name, _)| *name == "content-length") {
        head.extend(["content-length: ", &answer.body.len().to_string(), "\r\n"]);
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes())?;
    if !head_only {
        let whole = answer.body.len();
        let end = cut.map_or(whole, |cut| usize::try_from(cut).unwrap_or(whole).min(whole));
        stream.write_all(&answer.body[..end])?;
    }
    stream.flush()
}
