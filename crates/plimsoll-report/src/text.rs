//! Text for lines of limited width, and times.

use jiff::Timestamp;
use plimsoll_diagnostics::sanitize;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Text of unknown origin for a place of so many columns: safe, in one line, and cut where it is longer.
pub(crate) fn clip(text: &str, columns: usize) -> String {
    // No character takes more than twelve columns as an escape, so a name of megabytes is not looked at as a whole.
    let head: String =
        text.chars().take(columns + 1).map(|one| if one == '\t' { ' ' } else { one }).collect();
    let line = sanitize::line(&head);
    if line.width() <= columns {
        return line.into_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for character in line.chars() {
        used += character.width().unwrap_or(0);
        if used + 1 > columns {
            break;
        }
        out.push(character);
    }
    out.push('…');
    out
}

/// The text with blanks up to so many columns.
pub(crate) fn pad(text: &str, columns: usize) -> String {
    let mut out = text.to_owned();
    out.extend(std::iter::repeat_n(' ', columns.saturating_sub(text.width())));
    out
}

/// The text in lines of at most so many columns, broken at blanks; a word that is longer has a line of its own and is cut.
pub(crate) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let word = clip(word, columns);
        let line = lines.last_mut().expect("there is one from the start");
        if line.is_empty() {
            *line = word;
        } else if line.width() + 1 + word.width() <= columns {
            line.push(' ');
            line.push_str(&word);
        } else {
            lines.push(word);
        }
    }
    lines
}

/// `1 package`, `2 packages`.
pub(crate) fn counted(count: usize, one: &str, more: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { more })
}

/// A path with its line, if it has one.
pub(crate) fn place(path: &str, line: Option<u32>) -> String {
    line.map_or_else(|| path.to_owned(), |line| format!("{path}:{line}"))
}

/// A sentence about a path, or about everything.
pub(crate) fn located(path: &str, sentence: &str) -> String {
    if path.is_empty() { sentence.to_owned() } else { format!("{path}: {sentence}") }
}

/// The day of a time in seconds since 1970: `2026-05-01`.
pub(crate) fn day(seconds: u64) -> String {
    timestamp(seconds).strftime("%Y-%m-%d").to_string()
}

/// A time in seconds since 1970 as `2026-05-01T12:00:00`, in UTC.
pub(crate) fn time(seconds: u64) -> String {
    timestamp(seconds).strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

fn timestamp(seconds: u64) -> Timestamp {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_and_hostile_text_is_cut_to_its_columns() {
        assert_eq!(clip("abcdef", 6), "abcdef");
        assert_eq!(clip("abcdefg", 6), "abcde…");
        assert_eq!(clip("\x1b[2Jabc", 8), "\\x1b[2J…");
        assert_eq!(clip("日本語", 5), "日本…");
        assert_eq!(clip("a\tb\nc", 9), "a b\\nc");
    }

    #[test]
    fn lines_break_at_blanks() {
        assert_eq!(wrap("one two three four", 9), ["one two", "three", "four"]);
        assert_eq!(wrap("abcdefghijkl x", 6), ["abcde…", "x"]);
        assert_eq!(wrap("", 6), [""]);
    }

    #[test]
    fn times_are_in_utc_and_never_fail() {
        assert_eq!(time(1_777_636_800), "2026-05-01T12:00:00");
        assert_eq!(day(0), "1970-01-01");
        assert_eq!(day(u64::MAX), "9999-12-30");
    }
}
