//! A package, as it is found.

use serde::{Deserialize, Serialize};

/// What manages a package: the type of its package URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Alpine and its kin.
    Apk,
    /// Rust.
    Cargo,
    /// `CocoaPods`.
    Cocoapods,
    /// PHP's Composer.
    Composer,
    /// Conan.
    Conan,
    /// Conda.
    Conda,
    /// R.
    Cran,
    /// Debian and its kin.
    Deb,
    /// `RubyGems`.
    Gem,
    /// Go modules; the toolchain's library is the package `stdlib`.
    Golang,
    /// Haskell.
    Hackage,
    /// Elixir and Erlang.
    Hex,
    /// Julia.
    Julia,
    /// Maven; the name is `group:artifact`.
    Maven,
    /// npm; the name has its scope.
    Npm,
    /// `NuGet`.
    Nuget,
    /// Dart.
    Pub,
    /// Python.
    Pypi,
    /// RPM.
    Rpm,
    /// Swift; the name is the repository's address without its scheme.
    Swift,
}

impl Kind {
    /// The type in a package URL.
    pub fn name(self) -> &'static str {
        match self {
            Self::Apk => "apk",
            Self::Cargo => "cargo",
            Self::Cocoapods => "cocoapods",
            Self::Composer => "composer",
            Self::Conan => "conan",
            Self::Conda => "conda",
            Self::Cran => "cran",
            Self::Deb => "deb",
            Self::Gem => "gem",
            Self::Golang => "golang",
            Self::Hackage => "hackage",
            Self::Hex => "hex",
            Self::Julia => "julia",
            Self::Maven => "maven",
            Self::Npm => "npm",
            Self::Nuget => "nuget",
            Self::Pub => "pub",
            Self::Pypi => "pypi",
            Self::Rpm => "rpm",
            Self::Swift => "swift",
        }
    }

    /// Whether the operating system manages packages of this kind.
    pub fn is_of_system(self) -> bool {
        matches!(self, Self::Apk | Self::Deb | Self::Rpm)
    }
}

/// How a package is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// A package manager's record or tree says that it is there.
    Installed,
    /// A program says what it was made of.
    Binary,
    /// A lock file or a manifest names it with an exact version.
    LockFile,
}

/// What a package is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// It is used when the program runs.
    #[default]
    Runtime,
    /// It is used when the program is made or tested.
    Development,
    /// It is the project that the file describes.
    Project,
}

/// The source package that a package was built from, where that is another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// Its version, which may differ from the package's.
    pub version: String,
}

/// A package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Package {
    /// What manages it.
    pub kind: Kind,
    /// Its name as the ecosystem spells it: `group:artifact`, `@scope/name`, `vendor/name`, a module's path.
    pub name: String,
    /// Its version, with epoch and revision where the ecosystem has them.
    pub version: String,
    /// How it is known.
    pub evidence: Evidence,
    /// What it is for.
    #[serde(default, skip_serializing_if = "is_runtime")]
    pub scope: Scope,
    /// The architecture, as the ecosystem spells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
    /// The source package, when it is another or has another version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// Who made it, as its record says: tells a distribution's packages from others'.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// RPM's modularity label, `name:stream:version:context`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// Licences as they are declared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub licenses: Vec<String>,
    /// The line of the file that names it, from 1, where a person would look for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
fn is_runtime(scope: &Scope) -> bool {
    *scope == Scope::Runtime
}

impl Package {
    /// A package of which no more is known yet.
    pub fn new(kind: Kind, name: impl Into<String>, version: impl Into<String>, evidence: Evidence) -> Self {
        Self {
            kind,
            name: name.into(),
            version: version.into(),
            evidence,
            scope: Scope::Runtime,
            architecture: None,
            source: None,
            vendor: None,
            module: None,
            licenses: Vec::new(),
            line: None,
        }
    }

    /// Its package URL (purl-spec). Packages of an operating system carry the one that they are of: `id` is the namespace,
    /// `id-version` the qualifier `distro`.
    pub fn purl(&self, system: Option<(&str, &str)>) -> String {
        crate::purl::purl(self, system)
    }
}
