//! Sets.

use super::{Args, Function};
use crate::language::{Value, unify_all};
use crate::problem::Outcome;

pub(super) const TABLE: &[(&str, Function)] = &[
    ("sethaselement", |args| {
        args.exactly(2)?;
        let (set, wanted) = (set(args, 0)?, args.value(1)?);
        Ok(Value::Bool(set.contains(wanted)))
    }),
    ("setintersection", |args| combine(args, |a, b| a.retain(|value| b.contains(value)))),
    ("setproduct", setproduct),
    ("setsubtract", |args| {
        args.exactly(2)?;
        combine(args, |a, b| a.retain(|value| !b.contains(value)))
    }),
    ("setsymmetricdifference", |args| {
        combine(args, |a, b| {
            let only_b: Vec<Value> = b.iter().filter(|value| !a.contains(value)).cloned().collect();
            a.retain(|value| !b.contains(value));
            a.extend(only_b);
        })
    }),
    ("setunion", |args| combine(args, Vec::extend_from_slice)),
];

/// The most elements of a product.
const LARGEST_PRODUCT: usize = 1 << 16;

fn set(args: &Args<'_>, at: usize) -> Outcome<Vec<Value>> {
    let values = args.sequence(at)?;
    let values = unify_all(values).ok_or_else(|| args.fail(at, "all elements must have one type"))?;
    match Value::set(values) {
        Value::Set(values) => Ok(values),
        _ => Ok(Vec::new()),
    }
}

fn combine(args: &Args<'_>, apply: impl Fn(&mut Vec<Value>, &[Value])) -> Outcome<Value> {
    args.between(1, usize::MAX)?;
    let mut result = set(args, 0)?;
    for at in 1..args.len() {
        apply(&mut result, &set(args, at)?);
    }
    Ok(Value::set(result))
}

fn setproduct(args: &Args<'_>) -> Outcome<Value> {
    args.between(1, usize::MAX)?;
    let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
    let mut all_sets = true;
    for at in 0..args.len() {
        let values = args.sequence(at)?;
        all_sets &= matches!(args.value(at)?, Value::Set(_));
        if rows.len().saturating_mul(values.len()) > LARGEST_PRODUCT {
            return Err(args.fail(at, format!("the product has more than {LARGEST_PRODUCT} elements")));
        }
        let widest = values.iter().map(Value::weight).max().unwrap_or(0);
        let known = rows.iter().flatten().map(Value::weight).fold(0, usize::saturating_add);
        args.fits(values.len(), known)?;
        args.fits(rows.len().saturating_mul(values.len()), widest)?;
        let extend = |row: &Vec<Value>| {
            let row = row.clone();
            values.iter().map(move |value| row.iter().cloned().chain([value.clone()]).collect::<Vec<_>>())
        };
        rows = rows.iter().flat_map(extend).collect();
    }
    let rows: Vec<Value> = rows.into_iter().map(Value::Tuple).collect();
    Ok(if all_sets { Value::set(rows) } else { Value::List(rows) })
}
