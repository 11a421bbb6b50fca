//! The one sanitiser for text that comes from an image, a log, a registry, a database or a Dockerfile.
//!
//! Control characters could move the cursor, rewrite what was printed or set the clipboard; bidirectional and zero-width characters
//! make a line look like another one. All of them are shown as escapes (`\x1b`, `\u{202e}`). Backslashes themselves are left alone: the
//! result is for reading, not for decoding.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Makes text safe for one line: line feeds and carriage returns are escaped too, tabs stay.
pub fn line(text: &str) -> Cow<'_, str> {
    escape_where(text, |character| is_hidden(character) || matches!(character, '\n' | '\r'))
}

/// Makes text of several lines safe: line feeds and tabs stay, a carriage return before a line feed goes.
pub fn text(text: &str) -> Cow<'_, str> {
    if text.contains("\r\n") {
        return Cow::Owned(
            escape_where(&text.replace("\r\n", "\n"), |character| is_hidden(character) || character == '\r')
                .into_owned(),
        );
    }
    escape_where(text, |character| is_hidden(character) || character == '\r')
}

/// Makes one line of a step's log safe: like [`line()`], but colours (SGR sequences, `ESC [ … m`) pass.
///
/// A carriage return that ends the line goes. When a colour sequence passed, the line ends with a reset, so that the next line is not coloured by it.
pub fn log_line(text: &str) -> Cow<'_, str> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if !text.contains('\x1b') {
        return line(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    let mut coloured = false;
    let mut rest = text;
    while let Some(at) = rest.find('\x1b') {
        out.push_str(&line(&rest[..at]));
        rest = &rest[at..];
        if let Some(length) = colour_sequence_len(rest) {
            out.push_str(&rest[..length]);
            rest = &rest[length..];
            coloured = true;
        } else {
            out.push_str("\\x1b");
            rest = &rest[1..];
        }
    }
    out.push_str(&line(rest));
    if coloured && !out.ends_with("\x1b[0m") {
        out.push_str("\x1b[0m");
    }
    Cow::Owned(out)
}

/// Makes one line safe for the log of a CI system: what such a system would take for a command is broken.
///
/// GitHub takes lines that start with `::` (after blanks), and like Azure and `TeamCity` whatever holds `##[`, `##vso[`,
/// `##teamcity[`. Their first character is shown as an escape. The line has to be sanitised otherwise before; colour
/// sequences in front do not hide a command.
pub fn ci_line(text: &str) -> Cow<'_, str> {
    let mut at = 0;
    loop {
        let rest = &text[at..];
        if let Some(length) = colour_sequence_len(rest) {
            at += length;
        } else if let Some(blank) = rest.chars().next().filter(|character| character.is_whitespace()) {
            at += blank.len_utf8();
        } else {
            break;
        }
    }
    let mut out = String::new();
    let mut kept = 0;
    let mut breaks = |place: usize, escape: &str| {
        out.push_str(&text[kept..place]);
        out.push_str(escape);
        kept = place + 1;
    };
    if text[at..].starts_with("::") {
        breaks(at, "\\x3a");
    }
    let mut from = 0;
    while let Some(start) = text[from..].find("##").map(|found| from + found) {
        let name = text[start..].trim_start_matches('#');
        let hashes = text.len() - name.len();
        let rest = name.trim_start_matches(|one: char| one.is_ascii_alphanumeric());
        if rest.starts_with('[') {
            breaks(hashes - 2, "\\x23");
        }
        from = text.len() - rest.len();
    }
    if kept == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[kept..]);
    Cow::Owned(out)
}

/// Whether a character is one that hides or moves text; line feed, carriage return and tab are not.
pub fn is_hidden(character: char) -> bool {
    match character {
        '\t' | '\n' | '\r' | ' '..='~' => false,
        '\0'..='\x1f' | '\x7f'..='\u{9f}' => true,
        _ => matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}'),
    }
}

