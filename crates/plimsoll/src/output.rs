//! Sizes, times and tables for people.

use plimsoll_diagnostics::sanitize;

use crate::progress::{fit, width};

const BYTE_UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];

/// A number of bytes in decimal units: `41.2 MB`.
pub(crate) fn human_bytes(bytes: u64) -> String {
    match byte_unit(bytes) {
        None => format!("{bytes} B"),
        Some(unit) => format!("{} {}", in_unit(bytes, unit), BYTE_UNITS[unit]),
    }
}

/// A number of bytes without its unit, which is the one that [`human_bytes`] shows for `whole`.
pub(crate) fn bytes_in_unit_of(bytes: u64, whole: u64) -> String {
    byte_unit(whole).map_or_else(|| bytes.to_string(), |unit| in_unit(bytes, unit))
}

/// Place in [`BYTE_UNITS`]; nothing for bytes.
fn byte_unit(bytes: u64) -> Option<usize> {
    (bytes >= 1000).then(|| {
        (0..BYTE_UNITS.len()).find(|unit| tenths(bytes, *unit) < 10_000).unwrap_or(BYTE_UNITS.len() - 1)
    })
}

fn in_unit(bytes: u64, unit: usize) -> String {
    let tenths = tenths(bytes, unit);
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// Tenths of a unit, in whole numbers: floating point would make `1000.0 kB` of 999 950 bytes.
fn tenths(bytes: u64, unit: usize) -> u128 {
    let divisor = (0..=unit).fold(1_u128, |divisor, _| divisor * 1000);
    (u128::from(bytes) * 10 + divisor / 2) / divisor
}

/// How long something took: `0.2 s`, `2 min 05 s`, `1 h 02 min`.
pub(crate) fn human_duration(seconds: f64) -> String {
    let seconds = if seconds.is_finite() { seconds.max(0.0) } else { 0.0 };
    if seconds < 59.95 {
        return format!("{seconds:.1} s");
    }
    let whole = whole_seconds(seconds);
    if whole < 3600 {
        return format!("{} min {:02} s", whole / 60, whole % 60);
    }
    let minutes = (whole + 30) / 60;
    format!("{} h {:02} min", minutes / 60, minutes % 60)
}

/// As [`human_duration`], in the few columns that a live picture has: `0.2s`, `2m05s`, `1h02m`.
pub(crate) fn short_duration(seconds: f64) -> String {
    human_duration(seconds).replace(" min", "m").replace(" h", "h").replace(" s", "s").replace(' ', "")
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates; the value is not negative"
)]
fn whole_seconds(seconds: f64) -> u64 {
    seconds.round() as u64
}

/// How long ago something was: `just now`, `3 days ago`.
pub(crate) fn human_age(seconds_ago: u64) -> String {
    const UNITS: [(u64, u64, &str); 6] = [
        (2 * 365 * 86_400, 365 * 86_400, "year"),
        (60 * 86_400, 30 * 86_400, "month"),
        (14 * 86_400, 7 * 86_400, "week"),
        (86_400, 86_400, "day"),
        (3600, 3600, "hour"),
        (60, 60, "minute"),
    ];
    for (from, unit, name) in UNITS {
        if seconds_ago >= from {
            let count = seconds_ago / unit;
            let plural = if count == 1 { "" } else { "s" };
            return format!("{count} {name}{plural} ago");
        }
    }
    if seconds_ago < 10 { "just now".to_owned() } else { format!("{seconds_ago} seconds ago") }
}

/// Columns of the terminal on standard output; nothing when it is no terminal, and lines need not be cut.
pub(crate) fn terminal_width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(rustix::stdio::stdout()).ok()?;
    (size.ws_col > 0).then_some(usize::from(size.ws_col))
}

/// How a column stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    /// Text; may be cut.
    Left,
    /// Numbers; never cut before text is.
    Right,
}

