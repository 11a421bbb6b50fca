//! Findings written out: to standard output in one shape, to files in any number of them.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::ValueEnum as _;
use plimsoll_diagnostics::sanitize;
use plimsoll_lint::output::{Checked, checkstyle, github, gitlab, json, junit, sarif, text};

use crate::variables;

/// How findings are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people, with the lines
    Text,
    /// For programs
    Json,
    /// For code hosts: SARIF 2.1.0
    Sarif,
    /// For GitHub Actions: annotations
    Github,
    /// For GitLab: a code quality report
    Gitlab,
    /// For test reports
    Junit,
    /// For whatever reads Checkstyle's XML
    Checkstyle,
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
        let (format, file) = text.split_once('=').ok_or("it is not of the form `FORMAT=FILE`")?;
        let format = Format::from_str(format, false).map_err(|_| {
            let names: Vec<_> =
                Format::value_variants().iter().filter_map(Format::to_possible_value).collect();
            let names: Vec<_> = names.iter().map(clap::builder::PossibleValue::get_name).collect();
            format!("no format is named `{format}`; there are {}", names.join(", "))
        })?;
        if matches!(file, "" | "-") {
            return Err("a file is missing; standard output is written as `--format` says".to_owned());
        }
        Ok(Self { format, file: file.into() })
    }
}

impl Output {
    /// Writes the file.
    pub(super) fn write(&self, files: &[Checked]) -> Result<()> {
        std::fs::write(&self.file, render(self.format, files, false))
            .with_context(|| format!("cannot write `{}`", self.file.display()))
    }
}

/// The answer on standard output.
pub(super) fn answer(format: Format, files: &[Checked]) -> String {
    let color = !variables::no_color() && std::io::IsTerminal::is_terminal(&std::io::stdout());
    let answer = render(format, files, color);
    if format == Format::Text && variables::is_ci() {
        return answer.split_inclusive('\n').map(sanitize::ci_line).collect();
    }
    answer
}

fn render(format: Format, files: &[Checked], color: bool) -> String {
    match format {
        Format::Text => files.iter().map(|checked| text::findings(checked, color)).collect(),
        Format::Json => json::document(files),
        Format::Sarif => sarif::document(files, env!("CARGO_PKG_VERSION")),
        Format::Github => github::commands(files),
        Format::Gitlab => gitlab::report(files),
        Format::Junit => junit::document(files),
        Format::Checkstyle => checkstyle::document(files),
    }
}
