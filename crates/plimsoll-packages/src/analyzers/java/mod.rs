//! Java: archives of classes, and archives of those.

mod archive;
mod file_name;
mod groups;
mod manifest;

use crate::analyzer::Analyzer;

/// The analyzer of this folder.
pub(super) static ARCHIVE: &Analyzer = &archive::ANALYZER;
