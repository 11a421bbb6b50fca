//! Text that comes from a registry or a helper and goes to people.

use plimsoll_diagnostics::sanitize;

/// At most this many characters of a foreign message are shown.
const LONGEST_MESSAGE: usize = 500;

/// A foreign text on one line, safe for any terminal, cut at a sensible length.
pub(crate) fn sanitized(text: &str) -> String {
    match text.char_indices().nth(LONGEST_MESSAGE) {
        Some((end, _)) => format!("{}…", sanitize::line(&text[..end])),
        None => sanitize::line(text).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_could_change_a_terminal_and_cuts_what_is_too_long() {
        let shown = sanitized("a\u{1b}[31mb\u{202e}c\nd");
        assert!(!shown.contains(['\u{1b}', '\u{202e}', '\n']), "{shown}");
        assert_eq!(sanitized(&"x".repeat(600)).chars().count(), LONGEST_MESSAGE + 1);
        assert_eq!(sanitized("größer ✓"), "größer ✓");
    }
}
