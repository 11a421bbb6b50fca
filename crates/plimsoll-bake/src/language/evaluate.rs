//! Expressions to values.

use std::collections::BTreeMap;

use bigdecimal::BigDecimal;
use plimsoll_diagnostics::did_you_mean;

use super::operators::{binary, choose, unary};
use super::{
    Expr, ExprKind, ForExpr, Names, Part, SPLAT_ELEMENT, Scope, Type, Value, convert, number, to_index,
};
use crate::problem::{Outcome, Place};

/// Computes the value of an expression.
pub(crate) fn evaluate(expr: &Expr, scope: &Scope<'_>, names: &dyn Names) -> Outcome<Value> {
    names.enter(&expr.place)?;
    let value = value_of(expr, scope, names);
    names.leave();
    value
}

fn value_of(expr: &Expr, scope: &Scope<'_>, names: &dyn Names) -> Outcome<Value> {
    names.spend(1, &expr.place)?;
    let go = |expr: &Expr| evaluate(expr, scope, names);
    match &expr.kind {
        ExprKind::Literal(value) => Ok(value.clone()),
        ExprKind::Template(parts) => {
            let mut text = String::new();
            template(parts, scope, names, &mut text)?;
            Ok(Value::String(text))
        }
        ExprKind::Tuple(list) => Ok(Value::Tuple(list.iter().map(go).collect::<Outcome<_>>()?)),
        ExprKind::Object(items) => object(items, scope, names),
        ExprKind::Variable(name) => {
            let value = match scope.find(name) {
                Some(value) => value.clone(),
                None => names.variable(name, &expr.place)?,
            };
            names.spend(value.weight(), &expr.place)?;
            Ok(value)
        }
        ExprKind::Attribute(..) | ExprKind::Index(..) => access(expr, scope, names),
        ExprKind::Splat(base, each) => {
            let value = go(base)?;
            let elements = match &value {
                Value::Null => Vec::new(),
                Value::List(values) | Value::Tuple(values) | Value::Set(values) => values.clone(),
                other => vec![other.clone()],
            };
            let mut results = Vec::with_capacity(elements.len());
            for element in elements {
                let inner = scope.child([(SPLAT_ELEMENT.to_owned(), element)]);
                results.push(evaluate(each, &inner, names)?);
            }
            Ok(match value {
                Value::List(_) => Value::List(results),
                _ => Value::Tuple(results),
            })
        }
        ExprKind::Call { name, arguments, expand } => call(expr, name, arguments, *expand, scope, names),
        ExprKind::Conditional(condition, then, otherwise) => {
            let chosen = truth(condition, scope, names)?;
            let (then, otherwise) = (go(then)?, go(otherwise)?);
            choose(chosen, &then, &otherwise).map_err(|error| expr.place.error("mixed-results", error))
        }
        ExprKind::Unary(operator, operand) => {
            unary(*operator, &go(operand)?).map_err(|error| operand.place.error("bad-operand", error))
        }
        ExprKind::Binary(operator, a, b) => {
            let (a, b) = (go(a)?, go(b)?);
            binary(*operator, &a, &b).map_err(|error| expr.place.error("bad-operand", error))
        }
        ExprKind::For(for_expr) => for_value(for_expr, scope, names),
    }
}

fn object(items: &[(Expr, Expr)], scope: &Scope<'_>, names: &dyn Names) -> Outcome<Value> {
    let mut values = BTreeMap::new();
    for (key, value) in items {
        let name = text_of(key, scope, names, "a key")?;
        values.insert(name, evaluate(value, scope, names)?);
    }
    Ok(Value::Object(values))
}

/// An attribute or an index; `target.NAME.ATTRIBUTE` asks for that attribute alone, so that blocks may refer to each other.
fn access(expr: &Expr, scope: &Scope<'_>, names: &dyn Names) -> Outcome<Value> {
    if let Some((root, path)) = plain_path(expr)
        && scope.find(root).is_none()
        && path.len() <= 2
        && let Some(value) = names.block(root, &path, &expr.place)
    {
        return value;
    }
    match &expr.kind {
        ExprKind::Attribute(base, name) => {
            let value = evaluate(base, scope, names)?;
            attribute(&value, name, &expr.place)
        }
        ExprKind::Index(base, key) => {
            let (value, key_value) = (evaluate(base, scope, names)?, evaluate(key, scope, names)?);
            index(&value, &key_value).map_err(|error| key.place.error("bad-index", error))
        }
        _ => evaluate(expr, scope, names),
    }
}

