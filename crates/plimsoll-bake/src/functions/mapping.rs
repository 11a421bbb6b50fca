//! Maps and objects.

use std::collections::BTreeMap;

use super::{Args, Function};
use crate::language::{Value, unify_all};
use crate::problem::Outcome;

pub(super) const TABLE: &[(&str, Function)] = &[
    ("keys", |args| {
        args.exactly(1)?;
        let keys = args.mapping(0)?.keys().map(Value::text).collect();
        Ok(if matches!(args.value(0)?, Value::Object(_)) { Value::Tuple(keys) } else { Value::List(keys) })
    }),
    ("lookup", |args| {
        args.exactly(3)?;
        let key = args.text(1)?;
        Ok(args.mapping(0)?.get(&key).unwrap_or(&args.values[2].0).clone())
    }),
    ("merge", merge),
    ("values", |args| {
        args.exactly(1)?;
        let values = args.mapping(0)?.values().cloned().collect();
        Ok(if matches!(args.value(0)?, Value::Object(_)) {
            Value::Tuple(values)
        } else {
            Value::List(values)
        })
    }),
    ("zipmap", zipmap),
];

fn merge(args: &Args<'_>) -> Outcome<Value> {
    let (mut merged, mut all_maps) = (BTreeMap::new(), true);
    for (at, (value, _)) in args.values.iter().enumerate() {
        if matches!(value, Value::Null) {
            continue;
        }
        all_maps &= matches!(value, Value::Map(_));
        merged.extend(args.mapping(at)?.clone());
    }
    Ok(if all_maps && args.len() > 0 { Value::Map(merged) } else { Value::Object(merged) })
}

fn zipmap(args: &Args<'_>) -> Outcome<Value> {
    args.exactly(2)?;
    let (keys, values) = (args.texts(0)?, args.sequence(1)?);
    if keys.len() != values.len() {
        let message = format!("there are {} keys, but {} values", keys.len(), values.len());
        return Err(args.fail(1, message));
    }
    let is_list = matches!(args.value(1)?, Value::List(_)) && unify_all(values).is_some();
    let zipped = keys.into_iter().zip(values.iter().cloned()).collect();
    Ok(if is_list { Value::Map(zipped) } else { Value::Object(zipped) })
}
