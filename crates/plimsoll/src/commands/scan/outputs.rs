//! Reports written out: to standard output in one shape, to files in any number of them.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use plimsoll_scan::report::Report;
use serde_json::json;

/// How a report is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people
    Table,
    /// For programs
    Json,
}

/// `FORMAT=FILE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Output {
    format: Format,
    file: PathBuf,
}

impl std::str::FromStr for Output {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        use clap::ValueEnum as _;
        let (format, file) = text.split_once('=').ok_or("it is not of the form `FORMAT=FILE`")?;
        let format = Format::from_str(format, false)?;
        Ok(Self { format, file: file.into() })
    }
}

impl Output {
    pub(super) fn write(&self, reports: &[Report]) -> Result<()> {
        std::fs::write(&self.file, answer(self.format, reports, true))
            .with_context(|| format!("cannot write `{}`", self.file.display()))
    }
}

pub(super) fn answer(format: Format, reports: &[Report], _all: bool) -> String {
    match format {
        Format::Table => format!("{:?}\n", reports.iter().map(|report| &report.summary).collect::<Vec<_>>()),
        Format::Json => match reports {
            [one] => serde_json::to_string_pretty(one).expect("JSON") + "\n",
            several => {
                serde_json::to_string_pretty(&json!({"schema": 1, "images": several})).expect("JSON") + "\n"
            }
        },
    }
}
