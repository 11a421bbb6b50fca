//! The kinds of sources and their names.

use std::fmt;
use std::str::FromStr;

/// What a source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SourceKind {
    /// OSV records in an archive.
    OsvZip,
    /// OSV records in a folder, JSON or YAML.
    OsvDir,
    /// The Debian security tracker's JSON.
    DebianTracker,
    /// Debian's lists of DSAs and DLAs, in the tracker's text form.
    DebianDsaDla,
    /// Alpine's security database, JSON or YAML; Wolfi's and Chainguard's have its form.
    AlpineSecdb,
    /// The `RustSec` database: Markdown with TOML.
    Rustsec,
    /// FIRST's EPSS scores, CSV.
    Epss,
    /// CISA's catalogue of known exploited vulnerabilities, JSON.
    Kev,
    /// CVSS vectors by CVE: NVD's JSON, a CSV of `CVE,vector`, or OSV records.
    Nvd,
}

/// A name that is no source's.
#[derive(Debug, thiserror::Error)]
#[error("there is no source `{name}`; there are {}", SourceKind::ALL.map(SourceKind::as_str).join(", "))]
pub struct UnknownSource {
    name: String,
}

impl SourceKind {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::OsvZip,
        Self::OsvDir,
        Self::DebianTracker,
        Self::DebianDsaDla,
        Self::AlpineSecdb,
        Self::Rustsec,
        Self::Epss,
        Self::Kev,
        Self::Nvd,
    ];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OsvZip => "osv-zip",
            Self::OsvDir => "osv-dir",
            Self::DebianTracker => "debian-tracker",
            Self::DebianDsaDla => "debian-dsa-dla",
            Self::AlpineSecdb => "alpine-secdb",
            Self::Rustsec => "rustsec",
            Self::Epss => "epss",
            Self::Kev => "kev",
            Self::Nvd => "nvd",
        }
    }
}

impl fmt::Display for SourceKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for SourceKind {
    type Err = UnknownSource;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == name)
            .ok_or_else(|| UnknownSource { name: name.to_owned() })
    }
}
