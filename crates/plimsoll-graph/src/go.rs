//! Go's way to print values, which is the wording of image histories (Go, package `fmt`, verbs `%v` and `%q`).

use std::fmt::Write as _;

use plimsoll_diagnostics::sanitize;

/// A list as `%v` prints it: `[a b]`.
pub(crate) fn list<T: AsRef<str>>(items: &[T]) -> String {
    let items: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
    format!("[{}]", items.join(" "))
}

/// A list as `%q` prints it: `["a" "b"]`.
pub(crate) fn quoted_list<T: AsRef<str>>(items: &[T]) -> String {
    let items: Vec<String> = items.iter().map(|item| quoted(item.as_ref())).collect();
    format!("[{}]", items.join(" "))
}

/// A string as `%q` prints it.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        escape(character, '"', &mut out);
    }
    out.push('"');
    out
}

/// A number as `%q` prints it: the character of this number.
pub(crate) fn quoted_number(number: u32) -> String {
    let mut out = String::from("'");
    escape(char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER), '\'', &mut out);
    out.push('\'');
    out
}

/// A time in nanoseconds as its `String` method prints it: `1m30s`, `1.5s`, `250ms`.
pub(crate) fn duration(nanoseconds: u64) -> String {
    const SECOND: u64 = 1_000_000_000;
    match nanoseconds {
        0 => "0s".to_owned(),
        1..1_000 => format!("{nanoseconds}ns"),
        1_000..1_000_000 => format!("{}µs", decimal(nanoseconds, 1_000)),
        1_000_000..SECOND => format!("{}ms", decimal(nanoseconds, 1_000_000)),
        _ => {
            let (minutes, rest) = (nanoseconds / (60 * SECOND), nanoseconds % (60 * SECOND));
            let seconds = decimal(rest, SECOND);
            match (minutes / 60, minutes % 60) {
                (0, 0) => format!("{seconds}s"),
                (0, minutes) => format!("{minutes}m{seconds}s"),
                (hours, minutes) => format!("{hours}h{minutes}m{seconds}s"),
            }
        }
    }
}

/// `value / unit`, with as many decimals as it takes; the unit is a power of ten.
fn decimal(value: u64, unit: u64) -> String {
    let fraction = value % unit;
    if fraction == 0 {
        return (value / unit).to_string();
    }
    let width = unit.ilog10() as usize;
    let digits = format!("{fraction:0width$}");
    format!("{}.{}", value / unit, digits.trim_end_matches('0'))
}

fn escape(character: char, quote: char, out: &mut String) {
    let short = match character {
        '\x07' => "\\a",
        '\x08' => "\\b",
        '\x0c' => "\\f",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        '\x0b' => "\\v",
        '\\' => "\\\\",
        _ if character == quote => {
            out.push('\\');
            out.push(quote);
            return;
        }
        ' ' => " ",
        _ if !character.is_control() && !character.is_whitespace() && !sanitize::is_hidden(character) => {
            out.push(character);
            return;
        }
        _ => {
            let code = u32::from(character);
            let written = match code {
                0..=0x7f => write!(out, "\\x{code:02x}"),
                0x80..=0xffff => write!(out, "\\u{code:04x}"),
                _ => write!(out, "\\U{code:08x}"),
            };
            written.expect("writing to a string cannot fail");
            return;
        }
    };
    out.push_str(short);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_quoted_like_go() {
        assert_eq!(quoted("a \"b\" \\ \n\t\x01\x7f'"), r#""a \"b\" \\ \n\t\x01\x7f'""#);
        assert_eq!(quoted("ü…\u{200b}\u{a0}"), "\"ü…\\u200b\\u00a0\"");
        assert_eq!(quoted_list(&["node", "a.js"]), r#"["node" "a.js"]"#);
        assert_eq!(quoted_list::<&str>(&[]), "[]");
        assert_eq!(list(&["/a", "/b"]), "[/a /b]");
    }

    #[test]
    fn numbers_are_quoted_as_characters() {
        assert_eq!(quoted_number(0), r"'\x00'");
        assert_eq!(quoted_number(3), r"'\x03'");
        assert_eq!(quoted_number(10), r"'\n'");
        assert_eq!(quoted_number(39), r"'\''");
        assert_eq!(quoted_number(34), "'\"'");
        assert_eq!(quoted_number(65), "'A'");
        assert_eq!(quoted_number(u32::MAX), "'\u{fffd}'");
    }

    #[test]
    fn durations_are_printed_like_go() {
        for (nanoseconds, text) in [
            (0, "0s"),
            (1, "1ns"),
            (1_500, "1.5µs"),
            (250_000_000, "250ms"),
            (1_000_000_000, "1s"),
            (1_050_000_000, "1.05s"),
            (30_000_000_000, "30s"),
            (90_000_000_000, "1m30s"),
            (300_000_000_000, "5m0s"),
            (3_600_000_000_000, "1h0m0s"),
            (5_415_500_000_000, "1h30m15.5s"),
        ] {
            assert_eq!(duration(nanoseconds), text);
        }
    }
}
