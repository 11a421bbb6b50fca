//! The JSON form of HCL: objects are bodies where the language has blocks, texts are templates.

use std::sync::Arc;

use jsonc_parser::ast::{Object, ObjectPropName, Value as Json};
use jsonc_parser::common::Ranged as _;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use plimsoll_diagnostics::{SourceFile, Span};

use super::hcl::template_text;
use super::{Attribute, Block, Body};
use crate::language::{Expr, ExprKind, Value, parse_number};
use crate::problem::{Outcome, Place};

/// The deepest nesting that a file may have.
const DEEPEST: usize = 64;

/// Blocks of the language; everything else in a body is an attribute. The number says how many labels a block has.
fn labels_of(parent: Option<&str>, name: &str) -> Option<usize> {
    match (parent, name) {
        (None, "target" | "group" | "variable" | "function") => Some(1),
        (Some("variable"), "validation") => Some(0),
        _ => None,
    }
}

/// Reads a whole file.
pub(crate) fn parse(source: &Arc<SourceFile>) -> Outcome<Body> {
    let text = source.text();
    if let Some(at) = too_deep(text) {
        let message = format!("values are nested more than {DEEPEST} times");
        return Err(Place::new(source, Span::new(at, at + 1)).error("syntax", message));
    }
    let options = ParseOptions {
        allow_comments: false,
        allow_loose_object_property_names: false,
        allow_trailing_commas: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    let parsed = parse_to_ast(text, &CollectOptions::default(), &options).map_err(|error| {
        let range = error.range();
        Place::new(source, Span::new(range.start, range.end))
            .error("syntax", lower(&error.kind().to_string()))
    })?;
    let reader = Reader { source };
    match parsed.value {
        Some(Json::Object(object)) => reader.body(&object, None, 0),
        Some(other) => Err(reader.place(&other).error("syntax", "a bake file is a JSON object")),
        None => Ok(Body::default()),
    }
}

/// Where a text is nested too deep for a reader that calls itself.
fn too_deep(text: &str) -> Option<usize> {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => {
                depth += 1;
                if depth > DEEPEST {
                    return Some(at);
                }
            }
            b'}' | b']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

fn lower(message: &str) -> String {
    let mut characters = message.chars();
    let first = characters.next().map(|first| first.to_lowercase().to_string()).unwrap_or_default();
    format!("{first}{}", characters.as_str()).trim_end_matches('.').to_owned()
}

struct Reader<'a> {
    source: &'a Arc<SourceFile>,
}

impl Reader<'_> {
    fn place(&self, value: &Json<'_>) -> Place {
        let range = value.range();
        Place::new(self.source, Span::new(range.start, range.end))
    }

    fn name_place(&self, name: &ObjectPropName<'_>) -> Place {
        let range = name.range();
        Place::new(self.source, Span::new(range.start, range.end))
    }

    fn body(&self, object: &Object<'_>, parent: Option<&str>, depth: usize) -> Outcome<Body> {
        let mut body = Body::default();
        for property in &object.properties {
            let (name, place) = (property.name.as_str(), self.name_place(&property.name));
            // `//` is how JSON files of HCL write comments.
            if name == "//" {
                continue;
            }
            match labels_of(parent, name) {
                Some(labels) => {
                    self.blocks(&property.value, name, &place, labels, &mut Vec::new(), &mut body, depth)?;
                }
                None => body.attributes.push(Attribute {
                    name: name.to_owned(),
                    name_place: place,
                    value: self.expr(&property.value, depth)?,
                }),
            }
        }
        Ok(body)
    }

    /// An object, or a list of them; labels are further objects around the body.
    #[expect(clippy::too_many_arguments, reason = "all of them change from one level to the next")]
    fn blocks(
        &self,
        value: &Json<'_>,
        kind: &str,
        kind_place: &Place,
        labels_left: usize,
        labels: &mut Vec<(String, Place)>,
        body: &mut Body,
        depth: usize,
    ) -> Outcome<()> {
        match value {
            Json::Object(object) if labels_left > 0 => {
                for property in &object.properties {
                    labels.push((property.name.as_str().to_owned(), self.name_place(&property.name)));
                    self.blocks(&property.value, kind, kind_place, labels_left - 1, labels, body, depth)?;
                    labels.pop();
                }
                Ok(())
            }
            Json::Object(object) => {
                body.blocks.push(Block {
                    kind: kind.to_owned(),
                    kind_place: kind_place.clone(),
                    labels: labels.clone(),
                    body: self.body(object, Some(kind), depth + 1)?,
                });
                Ok(())
            }
            Json::Array(array) => {
                for element in &array.elements {
                    self.blocks(element, kind, kind_place, labels_left, labels, body, depth)?;
                }
                Ok(())
            }
            Json::NullKeyword(_) => Ok(()),
            other => Err(self
                .place(other)
                .error("syntax", format!("`{kind}` must be an object"))
                .hint(format!("write `\"{kind}\": {{ \"NAME\": {{ … }} }}`"))),
        }
    }

    fn expr(&self, value: &Json<'_>, depth: usize) -> Outcome<Expr> {
        let place = self.place(value);
        if depth > DEEPEST {
            return Err(place.error("syntax", format!("values are nested more than {DEEPEST} times")));
        }
        let kind = match value {
            Json::StringLit(text) => return template_text(&text.value, &place),
            Json::NumberLit(number) => {
                let number = parse_number(number.value)
                    .ok_or_else(|| place.error("syntax", "this number is too large, or too small"))?;
                ExprKind::Literal(Value::Number(number))
            }
            Json::BooleanLit(value) => ExprKind::Literal(Value::Bool(value.value)),
            Json::NullKeyword(_) => ExprKind::Literal(Value::Null),
            Json::Array(array) => ExprKind::Tuple(
                array.elements.iter().map(|value| self.expr(value, depth + 1)).collect::<Outcome<_>>()?,
            ),
            Json::Object(object) => {
                let mut items = Vec::new();
                for property in &object.properties {
                    let key = template_text(property.name.as_str(), &self.name_place(&property.name))?;
                    items.push((key, self.expr(&property.value, depth + 1)?));
                }
                ExprKind::Object(items)
            }
        };
        Ok(Expr { kind, place })
    }
}