/// `a.b.c` as names.
fn plain_path(expr: &Expr) -> Option<(&str, Vec<&str>)> {
    match &expr.kind {
        ExprKind::Variable(name) => Some((name, Vec::new())),
        ExprKind::Attribute(base, name) => {
            let (root, mut path) = plain_path(base)?;
            path.push(name);
            Some((root, path))
        }
        ExprKind::Index(base, key) => {
            let (root, mut path) = plain_path(base)?;
            path.push(key.as_text()?);
            Some((root, path))
        }
        _ => None,
    }
}

fn attribute(value: &Value, name: &str, place: &Place) -> Outcome<Value> {
    if let Some(values) = value.as_mapping() {
        return values.get(name).cloned().ok_or_else(|| {
            let near = did_you_mean(name, values.keys().map(String::as_str));
            place
                .error("unknown-attribute", format!("there is no attribute `{name}`"))
                .maybe_hint(near.map(|near| format!("there is `{near}`")))
        });
    }
    // `list.0` is the old way to write an index.
    if let Ok(place_in_list) = name.parse::<usize>() {
        return index(value, &number(place_in_list)).map_err(|error| place.error("bad-index", error));
    }
    Err(place.error("no-attributes", format!("`.{name}` needs an object, this is {}", value.kind())))
}

/// The element of a collection under a key.
pub(crate) fn index(value: &Value, key: &Value) -> Result<Value, String> {
    match value {
        Value::List(values) | Value::Tuple(values) => {
            let Ok(Value::Number(wanted)) = convert(key, &Type::Number) else {
                return Err(format!("{} is indexed with a number, this is {}", value.kind(), key.kind()));
            };
            to_index(&wanted).and_then(|at| values.get(at).cloned()).ok_or_else(|| {
                format!("there is no element {}; there are {}", wanted.normalized(), values.len())
            })
        }
        Value::Map(values) | Value::Object(values) => {
            let Ok(Value::String(wanted)) = convert(key, &Type::String) else {
                return Err(format!("{} is indexed with a string, this is {}", value.kind(), key.kind()));
            };
            values.get(&wanted).cloned().ok_or_else(|| format!("there is no element `{wanted}`"))
        }
        other => Err(format!("an index needs a list or a map, this is {}", other.kind())),
    }
}

fn call(
    expr: &Expr,
    name: &str,
    arguments: &[Expr],
    expand: bool,
    scope: &Scope<'_>,
    names: &dyn Names,
) -> Outcome<Value> {
    match name {
        "try" => {
            let mut last = None;
            for argument in arguments {
                match evaluate(argument, scope, names) {
                    Ok(value) => return Ok(value),
                    Err(error) => last = Some(error),
                }
            }
            Err(match last {
                Some(error) => error.note("this was the last of the alternatives of `try`"),
                None => expr.place.error("bad-argument", "`try` needs at least one argument"),
            })
        }
        "can" => match arguments {
            [argument] => Ok(Value::Bool(evaluate(argument, scope, names).is_ok())),
            _ => Err(expr.place.error("bad-argument", "`can` takes exactly one argument")),
        },
        "convert" => match arguments {
            [value, kind] => {
                let kind = super::type_expression(kind)?;
                convert(&evaluate(value, scope, names)?, &kind)
                    .map_err(|error| value.place.error("bad-argument", error))
            }
            _ => Err(expr.place.error("bad-argument", "`convert` takes a value and a type")),
        },
        _ => {
            let mut values = Vec::with_capacity(arguments.len());
            for argument in arguments {
                values.push((evaluate(argument, scope, names)?, argument.place.clone()));
            }
            if expand && let Some((last, place)) = values.pop() {
                let Some(list) = last.as_sequence() else {
                    return Err(
                        place.error("bad-argument", format!("`...` needs a list, this is {}", last.kind()))
                    );
                };
                values.extend(list.iter().map(|value| (value.clone(), place.clone())));
            }
            let value = names.call(name, &values, &expr.place)?;
            names.spend(value.weight(), &expr.place)?;
            Ok(value)
        }
    }
}

