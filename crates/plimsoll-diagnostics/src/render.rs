//! Diagnostics as text: a headline, the marked lines, notes and the hint.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr as _;

use crate::{Diagnostic, Severity, SourceFile, Span, sanitize};

/// How far a tab goes in the shown lines.
const TAB: &str = "    ";

/// Lines longer than this are cut around the mark.
const LONGEST_LINE: usize = 200;

/// Characters that are kept before the mark when a line is cut.
const BEFORE_MARK: usize = 60;

/// Draws a diagnostic; the result ends with a line feed.
///
/// All text of the file and of the diagnostic passes the sanitiser. Colours are written only if `color` is set.
///
/// ```text
/// error[unknown-stage]: no stage is named `biulder`
///   --> Dockerfile:14:13
///    |
/// 14 | COPY --from=biulder /out/app /app
///    |             ^^^^^^^ used here
/// hint: a stage named `builder` starts on line 3
/// ```
pub fn render(file: &SourceFile, diagnostic: &Diagnostic, color: bool) -> String {
    let paint = Paint { color };
    let mut out = String::new();
    let tone = severity_style(diagnostic.severity);
    out.push_str(&paint.styled(tone, &format!("{}[{}]", diagnostic.severity, diagnostic.code)));
    let message = sanitize::line(&diagnostic.message);
    out.push_str(&paint.styled(Style::new().bold(), &format!(": {message}")));
    out.push('\n');

    let mut marks: Vec<Mark<'_>> =
        diagnostic.labels.iter().map(|label| Mark::new(file, label.span, Some(&label.text), false)).collect();
    if let Some(span) = diagnostic.span {
        marks.insert(0, Mark::new(file, span, diagnostic.label.as_deref(), true));
    }
    draw_marks(&mut out, file, &mut marks, paint, tone);
    for note in &diagnostic.notes {
        push_remark(&mut out, paint, "note", note);
    }
    if let Some(hint) = &diagnostic.hint {
        push_remark(&mut out, paint, "hint", hint);
    }
    out
}

struct Mark<'a> {
    line: usize,
    span: Span,
    text: Option<&'a str>,
    primary: bool,
}

impl<'a> Mark<'a> {
    fn new(file: &SourceFile, span: Span, text: Option<&'a str>, primary: bool) -> Self {
        let line = file.line_of(span.start.min(file.text().len())).min(file.line_count());
        let whole = file.line_span(line);
        let start = span.start.clamp(whole.start, whole.end);
        // A span of several lines is marked to the end of its first.
        let end = span.end.clamp(start, whole.end);
        Self { line, span: Span::new(start, end), text, primary }
    }
}

fn draw_marks(out: &mut String, file: &SourceFile, marks: &mut [Mark<'_>], paint: Paint, tone: Style) {
    let Some(first) = marks.first() else { return };
    let place = file.line_column(first.span.start);
    let last_line = marks.iter().map(|mark| mark.line).max().unwrap_or(1);
    let width = last_line.to_string().len();
    let frame = Style::new().bold().fg_color(Some(AnsiColor::BrightBlue.into()));
    let bar = paint.styled(frame, "|");
    let name = sanitize::line(file.name());
    line_out(
        out,
        format_args!(
            "{:width$}{} {name}:{}:{}",
            "",
            paint.styled(frame, "-->"),
            first.line,
            place.column.max(1),
            width = width
        ),
    );
    line_out(out, format_args!("{:width$} {bar}", ""));
    marks.sort_by_key(|mark| (mark.line, !mark.primary, mark.span.start));
    let mut shown: Option<usize> = None;
    for mark in marks.iter() {
        let whole = file.line_span(mark.line);
        let cut = cut_line(file, whole, mark.span);
        if shown != Some(mark.line) {
            if shown.is_some_and(|line| line + 1 < mark.line) {
                line_out(out, format_args!("{}", paint.styled(frame, "...")));
            }
            let number = paint.styled(frame, &format!("{:>width$}", mark.line));
            let text = display(file.slice(cut));
            let (lead, tail) = (cut_sign(cut.start > whole.start), cut_sign(cut.end < whole.end));
            line_out(out, format_args!("{number} {bar} {lead}{text}{tail}"));
            shown = Some(mark.line);
        }
        let lead = cut_sign(cut.start > whole.start);
        let start = mark.span.start.max(cut.start);
        let indent = lead.len() + display(file.slice(Span::new(cut.start, start))).width();
        let length = display(file.slice(Span::new(start, mark.span.end.min(cut.end)))).width().max(1);
        let (sign, style) = if mark.primary { ("^", tone) } else { ("-", frame) };
        let mut line = sign.repeat(length);
        if let Some(text) = mark.text {
            line.push(' ');
            line.push_str(&sanitize::line(text));
        }
        line_out(out, format_args!("{:width$} {bar} {:indent$}{}", "", "", paint.styled(style, &line)));
    }
}

fn cut_sign(cut: bool) -> &'static str {
    if cut { "..." } else { "" }
}

/// The part of a line that is shown: all of it unless it is very long.
fn cut_line(file: &SourceFile, whole: Span, mark: Span) -> Span {
    if whole.len() <= LONGEST_LINE {
        return whole;
    }
    let text = file.text();
    let mut start =
        if mark.start - whole.start <= BEFORE_MARK { whole.start } else { mark.start - BEFORE_MARK };
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let mut end = (start + LONGEST_LINE).min(whole.end);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    Span::new(start, end)
}

