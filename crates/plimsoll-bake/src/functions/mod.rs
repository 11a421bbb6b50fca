//! The standard library of functions.

mod collections;
mod date;
mod digest;
mod encoding;
mod format;
mod mapping;
mod network;
mod numbers;
mod sets;
mod strings;
mod version;

pub(crate) use encoding::{from_json, write_json};
pub(crate) use strings::sanitize;

use std::collections::BTreeMap;

use bigdecimal::BigDecimal;

use crate::language::{Type, Value, convert, whole};
use crate::problem::{Outcome, Place, Problem};

/// What functions may know of the machine.
#[derive(Clone, Debug, Default)]
pub struct Machine {
    /// The user's home directory, for `homedir()`.
    pub home: Option<String>,
    /// The time that `timestamp()` gives, in seconds since 1970.
    pub now: i64,
}

/// A function that takes values.
type Function = fn(&Args<'_>) -> Outcome<Value>;

/// The arguments of a call, with the conversions that functions need.
pub(crate) struct Args<'a> {
    pub(crate) name: &'a str,
    pub(crate) values: &'a [(Value, Place)],
    pub(crate) place: &'a Place,
    pub(crate) machine: &'a Machine,
}

/// No function makes more than this many bytes at once.
const LARGEST_RESULT: usize = 16 << 20;

/// Names that `call` does not know because they take expressions.
const LAZY: [&str; 3] = ["can", "convert", "try"];

/// All names, for suggestions.
pub(crate) fn all_names() -> impl Iterator<Item = &'static str> {
    tables().into_iter().flatten().map(|(name, _)| *name).chain(LAZY)
}

fn tables() -> [&'static [(&'static str, Function)]; 11] {
    [
        collections::TABLE,
        date::TABLE,
        digest::TABLE,
        encoding::TABLE,
        format::TABLE,
        mapping::TABLE,
        network::TABLE,
        numbers::TABLE,
        sets::TABLE,
        strings::TABLE,
        version::TABLE,
    ]
}

fn find(name: &str) -> Option<Function> {
    tables().into_iter().flatten().find(|(known, _)| *known == name).map(|(_, function)| *function)
}

/// Calls a function; none when there is none of this name.
pub(crate) fn call(
    name: &str,
    values: &[(Value, Place)],
    place: &Place,
    machine: &Machine,
) -> Option<Outcome<Value>> {
    let function = find(name)?;
    Some(function(&Args { name, values, place, machine }))
}

impl<'a> Args<'a> {
    /// Checks the number of arguments.
    pub(crate) fn exactly(&self, count: usize) -> Outcome<()> {
        self.between(count, count)
    }

    /// Checks the number of arguments.
    pub(crate) fn between(&self, least: usize, most: usize) -> Outcome<()> {
        let given = self.values.len();
        if (least..=most).contains(&given) {
            return Ok(());
        }
        let wanted = match (least, most) {
            (least, most) if least == most => least.to_string(),
            (least, usize::MAX) => format!("at least {least}"),
            (least, most) => format!("{least} to {most}"),
        };
        let plural = if wanted == "1" || wanted == "at least 1" { "" } else { "s" };
        let message = format!("`{}` takes {wanted} argument{plural}, not {given}", self.name);
        Err(self.place.error("bad-argument", message))
    }

    /// An error about one argument.
    pub(crate) fn fail(&self, at: usize, message: impl std::fmt::Display) -> Problem {
        let place = self.values.get(at).map_or(self.place, |(_, place)| place);
        place.error("bad-argument", format!("`{}`: {message}", self.name))
    }

    /// The argument as it is; null is refused.
    pub(crate) fn value(&self, at: usize) -> Outcome<&'a Value> {
        match self.values.get(at) {
            Some((Value::Null, _)) => Err(self.fail(at, "the argument must not be null")),
            Some((value, _)) => Ok(value),
            None => Err(self.fail(at, "an argument is missing")),
        }
    }

    fn converted(&self, at: usize, kind: &Type) -> Outcome<Value> {
        convert(self.value(at)?, kind).map_err(|error| self.fail(at, error))
    }

    /// The argument as a text.
    pub(crate) fn text(&self, at: usize) -> Outcome<String> {
        match self.converted(at, &Type::String)? {
            Value::String(text) => Ok(text),
            _ => Err(self.fail(at, "a string is needed")),
        }
    }

    /// The argument as a number.
    pub(crate) fn number(&self, at: usize) -> Outcome<BigDecimal> {
        match self.converted(at, &Type::Number)? {
            Value::Number(number) => Ok(number),
            _ => Err(self.fail(at, "a number is needed")),
        }
    }

    /// The argument as a whole number.
    pub(crate) fn integer(&self, at: usize) -> Outcome<i64> {
        whole(&self.number(at)?).ok_or_else(|| self.fail(at, "a whole number is needed"))
    }

    /// The argument as true or false.
    pub(crate) fn truth(&self, at: usize) -> Outcome<bool> {
        match self.converted(at, &Type::Bool)? {
            Value::Bool(value) => Ok(value),
            _ => Err(self.fail(at, "a bool is needed")),
        }
    }

    /// The elements of a list, tuple or set.
    pub(crate) fn sequence(&self, at: usize) -> Outcome<&'a [Value]> {
        let value = self.value(at)?;
        value
            .as_sequence()
            .ok_or_else(|| self.fail(at, format!("a list is needed, this is {}", value.kind())))
    }

    /// The elements of a list of texts.
    pub(crate) fn texts(&self, at: usize) -> Outcome<Vec<String>> {
        let text = |value: &Value| match convert(value, &Type::String) {
            Ok(Value::String(text)) => Ok(text),
            Ok(_) => Err(self.fail(at, "an element is null")),
            Err(error) => Err(self.fail(at, error)),
        };
        self.sequence(at)?.iter().map(text).collect()
    }

    /// The elements of a map or object.
    pub(crate) fn mapping(&self, at: usize) -> Outcome<&'a BTreeMap<String, Value>> {
        let value = self.value(at)?;
        value.as_mapping().ok_or_else(|| self.fail(at, format!("a map is needed, this is {}", value.kind())))
    }

    /// Refuses a result that has so many parts of this size, before it is made.
    pub(crate) fn fits(&self, count: usize, size: usize) -> Outcome<()> {
        if count.saturating_mul(size) > LARGEST_RESULT {
            return Err(self.fail(0, "the result would be too large"));
        }
        Ok(())
    }

    /// Number of arguments.
    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }
}