fn for_value(for_expr: &ForExpr, scope: &Scope<'_>, names: &dyn Names) -> Outcome<Value> {
    let collection = evaluate(&for_expr.collection, scope, names)?;
    let pairs = iterate(&collection).ok_or_else(|| {
        let message = format!("`for` needs a list or a map, this is {}", collection.kind());
        for_expr.collection.place.error("not-iterable", message)
    })?;
    let (mut list, mut object) = (Vec::new(), BTreeMap::<String, Vec<Value>>::new());
    for (key, value) in pairs {
        let key_name = for_expr.key_name.iter().map(|name| (name.clone(), key.clone()));
        let inner = scope.child(key_name.chain([(for_expr.value_name.clone(), value)]));
        if let Some(condition) = &for_expr.condition
            && !truth(condition, &inner, names)?
        {
            continue;
        }
        let value = evaluate(&for_expr.value, &inner, names)?;
        names.spend(value.weight(), &for_expr.value.place)?;
        let Some(key) = &for_expr.key else {
            list.push(value);
            continue;
        };
        let name = text_of(key, &inner, names, "a key")?;
        let values = object.entry(name.clone()).or_default();
        if !for_expr.grouping && !values.is_empty() {
            return Err(key
                .place
                .error("duplicate-key", format!("two elements have the key `{name}`"))
                .hint("write `...` behind the value to collect all values of a key in a list"));
        }
        values.push(value);
    }
    if for_expr.key.is_none() {
        return Ok(Value::Tuple(list));
    }
    let grouped = |mut values: Vec<Value>| {
        if for_expr.grouping { Value::Tuple(values) } else { values.remove(0) }
    };
    Ok(Value::Object(object.into_iter().map(|(name, values)| (name, grouped(values))).collect()))
}

/// Keys and values of a collection, in its order.
pub(crate) fn iterate(value: &Value) -> Option<Vec<(Value, Value)>> {
    Some(match value {
        Value::List(values) | Value::Tuple(values) => {
            values.iter().enumerate().map(|(at, value)| (number(at), value.clone())).collect()
        }
        Value::Set(values) => values.iter().map(|value| (value.clone(), value.clone())).collect(),
        Value::Map(values) | Value::Object(values) => {
            values.iter().map(|(key, value)| (Value::text(key), value.clone())).collect()
        }
        _ => return None,
    })
}

fn template(parts: &[Part], scope: &Scope<'_>, names: &dyn Names, text: &mut String) -> Outcome<()> {
    for part in parts {
        match part {
            Part::Text(part) => text.push_str(part),
            Part::Value(expr) => {
                let part = text_of(expr, scope, names, "a part of a text")?;
                names.spend(part.len(), &expr.place)?;
                text.push_str(&part);
            }
            Part::If { condition, then, otherwise } => {
                let parts = if truth(condition, scope, names)? { then } else { otherwise };
                template(parts, scope, names, text)?;
            }
            Part::For { key, value, collection, body } => {
                let values = evaluate(collection, scope, names)?;
                let pairs = iterate(&values).ok_or_else(|| {
                    let message = format!("`for` needs a list or a map, this is {}", values.kind());
                    collection.place.error("not-iterable", message)
                })?;
                for (key_value, element) in pairs {
                    let key = key.iter().map(|name| (name.clone(), key_value.clone()));
                    let inner = scope.child(key.chain([(value.clone(), element)]));
                    template(body, &inner, names, text)?;
                }
            }
        }
    }
    Ok(())
}

fn text_of(expr: &Expr, scope: &Scope<'_>, names: &dyn Names, what: &str) -> Outcome<String> {
    let value = evaluate(expr, scope, names)?;
    match convert(&value, &Type::String) {
        Ok(Value::String(text)) => Ok(text),
        Ok(_) => Err(expr.place.error("null-text", format!("{what} must be a text, this is null"))),
        Err(error) => Err(expr.place.error("not-a-text", format!("{what} must be a text: {error}"))),
    }
}

fn truth(expr: &Expr, scope: &Scope<'_>, names: &dyn Names) -> Outcome<bool> {
    let value = evaluate(expr, scope, names)?;
    match convert(&value, &Type::Bool) {
        Ok(Value::Bool(value)) => Ok(value),
        Ok(_) => Err(expr.place.error("null-condition", "a condition must be a bool, this is null")),
        Err(error) => Err(expr.place.error("bad-condition", format!("a condition: {error}"))),
    }
}

/// A whole number out of an argument.
pub(crate) fn whole(number: &BigDecimal) -> Option<i64> {
    use bigdecimal::ToPrimitive as _;
    number.is_integer().then(|| number.to_i64()).flatten()
}