fn display(text: &str) -> String {
    sanitize::line(text).replace('\t', TAB)
}

fn push_remark(out: &mut String, paint: Paint, word: &str, text: &str) {
    let text = sanitize::text(text);
    let head = paint.styled(Style::new().bold(), &format!("{word}:"));
    let mut lines = text.split('\n');
    line_out(out, format_args!("{head} {}", lines.next().unwrap_or_default()));
    for line in lines {
        line_out(out, format_args!("{:indent$} {line}", "", indent = word.len() + 1));
    }
}

fn line_out(out: &mut String, line: std::fmt::Arguments<'_>) {
    let start = out.len();
    writeln!(out, "{line}").expect("writing to a string cannot fail");
    // An empty text behind a bar would leave a blank at the end of the line.
    let kept = out[start..].trim_end().len();
    out.truncate(start + kept);
    out.push('\n');
}

fn severity_style(severity: Severity) -> Style {
    let color = match severity {
        Severity::Error => AnsiColor::BrightRed,
        Severity::Warning => AnsiColor::Yellow,
        Severity::Info => AnsiColor::BrightGreen,
        Severity::Style => AnsiColor::BrightCyan,
    };
    Style::new().bold().fg_color(Some(color.into()))
}

#[derive(Clone, Copy)]
struct Paint {
    color: bool,
}

impl Paint {
    fn styled(self, style: Style, text: &str) -> String {
        if self.color { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> SourceFile {
        let mut text = String::from("FROM debian AS base\n\nFROM golang AS builder\n");
        text.push_str(&"RUN true\n".repeat(10));
        text.push_str("COPY --from=biulder /out/app /app\n");
        SourceFile::new("Dockerfile", text)
    }

    #[test]
    fn the_shape_is_the_documented_one() {
        let file = file();
        let start = file.text().find("biulder").unwrap();
        let diagnostic = Diagnostic::error("unknown-stage", "no stage is named `biulder`")
            .at(Span::new(start, start + 7))
            .label("used here")
            .hint("a stage named `builder` starts on line 3");
        let expected = "\
error[unknown-stage]: no stage is named `biulder`
  --> Dockerfile:14:13
   |
14 | COPY --from=biulder /out/app /app
   |             ^^^^^^^ used here
hint: a stage named `builder` starts on line 3
";
        assert_eq!(render(&file, &diagnostic, false), expected);
    }

    #[test]
    fn secondary_labels_have_their_own_lines() {
        let file = file();
        let start = file.text().find("biulder").unwrap();
        let diagnostic = Diagnostic::warning("w", "m")
            .at(Span::new(start, start + 7))
            .also(Span::new(0, 4), "first stage")
            .note("one\ntwo");
        let expected = "\
warning[w]: m
  --> Dockerfile:14:13
   |
 1 | FROM debian AS base
   | ---- first stage
...
14 | COPY --from=biulder /out/app /app
   |             ^^^^^^^
note: one
      two
";
        assert_eq!(render(&file, &diagnostic, false), expected);
    }

    #[test]
    fn tabs_wide_characters_and_hidden_ones_keep_the_mark_in_place() {
        let file = SourceFile::new("f\x1b", "\t漢\u{202e} x\n");
        let at = file.text().find('x').unwrap();
        let shown = render(&file, &Diagnostic::info("i", "a\x1b[2Jb").at(Span::new(at, at + 1)), false);
        let expected = "\
info[i]: a\\x1b[2Jb
 --> f\\x1b:1:5
  |
1 |     漢\\u{202e} x
  |                ^
";
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_span_of_several_lines_is_marked_to_the_end_of_the_first() {
        let file = SourceFile::new("f", "RUN a \\\n  b\n");
        let shown = render(&file, &Diagnostic::error("e", "m").at(Span::new(0, 12)), false);
        assert!(shown.contains("1 | RUN a \\\n  | ^^^^^^^\n"), "{shown}");
    }

    #[test]
    fn a_very_long_line_is_cut_around_the_mark() {
        let text = format!("{}X{}", "a".repeat(1000), "b".repeat(1000));
        let file = SourceFile::new("f", text);
        let shown = render(&file, &Diagnostic::error("e", "m").at(Span::new(1000, 1001)), false);
        assert!(shown.lines().all(|line| line.len() < 230), "{shown}");
        assert!(shown.contains("aX") && shown.contains('^'), "{shown}");
        let row = shown.lines().find(|line| line.contains('X')).unwrap();
        let mark = shown.lines().find(|line| line.contains('^')).unwrap();
        assert_eq!(row.find('X'), mark.find('^'));
    }

    #[test]
    fn colours_appear_only_when_asked_for() {
        let file = file();
        let diagnostic = Diagnostic::error("e", "m").at(Span::new(0, 4)).hint("h");
        assert!(!render(&file, &diagnostic, false).contains('\x1b'));
        assert!(render(&file, &diagnostic, true).contains("\x1b["));
    }

    #[test]
    fn a_span_at_the_end_of_the_file_is_shown() {
        let file = SourceFile::new("f", "RUN a\n");
        let shown = render(&file, &Diagnostic::error("e", "m").at(Span::at(6)), false);
        assert!(shown.contains("1 | RUN a\n  |      ^\n"), "{shown}");
        let empty = SourceFile::new("f", "");
        assert!(render(&empty, &Diagnostic::error("e", "m").at(Span::at(0)), false).contains("f:1:1"));
    }
}
