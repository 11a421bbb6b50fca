//! base64, JSON, CSV, URLs and bytes.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Args, Function};
use crate::language::{Value, number, number_text};
use crate::problem::Outcome;

pub(super) const TABLE: &[(&str, Function)] = &[
    ("base64decode", |args| {
        args.exactly(1)?;
        let bytes = decode_base64(&args.text(0)?).ok_or_else(|| args.fail(0, "the text is not base64"))?;
        String::from_utf8(bytes).map(Value::String).map_err(|_| args.fail(0, "the decoded text is not UTF-8"))
    }),
    ("base64encode", |args| {
        args.exactly(1)?;
        Ok(Value::String(STANDARD.encode(args.text(0)?)))
    }),
    ("byteslen", |args| {
        args.exactly(1)?;
        Ok(number(args.text(0)?.len()))
    }),
    ("bytesslice", |args| {
        args.exactly(3)?;
        let (text, start, length) = (args.text(0)?, args.integer(1)?, args.integer(2)?);
        let start = usize::try_from(start).map_err(|_| args.fail(1, "the start must not be negative"))?;
        let length = usize::try_from(length).map_err(|_| args.fail(2, "the length must not be negative"))?;
        let part = start.checked_add(length).and_then(|end| text.as_bytes().get(start..end));
        let part = part.ok_or_else(|| args.fail(1, "this reaches behind the end of the text"))?;
        String::from_utf8(part.to_vec()).map(Value::String).map_err(|_| args.fail(1, "this cuts a character"))
    }),
    ("csvdecode", csvdecode),
    ("jsondecode", |args| {
        args.exactly(1)?;
        let json: serde_json::Value =
            serde_json::from_str(&args.text(0)?).map_err(|error| args.fail(0, error))?;
        Ok(from_json(&json))
    }),
    ("jsonencode", |args| {
        args.exactly(1)?;
        let mut text = String::new();
        write_json(&args.values[0].0, &mut text);
        Ok(Value::String(text))
    }),
    ("urlencode", |args| {
        args.exactly(1)?;
        Ok(Value::String(query_escape(&args.text(0)?)))
    }),
];

/// The bytes of a base64 text, with padding.
pub(super) fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let text: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    STANDARD.decode(text).ok()
}

/// A JSON value: lists are tuples, objects are objects.
pub(crate) fn from_json(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(value) => Value::Bool(*value),
        serde_json::Value::Number(number) => Value::Number(number.to_string().parse().unwrap_or_default()),
        serde_json::Value::String(text) => Value::text(text),
        serde_json::Value::Array(values) => Value::Tuple(values.iter().map(from_json).collect()),
        serde_json::Value::Object(values) => {
            Value::Object(values.iter().map(|(name, value)| (name.clone(), from_json(value))).collect())
        }
    }
}

/// Writes a value as JSON without blanks.
pub(crate) fn write_json(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&number_text(number)),
        Value::String(text) => crate::print::json_text(text, out),
        Value::List(values) | Value::Set(values) | Value::Tuple(values) => {
            out.push('[');
            for (at, value) in values.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_json(value, out);
            }
            out.push(']');
        }
        Value::Map(values) | Value::Object(values) => {
            out.push('{');
            for (at, (name, value)) in values.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                crate::print::json_text(name, out);
                out.push(':');
                write_json(value, out);
            }
            out.push('}');
        }
    }
}

fn csvdecode(args: &Args<'_>) -> Outcome<Value> {
    args.exactly(1)?;
    let text = args.text(0)?;
    let mut records = crate::csv::records(&text).map_err(|error| args.fail(0, error))?.into_iter();
    let Some(header) = records.next() else { return Err(args.fail(0, "there is no line with the names")) };
    let mut rows = Vec::new();
    for record in records {
        if record.len() != header.len() {
            let message = format!("a line has {} fields, but there are {} names", record.len(), header.len());
            return Err(args.fail(0, message));
        }
        let row: BTreeMap<String, Value> =
            header.iter().cloned().zip(record.into_iter().map(Value::String)).collect();
        rows.push(Value::Object(row));
    }
    Ok(Value::List(rows))
}

/// Escapes a text for the query of a URL; a blank becomes `+`.
fn query_escape(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            other => {
                out.push('%');
                out.push_str(&hex::encode_upper([other]));
            }
        }
    }
    out
}
