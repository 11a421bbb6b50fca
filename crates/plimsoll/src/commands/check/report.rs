//! Findings written out: to standard output in one shape, to files in any number of them.

use anyhow::Result;
use plimsoll_lint::output::{Checked, checkstyle, github, gitlab, json, junit, sarif, text};

use crate::file_output::{FileOutput, for_people};
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
pub(super) type Output = FileOutput<Format>;

/// Writes a file.
pub(super) fn write(output: &Output, files: &[Checked]) -> Result<()> {
    output.write(&render(output.format, files, false))
}

/// The answer on standard output.
pub(super) fn answer(format: Format, files: &[Checked]) -> String {
    let color = !variables::no_color() && std::io::IsTerminal::is_terminal(&std::io::stdout());
    let answer = render(format, files, color);
    if format == Format::Text { for_people(answer) } else { answer }
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
