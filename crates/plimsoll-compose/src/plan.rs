//! The exact content of a base: which packages, in which versions, with which digests.
//!
//! A plan is also the pin of a base: stored, it makes the same base again, without asking which versions are
//! current. It holds no address; those come from the caller's sources each time, so that a stored plan cannot
//! direct a download.

use plimsoll_oci::{Digest, Hasher};
use serde::{Deserialize, Serialize};

use crate::spec::DebianSpec;

/// Version of the stored form and of the way layers are made from it; a change makes new bases.
pub(crate) const SCHEMA: u32 = 1;

/// A plan used as a pin.
pub type Pin = Plan;

/// What a base is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Version of this form.
    pub schema: u32,
    /// The request, with its architecture.
    pub spec: DebianSpec,
    /// Debian's name of the architecture.
    pub architecture: String,
    /// Seconds since 1970 of the newest release file: the base's time of creation and the newest time in it.
    pub created: i64,
    /// Where the packages come from, in the order of the sources.
    pub archives: Vec<PlannedArchive>,
    /// The packages, sorted by name.
    pub packages: Vec<PlannedPackage>,
    /// Dependencies that were not followed, sorted.
    pub left_out: Vec<LeftOut>,
}

/// One suite of an archive, as it was when the plan was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedArchive {
    /// The suite as asked for.
    pub suite: String,
    /// The code name in the release file.
    pub codename: String,
    /// Seconds since 1970 of the release file.
    pub date: i64,
    /// Digest of the release file's signed text.
    pub release: Digest,
}

/// One package of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedPackage {
    /// The name.
    pub name: String,
    /// The version.
    pub version: String,
    /// The architecture, `all` included.
    pub architecture: String,
    /// Which entry of [`Plan::archives`] has it.
    pub archive: usize,
    /// The path below the archive's address.
    pub filename: String,
    /// Bytes of the package file.
    pub size_bytes: u64,
    /// Digest of the package file.
    pub digest: Digest,
    /// Whether it is an essential package.
    pub essential: bool,
    /// Whether the request names it.
    pub requested: bool,
    /// The packages of the plan that it depends on, sorted.
    pub depends: Vec<String>,
}

/// A dependency that was not followed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    /// The dependency as written, such as `debconf (>= 0.5) | debconf-2.0`.
    pub dependency: String,
    /// The package that asks for it.
    pub wanted_by: String,
    /// Why it is not there.
    pub reason: LeftOutReason,
}

/// Why a dependency was not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LeftOutReason {
    /// Essential packages (shell, core utilities, `dpkg`) are no part of a distroless base.
    Essential,
    /// Only maintainer scripts use it, and a distroless base runs none.
    MaintainerScripts,
}

impl Plan {
    /// Names the content: the packages, the time and the way layers are made. See also [`Composer::key`].
    ///
    /// [`Composer::key`]: crate::Composer::key
    ///
    /// The archives' digests are left out: a mirror's point release that changes none of the packages gives a
    /// new release file but the same base, except for its time.
    pub fn digest(&self) -> Digest {
        let mut hasher = Hasher::new();
        hasher.field("plimsoll debian base");
        hasher.field(self.schema.to_le_bytes());
        hasher.field(self.spec.to_string());
        hasher.field(&self.architecture);
        hasher.field(self.created.to_le_bytes());
        for package in &self.packages {
            hasher.field(&package.name);
            hasher.field(&package.version);
            hasher.field(&package.architecture);
            hasher.field(package.digest.as_bytes());
        }
        hasher.finish()
    }

    /// Bytes of all package files.
    pub fn download_bytes(&self) -> u64 {
        self.packages.iter().map(|package| package.size_bytes).sum()
    }

    /// The package of this name.
    pub fn package(&self, name: &str) -> Option<&PlannedPackage> {
        let place = self.packages.binary_search_by(|package| package.name.as_str().cmp(name)).ok()?;
        Some(&self.packages[place])
    }
}
