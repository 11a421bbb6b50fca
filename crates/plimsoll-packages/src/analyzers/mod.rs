//! One module a kind of file.

mod apk;
mod dpkg;
mod go_binary;
mod java;
mod os_release;
mod release_file;
mod rpm;
mod rust_binary;

use crate::analyzer::Analyzer;

/// All analyzers, by name.
pub(crate) static ANALYZERS: &[&Analyzer] = &[
    &apk::ANALYZER,
    dpkg::STATUS,
    dpkg::FILES,
    dpkg::LICENSES,
    &go_binary::ANALYZER,
    java::ARCHIVE,
    &os_release::ANALYZER,
    &release_file::ANALYZER,
    rpm::DATABASE,
    rpm::MANIFEST,
    &rust_binary::ANALYZER,
];
