//! Reports written out: to standard output in one shape, to files in any number of them.

use anyhow::Result;
use plimsoll_report::{Format as Shape, Options};
use plimsoll_scan::report::{Report, Severity};

use crate::file_output::{FileOutput, for_people};
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
pub(super) type Output = FileOutput<Format>;

/// What the caller decided about all shapes.
pub(super) struct Style {
    /// The severities that are shown; all when there is none.
    pub(super) severities: Vec<Severity>,
    /// Whether lists are shown in full.
    pub(super) all: bool,
}

impl Style {
    /// Writes a file.
    pub(super) fn write(&self, output: &Output, reports: &[Report]) -> Result<()> {
        output.write(&plimsoll_report::write(output.format.shape(), reports, &self.options(false)))
    }

    /// The answer on standard output.
    pub(super) fn answer(&self, format: Format, reports: &[Report]) -> String {
        let color = !variables::no_color() && std::io::IsTerminal::is_terminal(&std::io::stdout());
        let answer = plimsoll_report::write(format.shape(), reports, &self.options(color));
        if format == Format::Table { for_people(answer) } else { answer }
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
