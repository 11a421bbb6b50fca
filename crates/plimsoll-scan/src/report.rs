//! What a scan found: the one thing that every output is made of. Its JSON is stable, and the same image and the same database
//! give the same bytes.

use std::collections::BTreeMap;

use plimsoll_packages::{Evidence, Kind, Scope};
use serde::{Deserialize, Serialize};

use crate::facts::NotScanned;

/// The version of the report's form. It rises when something is taken away or changes its meaning.
pub const SCHEMA: u32 = 1;

/// What a scan of one image, directory or bill of materials found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: u32,
    /// What made it.
    pub tool: Tool,
    /// What was scanned.
    pub target: Target,
    /// Its operating system; none when no file says so.
    pub os: Option<System>,
    /// Its packages, by type, name, version and architecture.
    pub packages: Vec<Package>,
    /// What is known against them, the worst first.
    pub vulnerabilities: Vec<Vulnerability>,
    /// Secrets, by path and line.
    pub secrets: Vec<Secret>,
    /// What could not be read, or not be judged.
    pub not_scanned: Vec<NotScanned>,
    /// The database that was asked; none when there was none.
    pub database: Option<DatabaseInfo>,
    /// How many of what.
    pub summary: Summary,
}

/// What made a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// What was scanned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// What it is.
    pub kind: TargetKind,
    /// As the user named it.
    pub name: String,
    /// The digest of an image's manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The platform of an image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// The Dockerfile of an image that was built here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dockerfile: Option<String>,
    /// The layers of an image, bottom first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<Layer>,
}

/// What can be scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TargetKind {
    /// An image.
    Image,
    /// A directory.
    Directory,
    /// A software bill of materials.
    Sbom,
}

/// A layer of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// The digest of its uncompressed bytes.
    pub diff_id: String,
    /// The instruction that made it, as the image's history tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// The stage of the Dockerfile, for images that were built here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// The line of the Dockerfile, from 1, for images that were built here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Whether it is one of the base image's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_base: bool,
}

/// An operating system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct System {
    /// `ID` of os-release.
    pub id: String,
    /// `VERSION_ID`; empty for a rolling release.
    pub version: String,
    /// Its name for people.
    pub name: String,
    /// The day after which nobody mends it, as `2028-06-30`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_of_life: Option<String>,
    /// Whether that day is past.
    pub is_past_end_of_life: bool,
}

/// A package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// The type of its package URL.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Its name as the ecosystem spells it.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its package URL.
    pub purl: String,
    /// How it is known.
    pub evidence: Evidence,
    /// What it is for.
    pub scope: Scope,
    /// The architecture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
    /// The source package, when it is another or has another version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Named>,
    /// Who made it, as its record says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// RPM's modularity label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// Licences as they are declared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub licenses: Vec<String>,
    /// Where it was found.
    pub locations: Vec<Location>,
}

/// A name and a version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Named {
    /// The name.
    pub name: String,
    /// The version.
    pub version: String,
}

/// Where something was found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Location {
    /// The path from the root, without a leading slash.
    pub path: String,
    /// The line, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The layer's place in [`Target::layers`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<usize>,
}

/// How bad something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nobody said.
    Unknown,
    /// It is no problem where the package is used as it is meant to be.
    Negligible,
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
    /// Critical.
    Critical,
}

impl Severity {
    /// All, the worst first.
    pub const ALL: [Self; 6] =
        [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Negligible, Self::Unknown];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Negligible => "negligible",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// What can be done about a vulnerability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// A later version has the fix.
    Fixed,
    /// There is no fix.
    Affected,
    /// The distribution will not fix it in this release.
    WillNotFix,
    /// The distribution puts it off.
    Postponed,
    /// The release gets no fixes any more.
    EndOfLife,
}

/// A vulnerability of a package.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Vulnerability {
    /// The CVE where there is one.
    pub id: String,
    /// Its other names.
    pub aliases: Vec<String>,
    /// The package.
    pub package: PackageRef,
    /// How bad it is.
    pub severity: Severity,
    /// Who says so.
    pub severity_source: String,
    /// The CVSS base score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// The CVSS vector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vector: Option<String>,
    /// What can be done.
    pub state: State,
    /// The first version with the fix.
    pub fixed: Option<String>,
    /// What it is, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The chance that it is made use of within 30 days (EPSS), from 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epss: Option<f64>,
    /// Whether it is known to be made use of (CISA KEV).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_exploited: bool,
    /// Where the package was found.
    pub locations: Vec<Location>,
    /// The sources that list it.
    pub sources: Vec<String>,
}

/// Which package a vulnerability is one of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PackageRef {
    /// The type of its package URL.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Its name as the ecosystem spells it.
    pub name: String,
    /// The installed version.
    pub version: String,
    /// Its package URL.
    pub purl: String,
}

/// A secret. Its value is nowhere in a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    /// The rule that found it.
    pub rule: String,
    /// What it is.
    pub title: String,
    /// How bad it is.
    pub severity: Severity,
    /// The path from the root, or `config` and the name of a setting of the image.
    pub path: String,
    /// The line where the value begins, from 1.
    pub line: u32,
    /// The column where the value begins, from 1.
    pub column: u32,
    /// What the value looks like, with all but its beginning masked.
    pub masked: String,
    /// Names rule and value in lists of what is ignored.
    pub fingerprint: String,
    /// The layer's place in [`Target::layers`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<usize>,
    /// Whether a later layer removes the file: it is in the image all the same.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_deleted_later: bool,
}

/// The database that was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseInfo {
    /// The digest of its bytes.
    pub digest: String,
    /// When it was built, in seconds since 1970; none for a folder of records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub built: Option<u64>,
    /// How many records it has of which source.
    pub sources: BTreeMap<String, u64>,
}

/// How many of what. Each vulnerability counts once a package.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Packages.
    pub packages: usize,
    /// Vulnerabilities by severity, those that are not shown included.
    pub vulnerabilities: BTreeMap<String, usize>,
    /// Vulnerabilities that a later version fixes.
    pub fixable: usize,
    /// Vulnerabilities that the image which this one is compared with has too.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub known_before: usize,
    /// Vulnerabilities that an ignore file or a VEX document takes away.
    pub suppressed: usize,
    /// Secrets.
    pub secrets: usize,
    /// Secrets in files that packages of the operating system brought: whoever can fetch these has them, and they are not listed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub public_secrets: usize,
    /// Files of language packages that belong to packages of the operating system.
    pub owned_by_system: usize,
    /// What could not be read, or not be judged.
    pub not_scanned: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}
