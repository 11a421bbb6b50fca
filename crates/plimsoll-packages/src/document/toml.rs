//! TOML. The parser nests no deeper than 80 levels and keeps keys sorted.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::node::{Node, Value};
use super::text::LineStarts;
use crate::analyzer::AnalyzerError;

/// Reads a document; `format` names what it should be.
pub(crate) fn toml<'a>(text: &'a str, format: &'static str) -> Result<Node<'a>, AnalyzerError> {
    let starts = LineStarts::new(text);
    let table = DeTable::parse(text).map_err(|error| {
        let line = starts.line(error.span().map_or(0, |span| span.start));
        AnalyzerError::format(format, format!("{} on line {line}", error.message()))
    })?;
    Ok(Node { line: 1, value: map(table.into_inner(), &starts) })
}

fn map<'a>(table: DeTable<'a>, starts: &LineStarts) -> Value<'a> {
    let entry = |(key, value): (Spanned<toml::de::DeString<'a>>, Spanned<DeValue<'a>>)| {
        let line = starts.line(key.span().start);
        (key.into_inner(), convert(value.into_inner(), line, starts))
    };
    Value::Map(table.into_iter().map(entry).collect())
}

fn convert<'a>(value: DeValue<'a>, line: u32, starts: &LineStarts) -> Node<'a> {
    let value = match value {
        DeValue::String(text) => Value::Scalar(text),
        DeValue::Integer(number) => Value::Scalar(number.to_string().into()),
        DeValue::Float(number) => Value::Scalar(number.to_string().into()),
        DeValue::Boolean(flag) => Value::Scalar(if flag { "true" } else { "false" }.into()),
        DeValue::Datetime(time) => Value::Scalar(time.to_string().into()),
        DeValue::Array(array) => {
            let item = |value: Spanned<DeValue<'a>>| {
                let line = starts.line(value.span().start);
                convert(value.into_inner(), line, starts)
            };
            Value::List(array.into_iter().map(item).collect())
        }
        DeValue::Table(table) => map(table, starts),
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
