//! Lists.

use super::{Args, Function};
use crate::language::{Value, equal, index, number, unify_all};
use crate::problem::Outcome;

pub(super) const TABLE: &[(&str, Function)] = &[
    ("chunklist", chunklist),
    ("coalesce", coalesce),
    ("coalescelist", coalescelist),
    ("compact", compact),
    ("concat", concat),
    ("contains", contains),
    ("distinct", distinct),
    ("element", element),
    ("flatten", |args| {
        args.exactly(1)?;
        let mut flat = Vec::new();
        flatten(args.sequence(0)?, &mut flat);
        Ok(Value::Tuple(flat))
    }),
    ("hasindex", |args| {
        args.exactly(2)?;
        Ok(Value::Bool(index(args.value(0)?, args.value(1)?).is_ok()))
    }),
    ("index", |args| {
        args.exactly(2)?;
        index(args.value(0)?, args.value(1)?).map_err(|error| args.fail(1, error))
    }),
    ("indexof", indexof),
    ("length", length),
    ("reverselist", |args| {
        args.exactly(1)?;
        let values = args.sequence(0)?.iter().rev().cloned().collect();
        Ok(if matches!(args.value(0)?, Value::Tuple(_)) { Value::Tuple(values) } else { Value::List(values) })
    }),
    ("slice", slice),
    ("sort", |args| {
        args.exactly(1)?;
        let mut texts = args.texts(0)?;
        texts.sort();
        Ok(Value::List(texts.into_iter().map(Value::String).collect()))
    }),
];

fn chunklist(args: &Args<'_>) -> Outcome<Value> {
    args.exactly(2)?;
    let (values, size) = (args.sequence(0)?, args.integer(1)?);
    let size = usize::try_from(size).map_err(|_| args.fail(1, "the size must not be negative"))?;
    if size == 0 {
        return Ok(Value::List(vec![Value::List(values.to_vec())]));
    }
    Ok(Value::List(values.chunks(size).map(|chunk| Value::List(chunk.to_vec())).collect()))
}

fn coalesce(args: &Args<'_>) -> Outcome<Value> {
    args.between(1, usize::MAX)?;
    let values: Vec<Value> = args.values.iter().map(|(value, _)| value.clone()).collect();
    let values = unify_all(&values).ok_or_else(|| args.fail(0, "all arguments must have one type"))?;
    values
        .into_iter()
        .find(|value| !matches!(value, Value::Null))
        .ok_or_else(|| args.fail(0, "all arguments are null"))
}

fn coalescelist(args: &Args<'_>) -> Outcome<Value> {
    args.between(1, usize::MAX)?;
    for (at, (value, _)) in args.values.iter().enumerate() {
        if !matches!(value, Value::Null) && !args.sequence(at)?.is_empty() {
            return Ok(value.clone());
        }
    }
    Err(args.fail(0, "all lists are empty"))
}

fn compact(args: &Args<'_>) -> Outcome<Value> {
    args.exactly(1)?;
    let values = args.sequence(0)?.iter().filter(|value| !matches!(value, Value::Null));
    let kept = values.filter(|value| !matches!(value, Value::String(text) if text.is_empty()));
    Ok(Value::List(kept.cloned().collect()))
}

fn concat(args: &Args<'_>) -> Outcome<Value> {
    args.between(1, usize::MAX)?;
    let (mut all, mut all_lists) = (Vec::new(), true);
    for at in 0..args.len() {
        all.extend_from_slice(args.sequence(at)?);
        all_lists &= matches!(args.value(at)?, Value::List(_));
    }
    match unify_all(&all) {
        Some(unified) if all_lists => Ok(Value::List(unified)),
        _ => Ok(Value::Tuple(all)),
    }
}

/// Finds a value in a list; where the types differ only because one was written as another, texts decide.
fn position(values: &[Value], wanted: &Value) -> Option<usize> {
    values.iter().position(|value| match unify_all(&[value.clone(), wanted.clone()]) {
        Some(pair) => equal(&pair[0], &pair[1]),
        None => false,
    })
}

fn contains(args: &Args<'_>) -> Outcome<Value> {
    args.exactly(2)?;
    Ok(Value::Bool(position(args.sequence(0)?, args.value(1)?).is_some()))
}

fn indexof(args: &Args<'_>) -> Outcome<Value> {
    args.exactly(2)?;
    let found = args.sequence(0)?.iter().position(|value| equal(value, &args.values[1].0));
    found.map(number).ok_or_else(|| args.fail(1, "the value is not in the list"))
}

fn distinct(args: &Args<'_>) -> Outcome<Value> {
    args.exactly(1)?;
    let mut seen: Vec<Value> = Vec::new();
    for value in args.sequence(0)? {
        if !seen.iter().any(|known| equal(known, value)) {
            seen.push(value.clone());
        }
    }
    Ok(Value::List(seen))
}

fn element(args: &Args<'_>) -> Outcome<Value> {
    args.exactly(2)?;
    let (values, at) = (args.sequence(0)?, args.integer(1)?);
    let count = i64::try_from(values.len()).unwrap_or(i64::MAX);
    if count == 0 {
        return Err(args.fail(0, "the list is empty"));
    }
    if at < 0 {
        return Err(args.fail(1, "the index must not be negative"));
    }
    Ok(values[usize::try_from(at % count).expect("a rest is smaller than the length of a list")].clone())
}

fn flatten(values: &[Value], flat: &mut Vec<Value>) {
    for value in values {
        match value.as_sequence() {
            Some(inner) => flatten(inner, flat),
            None => flat.push(value.clone()),
        }
    }
}

fn length(args: &Args<'_>) -> Outcome<Value> {
    args.exactly(1)?;
    let value = args.value(0)?;
    let length = value
        .as_sequence()
        .map(<[Value]>::len)
        .or_else(|| value.as_mapping().map(std::collections::BTreeMap::len));
    length
        .map(number)
        .ok_or_else(|| args.fail(0, format!("a list or map is needed, this is {}", value.kind())))
}

fn slice(args: &Args<'_>) -> Outcome<Value> {
    args.exactly(3)?;
    let values = args.sequence(0)?;
    let bound = |at: usize| {
        let bound = usize::try_from(args.integer(at)?).ok().filter(|bound| *bound <= values.len());
        bound.ok_or_else(|| args.fail(at, format!("the index must be between 0 and {}", values.len())))
    };
    let (start, end) = (bound(1)?, bound(2)?);
    if start > end {
        return Err(args.fail(1, "the start is behind the end"));
    }
    let part = values[start..end].to_vec();
    Ok(if matches!(args.value(0)?, Value::Tuple(_)) { Value::Tuple(part) } else { Value::List(part) })
}
