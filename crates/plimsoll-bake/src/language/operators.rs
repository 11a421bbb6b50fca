//! Operators, and the `if` of a conditional.

use bigdecimal::{BigDecimal, Zero};

use super::{BinaryOperator, Type, UnaryOperator, Value, convert, unify_all};

/// Digits that a division keeps.
const DIVISION_DIGITS: u64 = 155;
/// How far a decimal point may be away from a number's digits.
const LARGEST_EXPONENT: u64 = 4096;

/// Applies an operator with one operand.
pub(super) fn unary(operator: UnaryOperator, value: &Value) -> Result<Value, String> {
    match operator {
        UnaryOperator::Not => Ok(Value::Bool(!operand_bool(value)?)),
        UnaryOperator::Negate => Ok(Value::Number(-operand_number(value)?)),
    }
}

/// Applies an operator with two operands.
pub(super) fn binary(operator: BinaryOperator, a: &Value, b: &Value) -> Result<Value, String> {
    use BinaryOperator as Op;
    Ok(match operator {
        Op::Equal => Value::Bool(equal(a, b)),
        Op::NotEqual => Value::Bool(!equal(a, b)),
        Op::And => Value::Bool(operand_bool(a)? & operand_bool(b)?),
        Op::Or => Value::Bool(operand_bool(a)? | operand_bool(b)?),
        Op::Less => Value::Bool(operand_number(a)? < operand_number(b)?),
        Op::LessOrEqual => Value::Bool(operand_number(a)? <= operand_number(b)?),
        Op::Greater => Value::Bool(operand_number(a)? > operand_number(b)?),
        Op::GreaterOrEqual => Value::Bool(operand_number(a)? >= operand_number(b)?),
        Op::Add => Value::Number(bounded(operand_number(a)? + operand_number(b)?)?),
        Op::Subtract => Value::Number(bounded(operand_number(a)? - operand_number(b)?)?),
        Op::Multiply => Value::Number(bounded(operand_number(a)? * operand_number(b)?)?),
        Op::Divide => Value::Number(divide(&operand_number(a)?, &operand_number(b)?)?),
        Op::Modulo => Value::Number(modulo(&operand_number(a)?, &operand_number(b)?)?),
    })
}

/// Keeps a result to a size that can be written down.
pub(crate) fn bounded(number: BigDecimal) -> Result<BigDecimal, String> {
    let number = if number.digits() > DIVISION_DIGITS { number.with_prec(DIVISION_DIGITS) } else { number };
    if number.fractional_digit_count().unsigned_abs() > LARGEST_EXPONENT {
        return Err("the result is too large, or too small, for a number".to_owned());
    }
    Ok(number)
}

/// Whether two values are equal; values of different types are not.
pub(crate) fn equal(a: &Value, b: &Value) -> bool {
    a == b
}

/// Divides; whole results stay whole.
pub(crate) fn divide(a: &BigDecimal, b: &BigDecimal) -> Result<BigDecimal, String> {
    if b.is_zero() {
        return Err("this divides by zero".to_owned());
    }
    bounded((a / b).with_prec(DIVISION_DIGITS).normalized())
}

/// The rest of a division, with the sign of the dividend.
pub(crate) fn modulo(a: &BigDecimal, b: &BigDecimal) -> Result<BigDecimal, String> {
    if b.is_zero() {
        return Err("this divides by zero".to_owned());
    }
    Ok(a % b)
}

/// The results of both branches of a conditional, brought to one type; the chosen one is given back.
pub(super) fn choose(condition: bool, then: &Value, otherwise: &Value) -> Result<Value, String> {
    let chosen = if condition { then } else { otherwise };
    if matches!((then, otherwise), (Value::Null, _) | (_, Value::Null)) {
        return Ok(chosen.clone());
    }
    match unify_all(&[then.clone(), otherwise.clone()]) {
        Some(both) => Ok(both[usize::from(!condition)].clone()),
        None => Err(format!(
            "both results of a conditional must have one type; these are {} and {}",
            then.kind(),
            otherwise.kind()
        )),
    }
}

fn operand_bool(value: &Value) -> Result<bool, String> {
    match convert(value, &Type::Bool)? {
        Value::Bool(value) => Ok(value),
        _ => Err("a bool is needed, this is null".to_owned()),
    }
}

fn operand_number(value: &Value) -> Result<BigDecimal, String> {
    match convert(value, &Type::Number)? {
        Value::Number(number) => Ok(number),
        _ => Err("a number is needed, this is null".to_owned()),
    }
}
