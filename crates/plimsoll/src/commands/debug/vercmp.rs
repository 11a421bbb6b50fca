//! `plimsoll debug vercmp`: pairs of versions as an ecosystem orders them.

use std::cmp::Ordering;
use std::io::{self, BufRead as _, BufReader, BufWriter, Write as _};

use anyhow::{Context as _, Result, bail};
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use plimsoll_versions::{Ecosystem, compare};

use crate::exit;

/// How many lines that are no pairs are named.
const NAMED_LINES: usize = 20;

/// Compare pairs of versions, one pair a line
///
/// Each line of standard input has two versions with a tab between. The answer to each is one line: `<`, `=` or `>`, or `!` when
/// the ecosystem's own tool refuses one of the versions, or has no order for them. A line that is no pair is an error and
/// is answered by `!` as well, so that the answers stay beside their lines.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Whose versions they are
    #[arg(
        value_name = "ECOSYSTEM",
        value_parser = PossibleValuesParser::new(Ecosystem::ALL.map(Ecosystem::name)).try_map(|name| name.parse::<Ecosystem>()),
    )]
    ecosystem: Ecosystem,
}

pub(super) fn run(args: &Args) -> Result<u8> {
    let mut input = BufReader::with_capacity(1 << 16, io::stdin().lock());
    let mut output = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let mut line = Vec::new();
    let (mut number, mut faults) = (0_usize, 0_usize);
    loop {
        // Who sends one pair and waits for its answer gets it.
        if input.buffer().is_empty() {
            output.flush().context("cannot write to standard output")?;
        }
        line.clear();
        if input.read_until(b'\n', &mut line).context("cannot read standard input")? == 0 {
            break;
        }
        number += 1;
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        let text = String::from_utf8_lossy(text.strip_suffix(b"\r").unwrap_or(text));
        let sign = if let Some((left, right)) = pair(&text) {
            sign(compare(args.ecosystem, left, right))
        } else {
            faults += 1;
            report(number, faults, &text);
            "!"
        };
        output.write_all(&[sign.as_bytes()[0], b'\n']).context("cannot write to standard output")?;
    }
    output.flush().context("cannot write to standard output")?;
    if faults > 0 {
        bail!(
            "{faults} of {number} lines are not two versions with one tab between; they are answered by `!`"
        );
    }
    Ok(exit::DONE)
}

/// The two versions of a line with exactly one tab.
fn pair(text: &str) -> Option<(&str, &str)> {
    text.split_once('\t').filter(|(_, right)| !right.contains('\t'))
}

fn sign(order: Option<Ordering>) -> &'static str {
    match order {
        None => "!",
        Some(Ordering::Less) => "<",
        Some(Ordering::Equal) => "=",
        Some(Ordering::Greater) => ">",
    }
}

/// Names a line that is no pair; of very many only the first.
#[expect(clippy::print_stderr, reason = "the answers go on")]
fn report(number: usize, faults: usize, text: &str) {
    match faults {
        ..=NAMED_LINES => {
            let tabs = text.matches('\t').count();
            eprintln!("line {number}: {tabs} tabs, and not one between two versions");
        }
        _ if faults == NAMED_LINES + 1 => eprintln!("… further lines are not named"),
        _ => {}
    }
}
