//! One module a kind of file.

mod apk;
mod dpkg;
mod os_release;
mod rpm;

use crate::analyzer::Analyzer;

/// All analyzers, by name.
pub(crate) static ANALYZERS: &[&Analyzer] = &[
    &apk::ANALYZER,
    dpkg::STATUS,
    dpkg::FILES,
    dpkg::LICENSES,
    &os_release::ANALYZER,
    rpm::DATABASE,
    rpm::MANIFEST,
];
