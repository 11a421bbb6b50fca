//! Times.

use std::collections::BTreeMap;

use jiff::civil::Weekday;
use jiff::{SignedDuration, Timestamp, Zoned, tz::TimeZone};

use super::{Args, Function};
use crate::language::{Value, number};
use crate::problem::Outcome;

pub(super) const TABLE: &[(&str, Function)] = &[
    ("formatdate", formatdate),
    ("formattimestamp", |args| {
        args.exactly(2)?;
        let time = match args.value(1)? {
            Value::Number(_) => seconds(args, 1)?,
            _ => parse(args, 1)?,
        };
        format(args, &args.text(0)?, &time)
    }),
    ("rfc3339parse", |args| {
        args.exactly(1)?;
        Ok(parts(&parse(args, 0)?))
    }),
    ("timeadd", timeadd),
    ("timestamp", |args| {
        args.exactly(0)?;
        let now = Timestamp::from_second(args.machine.now).map_err(|error| args.fail(0, error))?;
        Ok(Value::text(now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()))
    }),
    ("unixtimestampparse", |args| {
        args.exactly(1)?;
        Ok(parts(&seconds(args, 0)?))
    }),
];

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

fn day_name(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "Monday",
        Weekday::Tuesday => "Tuesday",
        Weekday::Wednesday => "Wednesday",
        Weekday::Thursday => "Thursday",
        Weekday::Friday => "Friday",
        Weekday::Saturday => "Saturday",
        Weekday::Sunday => "Sunday",
    }
}

fn seconds(args: &Args<'_>, at: usize) -> Outcome<Zoned> {
    let time = Timestamp::from_second(args.integer(at)?).map_err(|error| args.fail(at, error))?;
    Ok(time.to_zoned(TimeZone::UTC))
}

/// A time with the offset that it is written with.
fn parse(args: &Args<'_>, at: usize) -> Outcome<Zoned> {
    let text = args.text(at)?;
    let wrong = || args.fail(at, format!("`{text}` is not a time of the form 2006-01-02T15:04:05Z"));
    if !text.contains('T') {
        return Err(wrong());
    }
    let time: Timestamp = text.parse().map_err(|_| wrong())?;
    let zone = match text.rfind(['+', '-']).filter(|at| *at > 10) {
        Some(at) => {
            let (hours, minutes) = text[at + 1..].split_once(':').ok_or_else(wrong)?;
            let number = |text: &str| text.parse::<i32>().map_err(|_| wrong());
            let offset = number(hours)? * 3600 + number(minutes)? * 60;
            let offset = if text.as_bytes()[at] == b'-' { -offset } else { offset };
            TimeZone::fixed(jiff::tz::Offset::from_seconds(offset).map_err(|_| wrong())?)
        }
        None => TimeZone::UTC,
    };
    Ok(time.to_zoned(zone))
}

fn parts(time: &Zoned) -> Value {
    let signed = |value: i64| Value::Number(value.into());
    let week = time.date().iso_week_date();
    let weekday = time.weekday();
    let month = usize::from(time.month().unsigned_abs());
    let entries = [
        ("year", signed(time.year().into())),
        ("year_day", signed(time.day_of_year().into())),
        ("day", signed(time.day().into())),
        ("month", signed(time.month().into())),
        ("month_name", Value::text(MONTHS[month - 1])),
        ("weekday", number(usize::from(weekday.to_sunday_zero_offset().unsigned_abs()))),
        ("weekday_name", Value::text(day_name(weekday))),
        ("hour", signed(time.hour().into())),
        ("minute", signed(time.minute().into())),
        ("second", signed(time.second().into())),
        ("unix", signed(time.timestamp().as_second())),
        ("iso_year", signed(week.year().into())),
        ("iso_week", signed(week.week().into())),
    ];
    Value::Object(
        entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<BTreeMap<_, _>>(),
    )
}

fn timeadd(args: &Args<'_>) -> Outcome<Value> {
    args.exactly(2)?;
    let time = parse(args, 0)?;
    let text = args.text(1)?;
    let duration = go_duration(&text)
        .ok_or_else(|| args.fail(1, format!("`{text}` is not a duration such as `1h30m`")))?;
    let time = time.checked_add(duration).map_err(|error| args.fail(1, error))?;
    Ok(Value::String(rfc3339(&time)))
}

