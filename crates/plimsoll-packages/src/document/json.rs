//! JSON, with comments and trailing commas where a tool writes them.

use jsonc_parser::ast::{ObjectPropName, Value as Json};
use jsonc_parser::common::Ranged as _;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::node::{Node, Value};
use super::text::{Lines, has_too_many_values};
use crate::analyzer::AnalyzerError;

/// Reads a document; `format` names what it should be. The parser nests no deeper than 512 levels.
pub(crate) fn json<'a>(text: &'a str, format: &'static str) -> Result<Node<'a>, AnalyzerError> {
    let strict = ParseOptions {
        allow_comments: true,
        allow_trailing_commas: true,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    if has_too_many_values(text, b",[{:") {
        return Err(AnalyzerError::format(format, "it has more values than are read"));
    }
    let parsed = parse_to_ast(text, &CollectOptions::default(), &strict)
        .map_err(|error| AnalyzerError::format(format, error.to_string()))?;
    let lines = Lines::new(text);
    let Some(value) = parsed.value else {
        return Err(AnalyzerError::format(format, "it is empty"));
    };
    let line = lines.line(value.range().start);
    Ok(convert(value, line, &lines))
}

fn convert<'a>(value: Json<'a>, line: u32, lines: &Lines<'_>) -> Node<'a> {
    let value = match value {
        Json::StringLit(text) => Value::Scalar(text.value),
        Json::NumberLit(number) => Value::Scalar(number.value.into()),
        Json::BooleanLit(flag) => Value::Scalar(if flag.value { "true" } else { "false" }.into()),
        Json::NullKeyword(_) => Value::Null,
        Json::Array(array) => {
            let item = |value: Json<'a>| {
                let line = lines.line(value.range().start);
                convert(value, line, lines)
            };
            Value::List(array.elements.into_iter().map(item).collect())
        }
        Json::Object(object) => {
            let entry = |property: jsonc_parser::ast::ObjectProp<'a>| {
                let line = lines.line(property.range.start);
                let name = match property.name {
                    ObjectPropName::String(text) => text.value,
                    ObjectPropName::Word(word) => word.value.into(),
                };
                (name, convert(property.value, line, lines))
            };
            Value::Map(object.properties.into_iter().map(entry).collect())
        }
    };
    Node { line, value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::text::MOST_VALUES;

    #[test]
    fn nodes_know_their_lines() {
        let root = json("// c\n{\n  \"a\": {\n \"b\": [1,\n 1.10,],\n},}", "JSON").expect("it is fine");
        assert_eq!((root.line, root.line_of("a")), (2, 3));
        let items = root.at(&["a", "b"]).expect("it is there").items();
        assert_eq!((items[1].as_text(), items[1].line), (Some("1.10"), 5));
    }

    #[test]
    fn a_tree_that_is_too_large_is_an_error() {
        let text = format!("[{}0]", "0,".repeat(MOST_VALUES));
        assert!(json(&text, "JSON").expect_err("too large").to_string().contains("more values"));
    }

    #[test]
    fn depth_is_an_error() {
        let text = "[".repeat(100_000);
        assert!(json(&text, "JSON").expect_err("too deep").to_string().contains("line 1"));
    }
}
