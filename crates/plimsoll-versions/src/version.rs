//! One version of an ecosystem, read once and compared many times.

use std::cmp::Ordering;

use crate::ecosystem::Ecosystem;
use crate::ecosystems::{
    apk, composer, cran, deb, gem, golang, hackage, maven, npm, nuget, pub_dev, pypi, rpm, semver,
};

/// A version that its ecosystem's tool takes.
///
/// It has no `Ord`: some orders have pairs without one, and Maven's is not transitive.
#[derive(Clone, Debug)]
pub struct Version<'a>(Form<'a>);

#[derive(Clone, Debug)]
enum Form<'a> {
    Apk(apk::Version<'a>),
    Cran(cran::Version<'a>),
    Composer(composer::Version),
    Deb(deb::Version<'a>),
    Gem(gem::Version<'a>),
    Golang(golang::Version<'a>),
    Hackage(hackage::Version<'a>),
    Maven(maven::Version),
    Npm(npm::Version<'a>),
    Nuget(nuget::Version<'a>),
    Pub(pub_dev::Version<'a>),
    Pypi(pypi::Version<'a>),
    Rpm(rpm::Version<'a>),
    Semver(semver::Version<'a>),
}

impl<'a> Version<'a> {
    /// Reads a version; `None` when the ecosystem's tool refuses it.
    pub fn parse(ecosystem: Ecosystem, text: &'a str) -> Option<Self> {
        Some(Self(match ecosystem {
            Ecosystem::Apk => Form::Apk(apk::Version::parse(text)),
            Ecosystem::Cran => Form::Cran(cran::Version::parse(text)?),
            Ecosystem::Composer => Form::Composer(composer::Version::parse(text)?),
            Ecosystem::Deb => Form::Deb(deb::Version::parse(text)?),
            Ecosystem::Gem => Form::Gem(gem::Version::parse(text)?),
            Ecosystem::Golang => Form::Golang(golang::Version::parse(text)),
            Ecosystem::Hackage => Form::Hackage(hackage::Version::parse(text)?),
            Ecosystem::Maven => Form::Maven(maven::Version::parse(text)),
            Ecosystem::Npm => Form::Npm(npm::Version::parse(text)?),
            Ecosystem::Nuget => Form::Nuget(nuget::Version::parse(text)?),
            Ecosystem::Pub => Form::Pub(pub_dev::Version::parse(text)?),
            Ecosystem::Pypi => Form::Pypi(pypi::Version::parse(text)),
            Ecosystem::Rpm => Form::Rpm(rpm::Version::parse(text)?),
            Ecosystem::Semver => Form::Semver(semver::Version::parse(text)),
        }))
    }

    /// The order of two versions; `None` when they have none, or are of different ecosystems.
    pub fn compare(&self, other: &Version<'_>) -> Option<Ordering> {
        match (&self.0, &other.0) {
            (Form::Apk(left), Form::Apk(right)) => Some(left.compare(right)),
            (Form::Cran(left), Form::Cran(right)) => Some(left.compare(right)),
            (Form::Composer(left), Form::Composer(right)) => left.compare(right),
            (Form::Deb(left), Form::Deb(right)) => Some(left.compare(right)),
            (Form::Gem(left), Form::Gem(right)) => Some(left.compare(right)),
            (Form::Golang(left), Form::Golang(right)) => Some(left.compare(right)),
            (Form::Hackage(left), Form::Hackage(right)) => Some(left.compare(right)),
            (Form::Maven(left), Form::Maven(right)) => Some(left.compare(right)),
            (Form::Npm(left), Form::Npm(right)) => Some(left.compare(right)),
            (Form::Nuget(left), Form::Nuget(right)) => Some(left.compare(right)),
            (Form::Pub(left), Form::Pub(right)) => Some(left.compare(right)),
            (Form::Pypi(left), Form::Pypi(right)) => Some(left.compare(right)),
            (Form::Rpm(left), Form::Rpm(right)) => Some(left.compare(right)),
            (Form::Semver(left), Form::Semver(right)) => Some(left.compare(right)),
            _ => None,
        }
    }
}

/// The order of two versions; `None` when the ecosystem's tool refuses one of them or has no order for them.
pub fn compare(ecosystem: Ecosystem, left: &str, right: &str) -> Option<Ordering> {
    Version::parse(ecosystem, left)?.compare(&Version::parse(ecosystem, right)?)
}
