//! Debian and its kin: what dpkg keeps (dpkg(1), "FILES"), and what distroless images have in place of it.

mod copyright;
mod files;
mod status;

use crate::analyzer::Analyzer;

/// All analyzers of this folder.
pub(super) static STATUS: &Analyzer = &status::ANALYZER;
pub(super) static FILES: &Analyzer = &files::ANALYZER;
pub(super) static LICENSES: &Analyzer = &copyright::ANALYZER;
