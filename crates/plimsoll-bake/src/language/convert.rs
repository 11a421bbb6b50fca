//! Conversions between types: what HCL converts by itself, and nothing else.

use std::collections::BTreeMap;

use bigdecimal::BigDecimal;

use super::value::number_text;
use super::{Type, Value};

/// Converts a value; the error says what it is and what is needed.
pub(crate) fn convert(value: &Value, kind: &Type) -> Result<Value, String> {
    match (kind, value) {
        (Type::Any, value) => Ok(value.clone()),
        (_, Value::Null) => Ok(Value::Null),
        (Type::String, value) => to_string(value),
        (Type::Bool, value) => to_bool(value),
        (Type::Number, value) => to_number(value),
        (Type::List(element), value) => match value.as_sequence() {
            Some(values) => Ok(Value::List(elements(values, element)?)),
            None => Err(needed("a list", value)),
        },
        (Type::Set(element), value) => match value.as_sequence() {
            Some(values) => Ok(Value::set(elements(values, element)?)),
            None => Err(needed("a set", value)),
        },
        (Type::Tuple(kinds), value) => match value.as_sequence() {
            Some(values) if !matches!(value, Value::Set(_)) => {
                if values.len() != kinds.len() {
                    return Err(format!("{} elements are needed, not {}", kinds.len(), values.len()));
                }
                let convert_one = |(value, kind): (&Value, &Type)| convert(value, kind);
                Ok(Value::Tuple(values.iter().zip(kinds).map(convert_one).collect::<Result<_, _>>()?))
            }
            _ => Err(needed("a tuple", value)),
        },
        (Type::Map(element), value) => match value.as_mapping() {
            Some(values) => {
                let list: Vec<Value> = values.values().cloned().collect();
                let list = elements(&list, element)?;
                Ok(Value::Map(values.keys().cloned().zip(list).collect()))
            }
            None => Err(needed("a map", value)),
        },
        (Type::Object { attributes, optional }, value) => match value.as_mapping() {
            Some(values) => {
                let mut converted = BTreeMap::new();
                for (name, kind) in attributes {
                    let value = match values.get(name) {
                        Some(value) => {
                            convert(value, kind).map_err(|error| format!("attribute `{name}`: {error}"))?
                        }
                        None if optional.contains(name) => Value::Null,
                        None => return Err(format!("the attribute `{name}` is missing")),
                    };
                    converted.insert(name.clone(), value);
                }
                Ok(Value::Object(converted))
            }
            None => Err(needed("an object", value)),
        },
    }
}

fn needed(what: &str, value: &Value) -> String {
    format!("{what} is needed, this is {}", value.kind())
}

/// Converts the elements of a collection to one type; with `any`, to the one that all can become.
fn elements(values: &[Value], kind: &Type) -> Result<Vec<Value>, String> {
    if *kind == Type::Any {
        return unify_all(values).ok_or_else(|| "all elements must have the same type".to_owned());
    }
    values
        .iter()
        .enumerate()
        .map(|(index, value)| convert(value, kind).map_err(|error| format!("element {index}: {error}")))
        .collect()
}

/// Brings values to one type: their own if they agree, else text where all can be text.
pub(crate) fn unify_all(values: &[Value]) -> Option<Vec<Value>> {
    let kinds: Vec<Type> =
        values.iter().filter(|value| !matches!(value, Value::Null)).map(Value::type_of).collect();
    let Some(kind) = kinds.iter().cloned().try_fold(None, |common, kind| match common {
        None => Some(Some(kind)),
        Some(common) => unify(&common, &kind).map(Some),
    })?
    else {
        return Some(values.to_vec());
    };
    values.iter().map(|value| convert(value, &kind).ok()).collect()
}

fn unify(a: &Type, b: &Type) -> Option<Type> {
    if a == b || *b == Type::Any {
        return Some(a.clone());
    }
    if *a == Type::Any {
        return Some(b.clone());
    }
    match (a, b) {
        (Type::String, other) | (other, Type::String) if other.is_primitive() => Some(Type::String),
        (Type::List(a), Type::List(b)) => Some(Type::List(Box::new(unify(a, b)?))),
        (Type::Set(a), Type::Set(b)) => Some(Type::Set(Box::new(unify(a, b)?))),
        (Type::Map(a), Type::Map(b)) => Some(Type::Map(Box::new(unify(a, b)?))),
        (Type::Tuple(a), Type::Tuple(b)) if a.len() == b.len() => {
            Some(Type::Tuple(a.iter().zip(b).map(|(a, b)| unify(a, b)).collect::<Option<_>>()?))
        }
        (Type::List(element), Type::Tuple(kinds)) | (Type::Tuple(kinds), Type::List(element)) => {
            let mut common = (**element).clone();
            for kind in kinds {
                common = unify(&common, kind)?;
            }
            Some(Type::List(Box::new(common)))
        }
        (Type::Tuple(a), Type::Tuple(b)) => {
            let mut common = Type::Any;
            for kind in a.iter().chain(b) {
                common = unify(&common, kind)?;
            }
            Some(Type::List(Box::new(common)))
        }
        (Type::Object { attributes: a, .. }, Type::Object { attributes: b, .. }) => {
            if a.keys().eq(b.keys()) {
                let pairs = a.iter().map(|(name, kind)| Some((name.clone(), unify(kind, &b[name])?)));
                return Some(Type::object(pairs.collect::<Option<Vec<_>>>()?));
            }
            let mut common = Type::Any;
            for kind in a.values().chain(b.values()) {
                common = unify(&common, kind)?;
            }
            Some(Type::Map(Box::new(common)))
        }
        (Type::Map(element), Type::Object { attributes, .. })
        | (Type::Object { attributes, .. }, Type::Map(element)) => {
            let mut common = (**element).clone();
            for kind in attributes.values() {
                common = unify(&common, kind)?;
            }
            Some(Type::Map(Box::new(common)))
        }
        _ => None,
    }
}

fn to_string(value: &Value) -> Result<Value, String> {
    match value {
        Value::String(_) => Ok(value.clone()),
        Value::Bool(value) => Ok(Value::text(value.to_string())),
        Value::Number(number) => Ok(Value::text(number_text(number))),
        _ => Err(needed("a string", value)),
    }
}

fn to_bool(value: &Value) -> Result<Value, String> {
    match value {
        Value::Bool(_) => Ok(value.clone()),
        Value::String(text) => match text.as_str() {
            "true" | "1" => Ok(Value::Bool(true)),
            "false" | "0" => Ok(Value::Bool(false)),
            _ => Err("a bool is needed: `true` or `false`".to_owned()),
        },
        _ => Err(needed("a bool", value)),
    }
}

fn to_number(value: &Value) -> Result<Value, String> {
    match value {
        Value::Number(_) => Ok(value.clone()),
        Value::String(text) => parse_number(text)
            .map(Value::Number)
            .ok_or_else(|| "a number is needed; the text is not one".to_owned()),
        _ => Err(needed("a number", value)),
    }
}

/// A number in a text: digits with sign, point and a small exponent.
pub(crate) fn parse_number(text: &str) -> Option<BigDecimal> {
    let is_plain = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | 'e' | 'E');
    let exponent =
        text.split_once(['e', 'E']).map_or(Some(0), |(_, exponent)| exponent.parse::<i32>().ok())?;
    if text.is_empty() || text.len() > 1024 || !text.chars().all(is_plain) || exponent.abs() > 1024 {
        return None;
    }
    text.parse().ok()
}
