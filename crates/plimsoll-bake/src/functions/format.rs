//! `format` and `formatlist`: verbs as in C's `printf`, with the meaning that HCL gives them.

use bigdecimal::{BigDecimal, RoundingMode, Signed as _, ToPrimitive as _};

use super::encoding::write_json;
use super::{Args, Function};
use crate::language::{Type, Value, convert, number_text};
use crate::problem::Outcome;

pub(super) const TABLE: &[(&str, Function)] = &[
    ("format", |args| {
        args.between(1, usize::MAX)?;
        let values: Vec<Value> = args.values[1..].iter().map(|(value, _)| value.clone()).collect();
        format(&args.text(0)?, &values).map(Value::String).map_err(|error| args.fail(0, error))
    }),
    ("formatlist", formatlist),
];

/// No field is wider, no number has more digits behind the point.
const WIDEST: usize = 4096;

fn formatlist(args: &Args<'_>) -> Outcome<Value> {
    args.between(1, usize::MAX)?;
    let pattern = args.text(0)?;
    let mut length = None;
    for (at, (value, _)) in args.values.iter().enumerate().skip(1) {
        if let Some(list) = value.as_sequence() {
            match length {
                None => length = Some(list.len()),
                Some(known) if known != list.len() => {
                    return Err(
                        args.fail(at, format!("the list has {} elements, another {known}", list.len()))
                    );
                }
                Some(_) => {}
            }
        }
    }
    args.fits(length.unwrap_or(1), pattern.len())?;
    let mut lines = Vec::new();
    for row in 0..length.unwrap_or(1) {
        let values: Vec<Value> = args.values[1..]
            .iter()
            .map(|(value, _)| value.as_sequence().map_or_else(|| value.clone(), |list| list[row].clone()))
            .collect();
        lines.push(Value::String(format(&pattern, &values).map_err(|error| args.fail(0, error))?));
    }
    Ok(Value::List(lines))
}

/// One verb with its flags.
#[derive(Default)]
struct Verb {
    left: bool,
    plus: bool,
    space: bool,
    zero: bool,
    sharp: bool,
    width: usize,
    precision: Option<usize>,
}

fn format(pattern: &str, values: &[Value]) -> Result<String, String> {
    let mut out = String::new();
    let mut characters = pattern.chars().peekable();
    let (mut next, mut highest, mut explicit) = (0_usize, 0_usize, false);
    while let Some(character) = characters.next() {
        if character != '%' {
            out.push(character);
            continue;
        }
        let mut verb = Verb::default();
        while let Some(flag) = characters.next_if(|c| matches!(c, '-' | '+' | ' ' | '0' | '#')) {
            match flag {
                '-' => verb.left = true,
                '+' => verb.plus = true,
                ' ' => verb.space = true,
                '0' => verb.zero = true,
                _ => verb.sharp = true,
            }
        }
        verb.width = digits(&mut characters)?.unwrap_or(0);
        if characters.next_if_eq(&'.').is_some() {
            verb.precision = Some(digits(&mut characters)?.unwrap_or(0));
        }
        if characters.next_if_eq(&'[').is_some() {
            let index = digits(&mut characters)?.filter(|index| *index > 0);
            next = index.ok_or("`[…]` needs the number of an argument, from 1")? - 1;
            explicit = true;
            if characters.next() != Some(']') {
                return Err("a `]` is missing".to_owned());
            }
        }
        let Some(letter) = characters.next() else { return Err("the text ends within a verb".to_owned()) };
        if letter == '%' {
            out.push('%');
            continue;
        }
        let value = values.get(next).ok_or_else(|| {
            format!("`%{letter}` needs argument {}, but there are only {}", next + 1, values.len())
        })?;
        next += 1;
        highest = highest.max(next);
        out.push_str(&verb.write(letter, value)?);
    }
    if !explicit && highest < values.len() {
        return Err(format!("the text uses {highest} of {} arguments", values.len()));
    }
    Ok(out)
}

