//! Numbers, and what compares and combines true and false.

use bigdecimal::num_bigint::BigInt;
use bigdecimal::{BigDecimal, FromPrimitive as _, RoundingMode, Signed as _, ToPrimitive as _, Zero as _};

use super::{Args, Function};
use crate::language::{Value, bounded, divide, equal, modulo};
use crate::problem::Outcome;

pub(super) const TABLE: &[(&str, Function)] = &[
    ("absolute", |args| unary(args, |a| a.abs())),
    ("add", |args| binary(args, |a, b| bounded(a + b))),
    ("and", |args| {
        args.exactly(2)?;
        Ok(Value::Bool(args.truth(0)? & args.truth(1)?))
    }),
    ("ceil", |args| unary(args, |a| a.with_scale_round(0, RoundingMode::Ceiling))),
    ("divide", |args| binary(args, |a, b| divide(&a, &b))),
    ("equal", |args| {
        args.exactly(2)?;
        Ok(Value::Bool(equal(&args.values[0].0, &args.values[1].0)))
    }),
    ("floor", |args| unary(args, |a| a.with_scale_round(0, RoundingMode::Floor))),
    ("greaterthan", |args| compare(args, |a, b| a > b)),
    ("greaterthanorequalto", |args| compare(args, |a, b| a >= b)),
    ("int", |args| unary(args, |a| a.with_scale_round(0, RoundingMode::Down))),
    ("lessthan", |args| compare(args, |a, b| a < b)),
    ("lessthanorequalto", |args| compare(args, |a, b| a <= b)),
    ("log", log),
    ("max", |args| extreme(args, |a, b| a > b)),
    ("min", |args| extreme(args, |a, b| a < b)),
    ("modulo", |args| binary(args, |a, b| modulo(&a, &b))),
    ("multiply", |args| binary(args, |a, b| bounded(a * b))),
    ("negate", |args| unary(args, |a| -a)),
    ("not", |args| {
        args.exactly(1)?;
        Ok(Value::Bool(!args.truth(0)?))
    }),
    ("notequal", |args| {
        args.exactly(2)?;
        Ok(Value::Bool(!equal(&args.values[0].0, &args.values[1].0)))
    }),
    ("or", |args| {
        args.exactly(2)?;
        Ok(Value::Bool(args.truth(0)? | args.truth(1)?))
    }),
    ("parseint", parseint),
    ("pow", pow),
    ("range", range),
    ("signum", |args| {
        unary(args, |a| {
            if a.is_zero() {
                BigDecimal::zero()
            } else if a.is_negative() {
                BigDecimal::from(-1)
            } else {
                BigDecimal::from(1)
            }
        })
    }),
    ("subtract", |args| binary(args, |a, b| bounded(a - b))),
];

/// The most elements that `range` makes.
const LONGEST_RANGE: usize = 1024;

fn unary(args: &Args<'_>, apply: impl Fn(BigDecimal) -> BigDecimal) -> Outcome<Value> {
    args.exactly(1)?;
    Ok(Value::Number(apply(args.number(0)?)))
}

fn binary(
    args: &Args<'_>,
    apply: impl Fn(BigDecimal, BigDecimal) -> Result<BigDecimal, String>,
) -> Outcome<Value> {
    args.exactly(2)?;
    let result = apply(args.number(0)?, args.number(1)?);
    result.map(Value::Number).map_err(|error| args.fail(1, error))
}

fn compare(args: &Args<'_>, apply: impl Fn(BigDecimal, BigDecimal) -> bool) -> Outcome<Value> {
    args.exactly(2)?;
    Ok(Value::Bool(apply(args.number(0)?, args.number(1)?)))
}

fn extreme(args: &Args<'_>, wins: impl Fn(&BigDecimal, &BigDecimal) -> bool) -> Outcome<Value> {
    args.between(1, usize::MAX)?;
    let mut best = args.number(0)?;
    for at in 1..args.len() {
        let other = args.number(at)?;
        if wins(&other, &best) {
            best = other;
        }
    }
    Ok(Value::Number(best))
}

fn float(args: &Args<'_>, at: usize) -> Outcome<f64> {
    args.number(at)?.to_f64().ok_or_else(|| args.fail(at, "the number is too large"))
}

fn from_float(args: &Args<'_>, result: f64) -> Outcome<Value> {
    // The shortest way to write the number is what it means: `pow(10, -1)` is 0.1.
    let number = if result.is_finite() { result.to_string().parse().ok() } else { None };
    let number: Option<BigDecimal> = number.or_else(|| BigDecimal::from_f64(result));
    number.map(Value::Number).ok_or_else(|| args.fail(0, "the result is not a number"))
}

fn log(args: &Args<'_>) -> Outcome<Value> {
    args.exactly(2)?;
    from_float(args, float(args, 0)?.ln() / float(args, 1)?.ln())
}

fn pow(args: &Args<'_>) -> Outcome<Value> {
    args.exactly(2)?;
    from_float(args, float(args, 0)?.powf(float(args, 1)?))
}

fn parseint(args: &Args<'_>) -> Outcome<Value> {
    args.exactly(2)?;
    let (text, base) = (args.text(0)?, args.integer(1)?);
    if !(2..=62).contains(&base) {
        return Err(args.fail(1, "the base must be between 2 and 62"));
    }
    let base = u32::try_from(base).expect("checked to be at most 62");
    let (digits, negative) = match text.strip_prefix('-') {
        Some(digits) => (digits, true),
        None => (text.strip_prefix('+').unwrap_or(&text), false),
    };
    let digit = |character: char| -> Option<u32> {
        let value = match character {
            '0'..='9' => u32::from(character) - u32::from('0'),
            'a'..='z' => u32::from(character) - u32::from('a') + 10,
            'A'..='Z' if base <= 36 => u32::from(character) - u32::from('A') + 10,
            'A'..='Z' => u32::from(character) - u32::from('A') + 36,
            _ => return None,
        };
        (value < base).then_some(value)
    };
    let wrong = || args.fail(0, format!("`{text}` is not a whole number of base {base}"));
    if digits.is_empty() || digits.len() > 1024 {
        return Err(wrong());
    }
    let mut number = BigInt::from(0);
    for character in digits.chars() {
        number = number * base + digit(character).ok_or_else(wrong)?;
    }
    Ok(Value::Number(BigDecimal::from(if negative { -number } else { number })))
}

fn range(args: &Args<'_>) -> Outcome<Value> {
    args.between(1, 3)?;
    let (start, end) = match args.len() {
        1 => (BigDecimal::zero(), args.number(0)?),
        _ => (args.number(0)?, args.number(1)?),
    };
    let down = end < start;
    let step = match args.len() {
        3 => args.number(2)?,
        _ => BigDecimal::from(if down { -1 } else { 1 }),
    };
    if step.is_zero() {
        return Err(args.fail(2, "the step must not be zero"));
    }
    if down != step.is_negative() && start != end {
        return Err(args.fail(2, "the step leads away from the end"));
    }
    let (mut values, mut at) = (Vec::new(), start);
    while if down { at > end } else { at < end } {
        if values.len() == LONGEST_RANGE {
            return Err(args.fail(0, format!("this makes more than {LONGEST_RANGE} numbers")));
        }
        values.push(Value::Number(at.clone()));
        at += &step;
    }
    Ok(Value::List(values))
}
