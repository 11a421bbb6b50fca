//! `HEALTHCHECK`: its options are read here, since variables are not expanded in them.

use std::time::Duration;

use plimsoll_diagnostics::{Diagnostic, Spanned, did_you_mean};

use super::{
    flags::{Flags, Known, Takes},
    instructions::{Context, command},
    line::Body,
    shown,
};
use crate::ast::{Check, Healthcheck};

/// The flags of `HEALTHCHECK`.
pub(super) const FLAGS: Known = &[
    ("interval", Takes::Value),
    ("timeout", Takes::Value),
    ("start-period", Takes::Value),
    ("start-interval", Takes::Value),
    ("retries", Takes::Value),
];

/// The shortest time an engine takes.
const SHORTEST: Duration = Duration::from_millis(1);

pub(super) fn parse(
    arguments: Body<'_>,
    flags: &mut Flags,
    context: &mut Context<'_, '_>,
) -> Option<Healthcheck> {
    let text = arguments.text();
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    let (word, rest) = (arguments.until(end), arguments.from(end).trim());
    if word.text().eq_ignore_ascii_case("none") {
        if !rest.is_empty() {
            context.report(
                Diagnostic::error("extra-argument", "`HEALTHCHECK NONE` takes no arguments").at(rest.span()),
            );
            return None;
        }
        return Some(Healthcheck::None);
    }
    if !word.text().eq_ignore_ascii_case("cmd") {
        let meant = did_you_mean(word.text(), ["CMD", "NONE"]).unwrap_or("CMD");
        context.report(
            Diagnostic::error(
                "bad-healthcheck",
                format!("`{}` is no kind of `HEALTHCHECK`", shown(word.text())),
            )
            .at(word.span())
            .hint(format!("did you mean `{meant}`?")),
        );
        return None;
    }
    if rest.is_empty() {
        context.report(
            Diagnostic::error("missing-argument", "`HEALTHCHECK CMD` needs a command").at(word.span()),
        );
        return None;
    }
    let command = command("HEALTHCHECK CMD", rest, context)?;
    if command.value.is_empty() {
        context.report(
            Diagnostic::error("missing-argument", "`HEALTHCHECK CMD` needs a command").at(command.span),
        );
        return None;
    }
    Some(Healthcheck::Check(Box::new(Check {
        interval: time("interval", flags, context),
        timeout: time("timeout", flags, context),
        start_period: time("start-period", flags, context),
        start_interval: time("start-interval", flags, context),
        retries: retries(flags, context),
        command,
    })))
}

fn time(name: &str, flags: &mut Flags, context: &mut Context<'_, '_>) -> Option<Spanned<Duration>> {
    let value = flags.value(name)?;
    let problem = match duration(&value.value) {
        Some(time) if time.is_zero() || time >= SHORTEST => return Some(Spanned::new(time, value.span)),
        Some(_) => "is shorter than a millisecond",
        None => "is not a length of time",
    };
    context.report(
        Diagnostic::error("bad-flag-value", format!("`{}` {problem}", shown(&value.value)))
            .at(value.span)
            .hint("write for instance `30s`, `1m30s` or `500ms`"),
    );
    None
}

fn retries(flags: &mut Flags, context: &mut Context<'_, '_>) -> Option<Spanned<u32>> {
    let value = flags.value("retries")?;
    let number = value.value.parse::<u32>().ok().filter(|number| i32::try_from(*number).is_ok());
    if number.is_none() {
        context.report(
            Diagnostic::error(
                "bad-flag-value",
                format!("`{}` is not a number of retries", shown(&value.value)),
            )
            .at(value.span),
        );
    }
    number.map(|number| Spanned::new(number, value.span))
}

/// Reads a length of time as Go writes it: numbers with units, `1h2m3.5s`, `300ms`, or `0`; negative ones are none.
fn duration(text: &str) -> Option<Duration> {
    let text = text.strip_prefix('+').unwrap_or(text);
    if text == "0" {
        return Some(Duration::ZERO);
    }
    if text.is_empty() {
        return None;
    }
    let mut rest = text;
    let mut nanoseconds: u128 = 0;
    while !rest.is_empty() {
        let whole = rest.bytes().take_while(u8::is_ascii_digit).count();
        let integer = &rest[..whole];
        rest = &rest[whole..];
        let mut fraction = "";
        if let Some(behind) = rest.strip_prefix('.') {
            let length = behind.bytes().take_while(u8::is_ascii_digit).count();
            fraction = &behind[..length];
            rest = &behind[length..];
        }
        if integer.is_empty() && fraction.is_empty() {
            return None;
        }
        let units: [(&str, u128); 8] = [
            ("ns", 1),
            ("us", 1_000),
            ("µs", 1_000),
            ("μs", 1_000),
            ("ms", 1_000_000),
            ("s", 1_000_000_000),
            ("m", 60_000_000_000),
            ("h", 3_600_000_000_000),
        ];
        let (unit, size) = units.into_iter().find(|(unit, _)| rest.starts_with(unit))?;
        rest = &rest[unit.len()..];
        let integer: u128 = if integer.is_empty() { 0 } else { integer.parse().ok()? };
        nanoseconds = nanoseconds.checked_add(integer.checked_mul(size)?)?;
        let mut place = size;
        for digit in fraction.bytes() {
            place /= 10;
            nanoseconds = nanoseconds.checked_add(place * u128::from(digit - b'0'))?;
        }
    }
    // Engines count in signed 64-bit nanoseconds.
    let nanoseconds = u64::try_from(nanoseconds).ok().filter(|count| i64::try_from(*count).is_ok())?;
    Some(Duration::from_nanos(nanoseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_go_writes_them() {
        assert_eq!(duration("1h2m3.5s"), Some(Duration::from_millis(3_723_500)));
        assert_eq!(duration("300ms"), Some(Duration::from_millis(300)));
        assert_eq!(duration("1.5us"), Some(Duration::from_nanos(1500)));
        assert_eq!(duration(".5s"), Some(Duration::from_millis(500)));
        assert_eq!(duration("0"), Some(Duration::ZERO));
        for bad in ["", "5", "s", "-1s", "1x", "1s2", ".s", "99999999999h", "1 s"] {
            assert_eq!(duration(bad), None, "{bad}");
        }
    }
}
