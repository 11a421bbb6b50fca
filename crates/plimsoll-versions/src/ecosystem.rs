//! The ecosystems and their names.

use std::fmt;
use std::str::FromStr;

/// What decides how versions are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ecosystem {
    /// Alpine, Wolfi and their kin.
    Apk,
    /// R.
    Cran,
    /// PHP's Composer.
    Composer,
    /// Debian and its derivatives.
    Deb,
    /// `RubyGems`.
    Gem,
    /// Go modules and toolchains.
    Golang,
    /// Haskell.
    Hackage,
    /// Maven.
    Maven,
    /// npm.
    Npm,
    /// `NuGet`.
    Nuget,
    /// Dart's pub.
    Pub,
    /// Python.
    Pypi,
    /// RPM.
    Rpm,
    /// Semantic versions of any origin, read leniently.
    Semver,
}

/// A name that is no ecosystem's.
#[derive(Debug, thiserror::Error)]
#[error("there is no ecosystem `{name}`; there are {}", names())]
pub struct UnknownEcosystem {
    name: String,
}

impl Ecosystem {
    /// All of them, by name.
    pub const ALL: [Self; 14] = [
        Self::Apk,
        Self::Cran,
        Self::Composer,
        Self::Deb,
        Self::Gem,
        Self::Golang,
        Self::Hackage,
        Self::Maven,
        Self::Npm,
        Self::Nuget,
        Self::Pub,
        Self::Pypi,
        Self::Rpm,
        Self::Semver,
    ];

    /// Its name: the type of a package URL where there is one.
    pub fn name(self) -> &'static str {
        match self {
            Self::Apk => "apk",
            Self::Cran => "cran",
            Self::Composer => "composer",
            Self::Deb => "deb",
            Self::Gem => "gem",
            Self::Golang => "golang",
            Self::Hackage => "hackage",
            Self::Maven => "maven",
            Self::Npm => "npm",
            Self::Nuget => "nuget",
            Self::Pub => "pub",
            Self::Pypi => "pypi",
            Self::Rpm => "rpm",
            Self::Semver => "semver",
        }
    }
}

fn names() -> String {
    Ecosystem::ALL.map(Ecosystem::name).join(", ")
}

impl fmt::Display for Ecosystem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Ecosystem {
    type Err = UnknownEcosystem;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|ecosystem| ecosystem.name() == name)
            .ok_or_else(|| UnknownEcosystem { name: name.to_owned() })
    }
}