/// Length of the SGR sequence that `text` starts with.
fn colour_sequence_len(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix("\x1b[")?;
    let end = parameters.bytes().position(|byte| !matches!(byte, b'0'..=b'9' | b';' | b':'))?;
    // A colour needs at most a handful of parameters; a longer run is no colour.
    (parameters.as_bytes()[end] == b'm' && end <= 48).then_some(end + 3)
}

fn escape_where(text: &str, hide: impl Fn(char) -> bool) -> Cow<'_, str> {
    let Some(first) = text.char_indices().find(|(_, character)| hide(*character)).map(|(at, _)| at) else {
        return Cow::Borrowed(text);
    };
    let mut out = String::with_capacity(text.len() + 16);
    out.push_str(&text[..first]);
    for character in text[first..].chars() {
        if !hide(character) {
            out.push(character);
            continue;
        }
        let written = match character {
            '\n' => out.write_str("\\n"),
            '\r' => out.write_str("\\r"),
            '\0'..='\u{7f}' => write!(out, "\\x{:02x}", u32::from(character)),
            _ => write!(out, "\\u{{{:x}}}", u32::from(character)),
        };
        written.expect("writing to a string cannot fail");
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_text_is_borrowed() {
        assert!(matches!(line("a\tb — ü"), Cow::Borrowed("a\tb — ü")));
    }

    #[test]
    fn control_characters_are_shown() {
        assert_eq!(line("a\x1b[2Jb\r\n\0"), "a\\x1b[2Jb\\r\\n\\x00");
        assert_eq!(line("\u{9b}31m"), "\\u{9b}31m");
        assert_eq!(text("a\r\nb\rc"), "a\nb\\rc");
    }

    #[test]
    fn bidirectional_and_zero_width_characters_are_shown() {
        assert_eq!(line("user\u{202e}nimda"), "user\\u{202e}nimda");
        assert_eq!(line("a\u{200b}b\u{2066}c\u{feff}"), "a\\u{200b}b\\u{2066}c\\u{feff}");
    }

    #[test]
    fn logs_keep_colours_only() {
        assert_eq!(log_line("\x1b[1;31mred\x1b[0m\n"), "\x1b[1;31mred\x1b[0m");
        assert_eq!(log_line("\x1b[32mgreen"), "\x1b[32mgreen\x1b[0m");
        assert_eq!(log_line("\x1b]0;title\x07x"), "\\x1b]0;title\\x07x");
        assert_eq!(log_line("\x1b[2Kx\x1b"), "\\x1b[2Kx\\x1b");
        assert_eq!(log_line("50%\r100%\r\n"), "50%\\r100%");
    }

    #[test]
    fn ci_commands_are_broken() {
        assert_eq!(ci_line("::set-output name=a::b"), "\\x3a:set-output name=a::b");
        assert_eq!(ci_line("  ::error::x"), "  \\x3a:error::x");
        assert_eq!(ci_line("\x1b[0m::error::x"), "\x1b[0m\\x3a:error::x");
        assert_eq!(ci_line("##vso[task.setvariable]"), "\\x23#vso[task.setvariable]");
        assert_eq!(ci_line("3 | RUN ##[x] ###vso[y]"), "3 | RUN \\x23#[x] #\\x23#vso[y]");
        assert_eq!(ci_line("a :: b"), "a :: b");
        assert_eq!(ci_line("## heading"), "## heading");
    }

    proptest! {
        #[test]
        fn nothing_hidden_is_left(input in any::<String>()) {
            prop_assert!(!line(&input).chars().any(|character| is_hidden(character) || character == '\n'));
            let shown = log_line(&input);
            let mut rest: &str = &shown;
            while let Some(at) = rest.find('\x1b') {
                let length = colour_sequence_len(&rest[at..]);
                prop_assert!(length.is_some());
                rest = &rest[at + length.unwrap_or(1)..];
            }
        }
    }
}
