//! TOML. The parser nests no deeper than 80 levels and keeps keys sorted.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::node::{Node, Value};
use super::text::{Lines, has_too_many_values};
use crate::analyzer::AnalyzerError;

/// The parser keeps each word and sign of the text, so that it takes twenty times its memory.
const MOST_BYTES: usize = 16 << 20;

/// Reads a document; `format` names what it should be.
pub(crate) fn toml<'a>(text: &'a str, format: &'static str) -> Result<Node<'a>, AnalyzerError> {
    let lines = Lines::new(text);
    if text.len() > MOST_BYTES || has_too_many_values(text, b",[{=") {
        return Err(AnalyzerError::format(format, "it has more values than are read"));
    }
    let table = DeTable::parse(text).map_err(|error| {
        let line = lines.line(error.span().map_or(0, |span| span.start));
        AnalyzerError::format(format, format!("{} on line {line}", error.message()))
    })?;
    Ok(Node { line: 1, value: map(table.into_inner(), &lines) })
}

fn map<'a>(table: DeTable<'a>, lines: &Lines<'_>) -> Value<'a> {
    let entry = |(key, value): (Spanned<toml::de::DeString<'a>>, Spanned<DeValue<'a>>)| {
        let line = lines.line(key.span().start);
        (key.into_inner(), convert(value.into_inner(), line, lines))
    };
    Value::Map(table.into_iter().map(entry).collect())
}

fn convert<'a>(value: DeValue<'a>, line: u32, lines: &Lines<'_>) -> Node<'a> {
    let value = match value {
        DeValue::String(text) => Value::Scalar(text),
        DeValue::Integer(number) => Value::Scalar(number.to_string().into()),
        DeValue::Float(number) => Value::Scalar(number.to_string().into()),
        DeValue::Boolean(flag) => Value::Scalar(if flag { "true" } else { "false" }.into()),
        DeValue::Datetime(time) => Value::Scalar(time.to_string().into()),
        DeValue::Array(array) => {
            let item = |value: Spanned<DeValue<'a>>| {
                let line = lines.line(value.span().start);
                convert(value.into_inner(), line, lines)
            };
            Value::List(array.into_iter().map(item).collect())
        }
        DeValue::Table(table) => map(table, lines),
    };
    Node { line, value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_know_their_lines() {
        let root = toml("a = 1\n\n[[p]]\nname = \"x\"\nnumber = 1.10\n", "TOML").expect("it is fine");
        let item = &root.items_of("p")[0];
        assert_eq!((item.line, item.line_of("name"), item.text("number")), (3, 4, Some("1.10")));
    }

    #[test]
    fn an_error_names_its_line() {
        let error = toml("a = 1\nb = \n", "TOML").expect_err("it is broken").to_string();
        assert!(error.contains("line 2"), "{error}");
    }
}
