//! Reports written out: to standard output in one shape, to files in any number of them.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use plimsoll_diagnostics::sanitize;
use plimsoll_report::{Format as Shape, Options};
use plimsoll_scan::report::{Report, Severity};

use crate::output::terminal_width;
use crate::variables;

/// How a report is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people
    Table,
    /// For programs: everything
    Json,
    /// For code hosts: SARIF 2.1.0
    Sarif,
    /// For GitHub Actions: annotations
    Github,
    /// For GitLab: a container scanning report
    Gitlab,
    /// For test reports
    Junit,
    /// One page without scripts
    Html,
    /// A bill of materials: `CycloneDX` 1.6
    Cyclonedx,
    /// The same with what is known against it
    CyclonedxVex,
    /// A bill of materials: SPDX 2.3
    Spdx,
}

impl Format {
    fn shape(self) -> Shape {
        match self {
            Self::Table => Shape::Table,
            Self::Json => Shape::Json,
            Self::Sarif => Shape::Sarif,
            Self::Github => Shape::Github,
            Self::Gitlab => Shape::Gitlab,
            Self::Junit => Shape::Junit,
            Self::Html => Shape::Html,
            Self::Cyclonedx => Shape::CycloneDx,
            Self::CyclonedxVex => Shape::CycloneDxVex,
            Self::Spdx => Shape::Spdx,
        }
    }
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
        let format = Format::from_str(format, false).map_err(|_| {
            let names = Shape::ALL.map(Shape::name).join(", ");
            format!("no format is named `{format}`; there are {names}")
        })?;
        if matches!(file, "" | "-") {
            return Err("a file is missing; standard output is written as `--format` says".to_owned());
        }
        Ok(Self { format, file: file.into() })
    }
}

/// What the caller decided about all shapes.
pub(super) struct Style {
    /// The severities that are shown; all when there is none.
    pub(super) severities: Vec<Severity>,
    /// Whether lists are shown in full.
    pub(super) all: bool,
}

impl Output {
    /// Writes the file.
    pub(super) fn write(&self, reports: &[Report], style: &Style) -> Result<()> {
        let text = plimsoll_report::write(self.format.shape(), reports, &style.options(false));
        std::fs::write(&self.file, text).with_context(|| format!("cannot write `{}`", self.file.display()))
    }
}

impl Style {
    /// The answer on standard output.
    pub(super) fn answer(&self, format: Format, reports: &[Report]) -> String {
        let color = !variables::no_color() && std::io::IsTerminal::is_terminal(&std::io::stdout());
        let answer = plimsoll_report::write(format.shape(), reports, &self.options(color));
        if format == Format::Table && variables::is_ci() {
            return answer.split_inclusive('\n').map(sanitize::ci_line).collect();
        }
        answer
    }

    fn options(&self, color: bool) -> Options {
        let all = Options::default();
        Options {
            severities: if self.severities.is_empty() {
                all.severities
            } else {
                self.severities.iter().copied().collect()
            },
            columns: terminal_width().unwrap_or(all.columns),
            color,
            all: self.all,
            created: variables::text(variables::SOURCE_DATE_EPOCH).and_then(|epoch| epoch.parse().ok()),
            dockerfile: all.dockerfile,
        }
    }
}
