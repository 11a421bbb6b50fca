//! EPSS scores: a CSV with `cve,epss,percentile` in each line, behind a comment and a head.

use std::io::BufRead;
use std::path::Path;

use crate::build::Sink;
use crate::error::BuildError;
use crate::sources::input::visit;

/// The longest line.
const LONGEST_LINE: u64 = 4096;

pub(crate) fn read(path: &Path, sink: &mut Sink<'_>) -> Result<(), BuildError> {
    visit(path, &mut |entry| {
        each_line(path, entry.content, &mut |number, line| {
            let mut cells = line.split(',').map(str::trim);
            let (cve, epss, percentile) = (cells.next(), cells.next(), cells.next());
            if cve == Some("cve") {
                return;
            }
            let number_of = |cell: Option<&str>| {
                cell.and_then(|cell| cell.parse::<f64>().ok()).filter(|number| (0.0..=1.0).contains(number))
            };
            let is_known = match (number_of(epss), number_of(percentile)) {
                (Some(epss), Some(percentile)) => sink.epss(cve.unwrap_or_default(), epss, percentile),
                _ => false,
            };
            if is_known {
                sink.count_record();
            } else {
                sink.skip(format_args!("{}:{number}", entry.name), "it is not `cve,epss,percentile`");
            }
        })
    })
}

/// Gives the lines of a table to a function, without comments and blank ones.
pub(super) fn each_line(
    path: &Path,
    content: &mut dyn BufRead,
    each: &mut dyn FnMut(usize, &str),
) -> Result<(), BuildError> {
    let mut bytes = Vec::new();
    for number in 1_usize.. {
        bytes.clear();
        let mut limited = std::io::Read::take(&mut *content, LONGEST_LINE);
        let length =
            limited.read_until(b'\n', &mut bytes).map_err(|source| BuildError::read(path, source))?;
        if length == 0 {
            break;
        }
        let line = String::from_utf8_lossy(&bytes);
        let line = line.trim();
        if !line.is_empty() && !line.starts_with('#') {
            each(number, line);
        }
    }
    Ok(())
}