/// Rows under headers, with two blanks between the columns.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    aligns: Vec<Align>,
    /// The headers, then the rows; every row has a cell for every column.
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub(crate) fn new(headers: &[(&str, Align)]) -> Self {
        Self {
            aligns: headers.iter().map(|(_, align)| *align).collect(),
            rows: vec![headers.iter().map(|(header, _)| (*header).to_owned()).collect()],
        }
    }

    /// Adds a row; missing cells are empty. The cells pass the sanitiser.
    pub(crate) fn row<C: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = C>) {
        let mut row: Vec<String> =
            cells.into_iter().map(|cell| sanitize::line(cell.as_ref()).replace('\t', " ")).collect();
        row.resize(self.aligns.len(), String::new());
        self.rows.push(row);
    }

    /// The lines, each with its end; cut to `columns` when there are such.
    pub(crate) fn render(&self, columns: Option<usize>) -> String {
        let widths = self.widths(columns);
        let mut out = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for (place, cell) in row.iter().enumerate() {
                let cell = fit(cell, widths[place]);
                let blanks = " ".repeat(widths[place] - width(&cell));
                let gap = if place == 0 { "" } else { "  " };
                match self.aligns[place] {
                    Align::Left => line.extend([gap, &cell, &blanks]),
                    Align::Right => line.extend([gap, &blanks, &cell]),
                }
            }
            let line = line.trim_end();
            out.push_str(&columns.map_or_else(|| line.to_owned(), |columns| fit(line, columns)));
            out.push('\n');
        }
        out
    }

    /// Widths of the columns; the widest columns of text give way first.
    fn widths(&self, columns: Option<usize>) -> Vec<usize> {
        const NARROWEST: usize = 8;
        let mut widths: Vec<usize> = (0..self.aligns.len())
            .map(|place| self.rows.iter().map(|row| width(&row[place])).max().unwrap_or(0))
            .collect();
        let Some(columns) = columns else { return widths };
        let gaps = 2 * widths.len().saturating_sub(1);
        while widths.iter().sum::<usize>() + gaps > columns {
            let text = (0..widths.len())
                .filter(|place| self.aligns[*place] == Align::Left && widths[*place] > NARROWEST);
            let Some(widest) = text.max_by_key(|place| widths[*place]) else { break };
            widths[widest] -= 1;
        }
        widths
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_in_decimal_units() {
        for (bytes, expected) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (999_949, "999.9 kB"),
            (999_950, "1.0 MB"),
            (41_200_000, "41.2 MB"),
            (118_449_999, "118.4 MB"),
            (u64::MAX, "18.4 EB"),
        ] {
            assert_eq!(human_bytes(bytes), expected);
        }
    }

    #[test]
    fn durations_change_their_unit() {
        for (seconds, long, short) in [
            (0.04, "0.0 s", "0.0s"),
            (14.23, "14.2 s", "14.2s"),
            (59.94, "59.9 s", "59.9s"),
            (59.96, "1 min 00 s", "1m00s"),
            (125.0, "2 min 05 s", "2m05s"),
            (3720.0, "1 h 02 min", "1h02m"),
            (f64::NAN, "0.0 s", "0.0s"),
        ] {
            assert_eq!(human_duration(seconds), long);
            assert_eq!(short_duration(seconds), short);
        }
    }

    #[test]
    fn ages_are_rounded_down() {
        for (seconds, expected) in [
            (3, "just now"),
            (59, "59 seconds ago"),
            (60, "1 minute ago"),
            (7200, "2 hours ago"),
            (3 * 86_400 + 5, "3 days ago"),
            (15 * 86_400, "2 weeks ago"),
            (65 * 86_400, "2 months ago"),
            (800 * 86_400, "2 years ago"),
        ] {
            assert_eq!(human_age(seconds), expected);
        }
    }

    fn images() -> Table {
        let mut table =
            Table::new(&[("NAME", Align::Left), ("SIZE", Align::Right), ("CREATED", Align::Left)]);
        table.row(["registry.example/team/service:1.2.3", "118.4 MB", "3 days ago"]);
        table.row(["構築:1", "4 B", "just now"]);
        table
    }

    #[test]
    fn columns_are_aligned_by_what_is_seen() {
        assert_eq!(
            images().render(None),
            "NAME                                     SIZE  CREATED\n\
             registry.example/team/service:1.2.3  118.4 MB  3 days ago\n\
             構築:1                                    4 B  just now\n"
        );
    }

    #[test]
    fn a_narrow_terminal_cuts_text_and_keeps_numbers() {
        assert_eq!(
            images().render(Some(40)),
            "NAME                    SIZE  CREATED\n\
             registry.example/…  118.4 MB  3 days ago\n\
             構築:1                   4 B  just now\n"
        );
        assert!(images().render(Some(20)).lines().all(|line| width(line) <= 20));
    }

    #[test]
    fn cells_cannot_write_control_characters() {
        let mut table = Table::new(&[("NAME", Align::Left)]);
        table.row(["a\nb\x1b[2J"]);
        assert_eq!(table.render(None), "NAME\na\\nb\\x1b[2J\n");
    }
}
