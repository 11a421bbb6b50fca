//! Widths on a terminal, and text cut to them.
//!
//! Widths are counted a character at a time. The sanitiser has taken out what joins characters, and [`tidy`] takes out variation
//! selectors, so that the sum is what terminals draw.

use unicode_width::UnicodeWidthChar;

use crate::output::{bytes_in_unit_of, human_bytes};

/// How a piece of text is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// What is not in the foreground.
    Dim,
    /// Names.
    Bold,
    /// What went well.
    Good,
    /// What goes on.
    Busy,
    /// What failed.
    Bad,
    /// Warnings.
    Warn,
}

/// Colours, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Paint {
    /// Whether styles are written.
    pub(super) color: bool,
}

impl Paint {
    /// No colours.
    #[cfg(test)]
    pub(super) const OFF: Self = Self { color: false };

    /// The text in a style.
    pub(super) fn style(self, style: Style, text: &str) -> String {
        if !self.color || text.is_empty() {
            return text.to_owned();
        }
        let code = match style {
            Style::Dim => "2",
            Style::Bold => "1",
            Style::Good => "32",
            Style::Busy => "36",
            Style::Bad => "31",
            Style::Warn => "33",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

/// Columns that a text takes; colour sequences take none.
pub(crate) fn width(text: &str) -> usize {
    Pieces(text).map(|piece| piece.columns).sum()
}

/// A text in at most `columns` columns; what is cut is marked by `…`. Colour sequences are kept.
pub(crate) fn fit(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let (mut used, mut cut) = (0, false);
    for piece in Pieces(text) {
        if piece.columns == 0 && piece.text.len() > 1 && piece.text.starts_with('\x1b') {
            out.push_str(piece.text);
        } else if !cut && used + piece.columns < columns {
            out.push_str(piece.text);
            used += piece.columns;
        } else if !cut {
            cut = true;
            if columns > 0 {
                out.push('…');
            }
        }
    }
    out
}

/// Sanitised text, ready for counting: tabs become blanks up to the next multiple of eight, variation selectors go.
pub(super) fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut used = 0;
    for piece in Pieces(text) {
        match piece.text {
            "\t" => {
                let blanks = 8 - used % 8;
                out.extend(std::iter::repeat_n(' ', blanks));
                used += blanks;
            }
            text if text.starts_with(|character| matches!(character, '\u{fe00}'..='\u{fe0f}')) => {}
            text => {
                out.push_str(text);
                used += piece.columns;
            }
        }
    }
    out
}

/// The text without its colour sequences.
pub(super) fn without_colors(text: &str) -> String {
    if !text.contains('\x1b') {
        return text.to_owned();
    }
    Pieces(text).map(|piece| piece.text).filter(|text| !text.starts_with('\x1b')).collect()
}

/// What a terminal would show of a line that was written over: the part behind the last carriage return.
pub(super) fn last_overwrite(text: &str) -> &str {
    let text = text.trim_end_matches(['\r', '\n']);
    text.rsplit('\r').next().unwrap_or(text)
}

/// Bytes of a transfer, both in the unit of the whole: `12.3/40.1 MB`.
pub(super) fn amount(done: u64, total: Option<u64>) -> String {
    match total {
        Some(total) => format!("{}/{}", bytes_in_unit_of(done, total), human_bytes(total)),
        None => human_bytes(done),
    }
}

struct Piece<'t> {
    text: &'t str,
    columns: usize,
}

/// Characters and whole colour sequences of a text.
struct Pieces<'t>(&'t str);

impl<'t> Iterator for Pieces<'t> {
    type Item = Piece<'t>;

    fn next(&mut self) -> Option<Piece<'t>> {
        let first = self.0.chars().next()?;
        let (length, columns) = match color_sequence_len(self.0) {
            Some(length) => (length, 0),
            None => (first.len_utf8(), first.width().unwrap_or(0)),
        };
        let (text, rest) = self.0.split_at(length);
        self.0 = rest;
        Some(Piece { text, columns })
    }
}

fn color_sequence_len(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix("\x1b[")?;
    let end = parameters.bytes().position(|byte| !matches!(byte, b'0'..=b'9' | b';' | b':'))?;
    (parameters.as_bytes()[end] == b'm').then_some(end + 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_take_two_columns_and_marks_none() {
        assert_eq!(width("abc"), 3);
        assert_eq!(width("構築"), 4);
        assert_eq!(width("e\u{301}"), 1);
        assert_eq!(width("\x1b[1;31mred\x1b[0m"), 3);
        assert_eq!(width("✔►✘…"), 4);
    }

    #[test]
    fn a_cut_text_never_exceeds_its_columns() {
        assert_eq!(fit("構築する", 8), "構築する");
        assert_eq!(fit("構築する", 7), "構築す…");
        assert_eq!(fit("構築する", 6), "構築…");
        assert_eq!(fit("abc", 2), "a…");
        assert_eq!(fit("abc", 0), "");
        for columns in 0..20 {
            assert!(width(&fit("RUN echo 構築する && true", columns)) <= columns);
        }
    }

    #[test]
    fn a_cut_inside_a_color_still_ends_the_color() {
        assert_eq!(fit("\x1b[31mlong red\x1b[0m", 5), "\x1b[31mlong…\x1b[0m");
    }

    #[test]
    fn tabs_become_blanks_and_selectors_go() {
        assert_eq!(tidy("a\tb"), "a       b");
        assert_eq!(tidy("構\tb"), "構      b");
        assert_eq!(tidy("❤\u{fe0f}x"), "❤x");
    }

    #[test]
    fn overwritten_lines_show_their_last_state() {
        assert_eq!(last_overwrite("10%\r50%\r100%"), "100%");
        assert_eq!(last_overwrite("10%\r100%\r"), "100%");
        assert_eq!(last_overwrite("plain"), "plain");
    }

    #[test]
    fn amounts_name_their_unit_once() {
        assert_eq!(amount(12_300_000, Some(40_100_000)), "12.3/40.1 MB");
        assert_eq!(amount(300_000, Some(40_100_000)), "0.3/40.1 MB");
        assert_eq!(amount(300_000, None), "300.0 kB");
    }
}
