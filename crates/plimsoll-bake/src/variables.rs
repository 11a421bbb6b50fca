//! Variables: their type, where their value comes from, what it must keep.

use crate::csv;
use crate::functions::from_json;
use crate::language::{Expr, Type, Value, convert};
use crate::overrides::truth;
use crate::problem::Place;

/// A `variable` block.
#[derive(Clone, Debug)]
pub(crate) struct VariableBlock {
    pub(crate) place: Place,
    pub(crate) kind: Option<Type>,
    pub(crate) default: Option<Expr>,
    pub(crate) description: Option<String>,
    pub(crate) validations: Vec<Validation>,
}

/// A `validation` block of a variable.
#[derive(Clone, Debug)]
pub(crate) struct Validation {
    pub(crate) condition: Expr,
    pub(crate) message: Option<Expr>,
}

/// What there is to know of a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// The type that it was given.
    pub kind: Option<String>,
    /// Its value: texts as they are, everything else as JSON; none is null.
    pub value: Option<String>,
    /// For people.
    pub description: Option<String>,
}

/// Reads a value that was given as a text, for a variable with this type, or else this default.
pub(crate) fn from_text(text: &str, kind: Option<&Type>, default: &Value) -> Result<Value, String> {
    let guessed = default.type_of();
    match kind.unwrap_or(&guessed) {
        Type::String | Type::Any => Ok(Value::text(text)),
        Type::Bool => truth(text).map(Value::Bool),
        Type::Number => number(text),
        other if kind.is_none() => Err(format!(
            "its default is {}, and without a `type` such a value cannot be given from outside; add `type = …` to it, for example `{}`",
            default.kind(),
            suggestion(other)
        )),
        other => from_csv(text, other),
    }
}

fn suggestion(kind: &Type) -> &'static str {
    match kind {
        Type::Object { .. } | Type::Map(_) => "map(string)",
        _ => "list(string)",
    }
}

fn number(text: &str) -> Result<Value, String> {
    convert(&Value::text(text), &Type::Number).map_err(|_| format!("`{text}` is not a number"))
}

fn from_csv(text: &str, kind: &Type) -> Result<Value, String> {
    let fields = csv::fields(text)?;
    if fields.is_empty() {
        return Err(
            "the value is empty; write `[]` or `{}` into the variable with `_JSON` at its end".to_owned()
        );
    }
    let element = |field: &String, kind: &Type| match kind {
        Type::String | Type::Any => Ok(Value::text(field)),
        Type::Bool => truth(field).map(Value::Bool),
        Type::Number => number(field),
        other => Err(format!("a value of type `{other}` can only be given as JSON")),
    };
    let all = |kind: &Type| fields.iter().map(|field| element(field, kind)).collect::<Result<Vec<_>, _>>();
    match kind {
        Type::List(kind) => Ok(Value::List(all(kind)?)),
        Type::Set(kind) => Ok(Value::set(all(kind)?)),
        Type::Tuple(kinds) => {
            if kinds.len() != fields.len() {
                return Err(format!("{} values are needed, not {}", kinds.len(), fields.len()));
            }
            let pairs = fields.iter().zip(kinds);
            Ok(Value::Tuple(pairs.map(|(field, kind)| element(field, kind)).collect::<Result<_, _>>()?))
        }
        Type::Map(kind) => {
            let pair = |field: &String| {
                let (name, value) = field
                    .split_once(':')
                    .ok_or_else(|| format!("`{field}` is not of the form `key:value`"))?;
                Ok::<_, String>((name.to_owned(), element(&value.to_owned(), kind)?))
            };
            Ok(Value::Map(fields.iter().map(pair).collect::<Result<_, _>>()?))
        }
        other => Err(format!(
            "a value of type `{other}` can only be given as JSON, in the variable with `_JSON` at the end of its name"
        )),
    }
}

/// Reads a value that was given as JSON.
pub(crate) fn from_json_text(text: &str, kind: &Type) -> Result<Value, String> {
    let json: serde_json::Value =
        serde_json::from_str(text).map_err(|error| format!("this is not JSON: {error}"))?;
    convert(&from_json(&json), kind)
}