fn digits(characters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<Option<usize>, String> {
    let mut number = None;
    while let Some(digit) = characters.next_if(char::is_ascii_digit) {
        let digit = digit.to_digit(10).unwrap_or(0) as usize;
        let value = number.unwrap_or(0) * 10 + digit;
        if value > WIDEST {
            return Err(format!("a width is larger than {WIDEST}"));
        }
        number = Some(value);
    }
    Ok(number)
}

impl Verb {
    fn write(&self, letter: char, value: &Value) -> Result<String, String> {
        let text = match letter {
            'v' if self.sharp => self.pad(&json(value)),
            'v' => match value {
                Value::String(text) => self.pad(&self.cut(text)),
                Value::Number(number) => self.signed(&number_text(number)),
                other => self.pad(&json(other)),
            },
            't' => match convert(value, &Type::Bool).map_err(|error| format!("`%t`: {error}"))? {
                Value::Bool(value) => self.pad(if value { "true" } else { "false" }),
                _ => return Err("`%t` needs a bool, this is null".to_owned()),
            },
            's' => self.pad(&self.cut(&text_of(letter, value)?)),
            'q' => self.pad(&json(&Value::String(self.cut(&text_of(letter, value)?)))),
            'd' | 'b' | 'o' | 'x' | 'X' => {
                let number = number_of(letter, value)?;
                if !number.is_integer() {
                    return Err(format!(
                        "`%{letter}` needs a whole number, this is {}",
                        number_text(&number)
                    ));
                }
                let digits = match letter {
                    'd' => number_text(&number),
                    letter => radix(&number, letter)?,
                };
                self.signed(&digits)
            }
            'f' => {
                let number = number_of(letter, value)?;
                let scale = i64::try_from(self.precision.unwrap_or(6)).unwrap_or(6);
                self.signed(&number.with_scale_round(scale, RoundingMode::HalfEven).to_plain_string())
            }
            'e' | 'E' | 'g' | 'G' => {
                let number = number_of(letter, value)?.to_f64().ok_or("the number is too large")?;
                let text = scientific(number, letter, self.precision);
                self.signed(&text)
            }
            other => return Err(format!("there is no verb `%{other}`")),
        };
        Ok(text)
    }

    fn cut(&self, text: &str) -> String {
        match self.precision {
            Some(precision) => text.chars().take(precision).collect(),
            None => text.to_owned(),
        }
    }

    fn pad(&self, text: &str) -> String {
        let missing = self.width.saturating_sub(text.chars().count());
        match (missing, self.left) {
            (0, _) => text.to_owned(),
            (missing, true) => format!("{text}{}", " ".repeat(missing)),
            (missing, false) => format!("{}{text}", " ".repeat(missing)),
        }
    }

    /// A number: with its sign first, and zeros in front where they are asked for.
    fn signed(&self, text: &str) -> String {
        let (sign, digits) = match text.strip_prefix('-') {
            Some(digits) => ("-", digits),
            None if self.plus => ("+", text),
            None if self.space => (" ", text),
            None => ("", text),
        };
        let missing = self.width.saturating_sub(sign.len() + digits.len());
        if self.zero && !self.left && missing > 0 {
            return format!("{sign}{}{digits}", "0".repeat(missing));
        }
        self.pad(&format!("{sign}{digits}"))
    }
}

fn json(value: &Value) -> String {
    let mut out = String::new();
    write_json(value, &mut out);
    out
}

fn text_of(letter: char, value: &Value) -> Result<String, String> {
    match convert(value, &Type::String).map_err(|error| format!("`%{letter}`: {error}"))? {
        Value::String(text) => Ok(text),
        _ => Err(format!("`%{letter}` needs a string, this is null")),
    }
}

fn number_of(letter: char, value: &Value) -> Result<BigDecimal, String> {
    match convert(value, &Type::Number).map_err(|error| format!("`%{letter}`: {error}"))? {
        Value::Number(number) => Ok(number),
        _ => Err(format!("`%{letter}` needs a number, this is null")),
    }
}

fn radix(number: &BigDecimal, letter: char) -> Result<String, String> {
    let magnitude = number.abs().to_u128().ok_or("the number is too large")?;
    let digits = match letter {
        'b' => format!("{magnitude:b}"),
        'o' => format!("{magnitude:o}"),
        'x' => format!("{magnitude:x}"),
        _ => format!("{magnitude:X}"),
    };
    Ok(if number.is_negative() { format!("-{digits}") } else { digits })
}

/// `%e` and `%g`: the exponent has a sign and at least two digits.
fn scientific(number: f64, letter: char, precision: Option<usize>) -> String {
    let exponent_of = |text: &str| {
        let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
        (mantissa.to_owned(), exponent.parse::<i32>().unwrap_or(0))
    };
    let mark = if letter.is_uppercase() { 'E' } else { 'e' };
    let shown = |mantissa: &str, exponent: i32| {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{mantissa}{mark}{sign}{:02}", exponent.abs())
    };
    if matches!(letter, 'e' | 'E') {
        let (mantissa, exponent) = exponent_of(&format!("{number:.*e}", precision.unwrap_or(6)));
        return shown(&mantissa, exponent);
    }
    let text = match precision {
        Some(precision) => format!("{number:.*e}", precision.max(1) - 1),
        None => format!("{number:e}"),
    };
    let (mantissa, exponent) = exponent_of(&text);
    let digits = mantissa.chars().filter(char::is_ascii_digit).count();
    let limit = precision.map_or_else(|| digits.max(21), |precision| precision.max(1));
    if exponent < -4 || exponent >= i32::try_from(limit).unwrap_or(i32::MAX) {
        let mantissa = if mantissa.contains('.') {
            mantissa.trim_end_matches('0').trim_end_matches('.')
        } else {
            &mantissa
        };
        return shown(mantissa, exponent);
    }
    let plain: BigDecimal = text.parse().unwrap_or_default();
    number_text(&plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(pattern: &str, value: Value) -> String {
        format(pattern, &[value]).unwrap()
    }

    fn num(text: &str) -> Value {
        Value::Number(text.parse().unwrap())
    }

    #[test]
    fn verbs_write_what_they_are_for() {
        assert_eq!(one("%d", num("12.0")), "12");
        assert_eq!(one("%05d|", num("-12")), "-0012|");
        assert_eq!(one("%-5d|", num("12")), "12   |");
        assert_eq!(one("%x", num("255")), "ff");
        assert_eq!(one("%.2f", num("2.345")), "2.34");
        assert_eq!(one("%e", num("1500")), "1.500000e+03");
        assert_eq!(one("%g", num("1500")), "1500");
        assert_eq!(one("%q", Value::text("a\"b")), "\"a\\\"b\"");
        assert_eq!(one("%v", Value::Tuple(vec![num("1"), Value::text("x")])), "[1,\"x\"]");
        assert_eq!(one("%5s|%%", Value::text("ab")), "   ab|%");
    }

    #[test]
    fn arguments_may_be_named_by_number() {
        assert_eq!(format("%[2]s-%[1]s", &[Value::text("a"), Value::text("b")]).unwrap(), "b-a");
    }

    #[test]
    fn too_few_and_too_many_arguments_are_errors() {
        assert!(format("%s", &[]).is_err());
        assert!(format("x", &[Value::text("a")]).is_err());
    }
}
