//! Types, as values have them and as `type =` of a variable and `convert` write them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::{Expr, ExprKind};
use crate::problem::Outcome;

/// A type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    /// Anything.
    Any,
    /// `bool`
    Bool,
    /// `number`
    Number,
    /// `string`
    String,
    /// `list(T)`
    List(Box<Type>),
    /// `set(T)`
    Set(Box<Type>),
    /// `map(T)`
    Map(Box<Type>),
    /// `tuple([T, …])`
    Tuple(Vec<Type>),
    /// `object({name = T, …})`
    Object {
        /// The attributes.
        attributes: BTreeMap<String, Type>,
        /// Those that may be left out.
        optional: BTreeSet<String>,
    },
}

impl Type {
    /// An object type without optional attributes.
    pub(crate) fn object(attributes: impl IntoIterator<Item = (String, Type)>) -> Self {
        Self::Object { attributes: attributes.into_iter().collect(), optional: BTreeSet::new() }
    }

    /// Whether its values are written as one word: not a collection.
    pub(crate) fn is_primitive(&self) -> bool {
        matches!(self, Self::Bool | Self::Number | Self::String)
    }
}

/// As it is written in a file.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Bool => f.write_str("bool"),
            Self::Number => f.write_str("number"),
            Self::String => f.write_str("string"),
            Self::List(element) => write!(f, "list({element})"),
            Self::Set(element) => write!(f, "set({element})"),
            Self::Map(element) => write!(f, "map({element})"),
            Self::Tuple(elements) => {
                let elements: Vec<String> = elements.iter().map(ToString::to_string).collect();
                write!(f, "tuple([{}])", elements.join(", "))
            }
            Self::Object { attributes, optional } => {
                let one = |(name, kind): (&String, &Type)| {
                    if optional.contains(name) {
                        format!("{name} = optional({kind})")
                    } else {
                        format!("{name} = {kind}")
                    }
                };
                let attributes: Vec<String> = attributes.iter().map(one).collect();
                write!(f, "object({{{}}})", attributes.join(", "))
            }
        }
    }
}

/// Reads an expression as a type.
pub(crate) fn type_expression(expr: &Expr) -> Outcome<Type> {
    let unknown = |name: &str| {
        expr.place
            .error("unknown-type", format!("there is no type `{name}`"))
            .hint("types are string, number, bool, any, list(…), set(…), map(…), tuple([…]) and object({…})")
    };
    match &expr.kind {
        ExprKind::Variable(name) => match name.as_str() {
            "any" => Ok(Type::Any),
            "bool" => Ok(Type::Bool),
            "number" => Ok(Type::Number),
            "string" => Ok(Type::String),
            "list" | "set" | "map" => Err(expr
                .place
                .error("incomplete-type", format!("`{name}` needs the type of its elements"))
                .hint(format!("write `{name}(string)`, or `{name}(any)`"))),
            "object" => Err(expr
                .place
                .error("incomplete-type", "`object` needs its attributes")
                .hint("write `object({ name = string })`")),
            "tuple" => Err(expr
                .place
                .error("incomplete-type", "`tuple` needs the types of its elements")
                .hint("write `tuple([string, number])`")),
            other => Err(unknown(other)),
        },
        ExprKind::Call { name, arguments, .. } => {
            let [argument] = arguments.as_slice() else {
                return Err(expr
                    .place
                    .error("bad-type", format!("the type `{name}` takes exactly one argument")));
            };
            match name.as_str() {
                "list" => Ok(Type::List(Box::new(type_expression(argument)?))),
                "set" => Ok(Type::Set(Box::new(type_expression(argument)?))),
                "map" => Ok(Type::Map(Box::new(type_expression(argument)?))),
                "tuple" => tuple(argument),
                "object" => object(argument),
                other => Err(unknown(other)),
            }
        }
        _ => Err(expr
            .place
            .error("bad-type", "this is not a type")
            .hint("write a name such as `string`, or `list(string)`")),
    }
}

fn tuple(argument: &Expr) -> Outcome<Type> {
    let ExprKind::Tuple(elements) = &argument.kind else {
        return Err(argument
            .place
            .error("bad-type", "`tuple` takes a list of types")
            .hint("write `tuple([string, number])`"));
    };
    Ok(Type::Tuple(elements.iter().map(type_expression).collect::<Outcome<_>>()?))
}

fn object(argument: &Expr) -> Outcome<Type> {
    let ExprKind::Object(items) = &argument.kind else {
        return Err(argument
            .place
            .error("bad-type", "`object` takes names with types")
            .hint("write `object({ name = string })`"));
    };
    let (mut attributes, mut optional) = (BTreeMap::new(), BTreeSet::new());
    for (key, value) in items {
        let ExprKind::Literal(super::Value::String(name)) = &key.kind else {
            return Err(key.place.error("bad-type", "an attribute's name must be a plain word"));
        };
        let kind = match &value.kind {
            ExprKind::Call { name: call, arguments, .. } if call == "optional" => {
                let Some(first) = arguments.first() else {
                    return Err(value.place.error("bad-type", "`optional` needs a type"));
                };
                optional.insert(name.clone());
                type_expression(first)?
            }
            _ => type_expression(value)?,
        };
        attributes.insert(name.clone(), kind);
    }
    Ok(Type::Object { attributes, optional })
}
