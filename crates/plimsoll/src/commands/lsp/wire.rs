//! Messages on a stream: `Content-Length: N`, an empty line, N bytes of JSON.

use std::io::{BufRead, Read as _, Write};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// No message is larger than this many bytes, and no header.
const LARGEST: usize = 32 << 20;
const LARGEST_HEADER: u64 = 4096;

/// The next message; nothing at the end of the stream.
pub(super) fn read(input: &mut impl BufRead) -> Result<Option<Value>> {
    let mut length = None;
    loop {
        let mut line = String::new();
        input.take(LARGEST_HEADER).read_line(&mut line).context("cannot read a header")?;
        let Some(header) = line.strip_suffix('\n').map(str::trim_end) else {
            if line.is_empty() {
                return Ok(None);
            }
            bail!("a header has no end");
        };
        if header.is_empty() {
            break;
        }
        let (name, value) = header.split_once(':').context("a header has no colon")?;
        if name.eq_ignore_ascii_case("Content-Length") {
            length = Some(value.trim().parse::<usize>().context("a message has no length")?);
        }
    }
    let length = length.context("a message has no length")?;
    if length > LARGEST {
        bail!("a message of {length} bytes is too large");
    }
    let mut bytes = vec![0; length];
    input.read_exact(&mut bytes).context("a message is cut off")?;
    // What is no JSON gets the answer that the protocol has for it.
    Ok(Some(serde_json::from_slice(&bytes).unwrap_or(Value::Null)))
}

/// Writes a message.
pub(super) fn write(output: &mut impl Write, message: &Value) -> std::io::Result<()> {
    let text = message.to_string();
    write!(output, "Content-Length: {}\r\n\r\n{text}", text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_back() {
        let mut bytes = Vec::new();
        for text in ["ä", ""] {
            write(&mut bytes, &text.into()).unwrap();
        }
        let mut input = bytes.as_slice();
        assert_eq!(read(&mut input).unwrap(), Some("ä".into()));
        assert_eq!(read(&mut input).unwrap(), Some("".into()));
        assert_eq!(read(&mut input).unwrap(), None);
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for text in
            ["x", "Content-Length: 99999999999\r\n\r\n", "Content-Length: -1\r\n\r\n", "\r\n", "a\r\n\r\n"]
        {
            assert!(read(&mut text.as_bytes()).is_err(), "{text}");
        }
        assert_eq!(read(&mut "Content-Length: 1\r\n\r\n{".as_bytes()).unwrap(), Some(Value::Null));
    }
}
