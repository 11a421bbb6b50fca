//! What the caller decides about a report's shape.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use plimsoll_scan::report::Severity;

/// What the caller decides about a report's shape. Nothing else does: no clock, no environment.
#[derive(Clone, Debug)]
pub struct Options {
    /// Only vulnerabilities and secrets of these severities are shown.
    pub severities: BTreeSet<Severity>,
    /// How wide a line of the table may be.
    pub columns: usize,
    /// Whether the table has colours.
    pub color: bool,
    /// Whether the table shows lists in full that would be cut.
    pub all: bool,
    /// When the document counts as made, in seconds since 1970 (`SOURCE_DATE_EPOCH`). Formats that need a time have 1970
    /// without one.
    pub created: Option<u64>,
    /// The Dockerfile of targets that do not say which they were built from.
    pub dockerfile: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            severities: BTreeSet::from(Severity::ALL),
            columns: 80,
            color: false,
            all: false,
            created: None,
            dockerfile: "Dockerfile".to_owned(),
        }
    }
}

impl Options {
    /// Whether nothing is hidden for its severity.
    pub(crate) fn has_all_severities(&self) -> bool {
        self.severities.len() == Severity::ALL.len()
    }

    /// The selected severities, the worst first: `critical, high`.
    pub(crate) fn severity_names(&self) -> String {
        let selected = Severity::ALL.into_iter().filter(|severity| self.severities.contains(severity));
        selected.map(Severity::name).collect::<Vec<_>>().join(", ")
    }
}

/// A shape of reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Table,
    /// The report itself.
    Json,
    /// SARIF 2.1.0.
    Sarif,
    /// A container scanning report of GitLab.
    Gitlab,
    /// Workflow commands of GitHub Actions.
    Github,
    /// Failed tests in the XML of `JUnit`.
    Junit,
    /// One page without scripts.
    Html,
    /// A bill of materials, `CycloneDX` 1.6.
    CycloneDx,
    /// The same with what is known against it.
    CycloneDxVex,
    /// A bill of materials, SPDX 2.3.
    Spdx,
}

/// A name that is no format's.
#[derive(Debug, thiserror::Error)]
#[error("there is no format `{name}`; there are {}", Format::ALL.map(Format::name).join(", "))]
pub struct UnknownFormat {
    name: String,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Table,
        Self::Json,
        Self::Sarif,
        Self::Gitlab,
        Self::Github,
        Self::Junit,
        Self::Html,
        Self::CycloneDx,
        Self::CycloneDxVex,
        Self::Spdx,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Json => "json",
            Self::Sarif => "sarif",
            Self::Gitlab => "gitlab",
            Self::Github => "github",
            Self::Junit => "junit",
            Self::Html => "html",
            Self::CycloneDx => "cyclonedx",
            Self::CycloneDxVex => "cyclonedx-vex",
            Self::Spdx => "spdx",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|format| format.name() == name)
            .ok_or_else(|| UnknownFormat { name: name.to_owned() })
    }
}
