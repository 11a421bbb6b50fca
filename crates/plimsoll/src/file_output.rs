//! Answers in a chosen shape: on standard output, and into files.

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::Context as _;
use clap::ValueEnum;
use plimsoll_diagnostics::sanitize;

use crate::variables;

/// `FORMAT=FILE`: an answer that is written into a file too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileOutput<F> {
    /// The shape.
    pub(crate) format: F,
    file: PathBuf,
}

impl<F: ValueEnum> FromStr for FileOutput<F> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (format, file) = text.split_once('=').ok_or("it is not of the form `FORMAT=FILE`")?;
        let format = F::from_str(format, false).map_err(|_| {
            let names: Vec<_> = F::value_variants().iter().filter_map(F::to_possible_value).collect();
            let names: Vec<_> = names.iter().map(clap::builder::PossibleValue::get_name).collect();
            format!("no format is named `{format}`; there are {}", names.join(", "))
        })?;
        if matches!(file, "" | "-") {
            return Err("a file is missing; standard output is written as `--format` says".to_owned());
        }
        Ok(Self { format, file: file.into() })
    }
}

impl<F> FileOutput<F> {
    /// Writes the file.
    pub(crate) fn write(&self, text: &str) -> anyhow::Result<()> {
        std::fs::write(&self.file, text).with_context(|| format!("cannot write `{}`", self.file.display()))
    }
}

/// An answer for people, with no line that a CI system would take for a command.
pub(crate) fn for_people(answer: String) -> String {
    if variables::is_ci() { answer.split_inclusive('\n').map(sanitize::ci_line).collect() } else { answer }
}
