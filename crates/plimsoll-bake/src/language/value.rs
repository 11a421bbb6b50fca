//! Values. As in HCL, a list written down is a tuple and a map written down an object, until something converts them.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use bigdecimal::{BigDecimal, ToPrimitive};

use super::Type;

/// A value.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// Nothing, of any type.
    Null,
    /// True or false.
    Bool(bool),
    /// A number of any size.
    Number(BigDecimal),
    /// A text.
    String(String),
    /// Values of one type.
    List(Vec<Value>),
    /// Values of one type, each once, in order.
    Set(Vec<Value>),
    /// Values, each of its own type.
    Tuple(Vec<Value>),
    /// Values of one type by name.
    Map(BTreeMap<String, Value>),
    /// Values by name, each of its own type.
    Object(BTreeMap<String, Value>),
}

/// A whole number.
pub(crate) fn number(value: usize) -> Value {
    Value::Number(BigDecimal::from(u64::try_from(value).unwrap_or(u64::MAX)))
}

/// A number as an index; none when it is not whole, negative or too large.
pub(crate) fn to_index(number: &BigDecimal) -> Option<usize> {
    number.is_integer().then(|| number.to_usize()).flatten()
}

impl Value {
    /// A text.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::String(text.into())
    }

    /// A set: sorted, each value once.
    pub(crate) fn set(mut values: Vec<Value>) -> Self {
        values.sort_by(Value::order);
        values.dedup_by(|a, b| a == b);
        Self::Set(values)
    }

    /// The type that can be told from the value.
    pub(crate) fn type_of(&self) -> Type {
        fn element<'a>(values: impl IntoIterator<Item = &'a Value>) -> Type {
            let known = values.into_iter().find(|value| !matches!(value, Value::Null));
            known.map_or(Type::Any, Value::type_of)
        }
        match self {
            Self::Null => Type::Any,
            Self::Bool(_) => Type::Bool,
            Self::Number(_) => Type::Number,
            Self::String(_) => Type::String,
            Self::List(values) => Type::List(Box::new(element(values))),
            Self::Set(values) => Type::Set(Box::new(element(values))),
            Self::Map(values) => Type::Map(Box::new(element(values.values()))),
            Self::Tuple(values) => Type::Tuple(values.iter().map(Value::type_of).collect()),
            Self::Object(values) => Type::object(values.iter().map(|(k, v)| (k.clone(), v.type_of()))),
        }
    }

    /// What it is, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a bool",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::List(_) => "a list",
            Self::Set(_) => "a set",
            Self::Tuple(_) => "a tuple",
            Self::Map(_) => "a map",
            Self::Object(_) => "an object",
        }
    }

    /// The values of a list, tuple or set.
    pub(crate) fn as_sequence(&self) -> Option<&[Value]> {
        match self {
            Self::List(values) | Self::Tuple(values) | Self::Set(values) => Some(values),
            _ => None,
        }
    }

    /// The values of a map or object.
    pub(crate) fn as_mapping(&self) -> Option<&BTreeMap<String, Value>> {
        match self {
            Self::Map(values) | Self::Object(values) => Some(values),
            _ => None,
        }
    }

    /// Any order that is total and the same everywhere; numbers by size, texts by their bytes.
    pub(crate) fn order(a: &Value, b: &Value) -> Ordering {
        let rank = |value: &Value| match value {
            Value::Null => 0,
            Value::Bool(_) => 1,
            Value::Number(_) => 2,
            Value::String(_) => 3,
            Value::List(_) | Value::Set(_) | Value::Tuple(_) => 4,
            Value::Map(_) | Value::Object(_) => 5,
        };
        match (a, b) {
            (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
            (Value::Number(a), Value::Number(b)) => a.cmp(b),
            (Value::String(a), Value::String(b)) => a.cmp(b),
            _ => {
                if let (Some(a), Some(b)) = (a.as_sequence(), b.as_sequence()) {
                    let differs = a.iter().zip(b).map(|(a, b)| Self::order(a, b)).find(|o| o.is_ne());
                    return differs.unwrap_or_else(|| a.len().cmp(&b.len()));
                }
                if let (Some(a), Some(b)) = (a.as_mapping(), b.as_mapping()) {
                    let pair = |(ka, va): (&String, &Value), (kb, vb): (&String, &Value)| {
                        ka.cmp(kb).then_with(|| Self::order(va, vb))
                    };
                    let differs = a.iter().zip(b).map(|(a, b)| pair(a, b)).find(|o| o.is_ne());
                    return differs.unwrap_or_else(|| a.len().cmp(&b.len()));
                }
                rank(a).cmp(&rank(b))
            }
        }
    }

    /// About how much memory it takes, in bytes.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Null | Self::Bool(_) | Self::Number(_) => 16,
            Self::String(text) => 16 + text.len(),
            Self::List(values) | Self::Set(values) | Self::Tuple(values) => {
                values.iter().map(Value::weight).fold(16, usize::saturating_add)
            }
            Self::Map(values) | Self::Object(values) => {
                values.iter().map(|(k, v)| k.len() + v.weight()).fold(16, usize::saturating_add)
            }
        }
    }
}

/// Equal are values of equal kind with equal content: `1` and `"1"` are not, nor a list and a tuple.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Number(a), Self::Number(b)) => a == b,
            (Self::String(a), Self::String(b)) => a == b,
            (Self::List(a), Self::List(b))
            | (Self::Set(a), Self::Set(b))
            | (Self::Tuple(a), Self::Tuple(b)) => a == b,
            (Self::Map(a), Self::Map(b)) | (Self::Object(a), Self::Object(b)) => a == b,
            _ => false,
        }
    }
}

/// A number as HCL writes it into a text: no exponent, no zeros at the end.
pub(crate) fn number_text(number: &BigDecimal) -> String {
    let plain = number.normalized().to_plain_string();
    if plain == "-0" { "0".to_owned() } else { plain }
}
