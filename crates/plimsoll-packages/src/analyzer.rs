//! What an analyzer is, and the one place that asks them all.

use std::io;

use serde::{Deserialize, Serialize};

use crate::analyzers::ANALYZERS;
use crate::package::Package;
use crate::read_at::ReadAt;

/// A regular file of an image, as its directory entry describes it.
#[derive(Clone, Copy, Debug)]
pub struct File<'a> {
    /// Its path from the root, without a leading slash.
    pub path: &'a [u8],
    /// Its size in bytes.
    pub size: u64,
    /// Whether anyone may execute it.
    pub is_executable: bool,
}

impl<'a> File<'a> {
    /// The last part of the path.
    pub fn name(&self) -> &'a [u8] {
        self.path.rsplit(|byte| *byte == b'/').next().unwrap_or(self.path)
    }

    /// The folder that it lies in, without a slash at the end; empty for the root.
    pub fn folder(&self) -> &'a [u8] {
        let end = self.path.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        &self.path[..end]
    }
}

/// The operating system of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatingSystem {
    /// `ID` of os-release.
    pub id: String,
    /// `VERSION_ID`; empty for a rolling release.
    pub version: String,
    /// `VERSION_CODENAME`; empty where there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub codename: String,
    /// `PRETTY_NAME`, or what stands for it.
    pub name: String,
    /// `ID_LIKE`, in its order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub like: Vec<String>,
}

/// The files of a package of the operating system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owned {
    /// The package.
    pub package: String,
    /// The paths from the root, without a leading slash; directories may be among them.
    pub paths: Vec<String>,
}

/// The licences of a package of the operating system, where they are not in its record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Licensed {
    /// The package.
    pub package: String,
    /// Its licences, as they are declared.
    pub licenses: Vec<String>,
}

/// What one file says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Analysis {
    /// The packages that it names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<Package>,
    /// The files that belong to packages of the operating system.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owned: Vec<Owned>,
    /// The licences of packages of the operating system.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub licensed: Vec<Licensed>,
    /// The operating system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<OperatingSystem>,
    /// What of it could not be read, in a sentence each; the rest was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_scanned: Vec<String>,
}

/// A file with more broken places than this is broken, and that is said often enough.
const MOST_NOTES: usize = 10;

impl Analysis {
    /// Notes what of the file could not be read.
    pub(crate) fn note(&mut self, what: impl Into<String>) {
        if self.not_scanned.len() < MOST_NOTES {
            self.not_scanned.push(what.into());
        }
    }
}

/// Why a file could not be read as what its path says.
#[derive(Debug, thiserror::Error)]
pub enum AnalyzerError {
    /// The bytes could not be had, or are too many.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// They are not in the format.
    #[error("it is not {format}: {reason}")]
    Format {
        /// What the file should be, with its article.
        format: &'static str,
        /// What is wrong and where.
        reason: String,
    },
}

impl AnalyzerError {
    /// The bytes are not in the format.
    pub(crate) fn format(format: &'static str, reason: impl Into<String>) -> Self {
        Self::Format { format, reason: reason.into() }
    }
}

/// Reads one kind of file.
pub(crate) struct Analyzer {
    /// Its name, unique, as users see it.
    pub(crate) name: &'static str,
    /// Rises with each change of what it finds, so that kept results of before are not used.
    pub(crate) version: u32,
    /// Whether it reads such a file. Looks at nothing but the entry.
    pub(crate) wants: fn(&File<'_>) -> bool,
    /// What the file says.
    pub(crate) analyze: fn(&File<'_>, &dyn ReadAt) -> Result<Analysis, AnalyzerError>,
}

/// Whether any analyzer reads such a file.
pub fn wanted(file: &File<'_>) -> bool {
    ANALYZERS.iter().any(|analyzer| (analyzer.wants)(file))
}

/// What all analyzers that want the file find in it, with the names of these analyzers.
pub fn analyze(
    file: &File<'_>,
    content: &dyn ReadAt,
) -> Vec<(&'static str, Result<Analysis, AnalyzerError>)> {
    ANALYZERS
        .iter()
        .filter(|analyzer| (analyzer.wants)(file))
        .map(|analyzer| (analyzer.name, (analyzer.analyze)(file, content)))
        .collect()
}

/// Names the analyzers and their versions: results kept under another fingerprint may lack something.
pub fn fingerprint() -> String {
    let one = |analyzer: &&Analyzer| format!("{}-{}", analyzer.name, analyzer.version);
    ANALYZERS.iter().map(one).collect::<Vec<_>>().join(" ")
}