fn rfc3339(time: &Zoned) -> String {
    let seconds = time.offset().seconds();
    let base = time.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    if seconds == 0 { format!("{base}Z") } else { format!("{base}{}", offset(seconds, true)) }
}

fn offset(seconds: i32, colon: bool) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.abs() / 60;
    let colon = if colon { ":" } else { "" };
    format!("{sign}{:02}{colon}{:02}", minutes / 60, minutes % 60)
}

/// A duration as Go writes it: numbers with units, one behind the other.
fn go_duration(text: &str) -> Option<SignedDuration> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(SignedDuration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total = 0.0_f64;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let amount: f64 = rest[..end].parse().ok()?;
        rest = &rest[end..];
        let end = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        let unit = match &rest[..end] {
            "ns" => 1e-9,
            "us" | "µs" | "μs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        total += amount * unit;
        rest = &rest[end..];
    }
    SignedDuration::try_from_secs_f64(if negative { -total } else { total }).ok()
}

fn formatdate(args: &Args<'_>) -> Outcome<Value> {
    args.exactly(2)?;
    let time = parse(args, 1)?;
    format(args, &args.text(0)?, &time)
}

/// Runs of one letter are parts of the time; everything else, and what stands in `'`, is copied.
fn format(args: &Args<'_>, pattern: &str, time: &Zoned) -> Outcome<Value> {
    let mut out = String::new();
    let mut characters = pattern.chars().peekable();
    while let Some(character) = characters.next() {
        if character == '\'' {
            loop {
                match characters.next() {
                    None => return Err(args.fail(0, "a `'` is not closed")),
                    Some('\'') if characters.peek() == Some(&'\'') => {
                        characters.next();
                        out.push('\'');
                    }
                    Some('\'') => break,
                    Some(character) => out.push(character),
                }
            }
            continue;
        }
        if !character.is_ascii_alphabetic() {
            out.push(character);
            continue;
        }
        let mut run = String::from(character);
        while let Some(next) = characters.next_if_eq(&character) {
            run.push(next);
        }
        let part = date_part(&run, time)
            .ok_or_else(|| args.fail(0, format!("`{run}` is no part of a time; put text into `'…'`")))?;
        out.push_str(&part);
    }
    Ok(Value::String(out))
}

fn date_part(run: &str, time: &Zoned) -> Option<String> {
    let month = MONTHS[usize::from(time.month().unsigned_abs()) - 1];
    let day = day_name(time.weekday());
    let hour12 = match time.hour() % 12 {
        0 => 12,
        hour => hour,
    };
    let seconds = time.offset().seconds();
    Some(match run {
        "YYYY" => format!("{:04}", time.year()),
        "YY" => format!("{:02}", time.year() % 100),
        "MMMM" => month.to_owned(),
        "MMM" => month[..3].to_owned(),
        "MM" => format!("{:02}", time.month()),
        "M" => time.month().to_string(),
        "DD" => format!("{:02}", time.day()),
        "D" => time.day().to_string(),
        "EEEE" => day.to_owned(),
        "EEE" => day[..3].to_owned(),
        "hh" => format!("{:02}", time.hour()),
        "h" => time.hour().to_string(),
        "HH" => format!("{hour12:02}"),
        "H" => hour12.to_string(),
        "AA" => (if time.hour() < 12 { "AM" } else { "PM" }).to_owned(),
        "aa" => (if time.hour() < 12 { "am" } else { "pm" }).to_owned(),
        "mm" => format!("{:02}", time.minute()),
        "m" => time.minute().to_string(),
        "ss" => format!("{:02}", time.second()),
        "s" => time.second().to_string(),
        "ZZZ" if seconds == 0 => "UTC".to_owned(),
        "ZZZZ" | "ZZZ" => offset(seconds, false),
        "Z" if seconds == 0 => "Z".to_owned(),
        "ZZZZZ" | "Z" => offset(seconds, true),
        _ => return None,
    })
}
