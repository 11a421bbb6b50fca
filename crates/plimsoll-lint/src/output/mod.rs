//! Findings in the shapes that people and programs read.

pub mod docker;
pub mod json;
pub mod sarif;
pub mod text;

use plimsoll_diagnostics::{Diagnostic, SourceFile};

use crate::engine::Report;

/// hadolint's name for a file that cannot be read as a Dockerfile.
pub(crate) const SYNTAX_ALIAS: &str = "DL1000";

/// A file that was checked.
pub struct Checked {
    /// The text, under the name that it was given.
    pub file: SourceFile,
    /// What the rules found.
    pub report: Report,
    /// What is wrong with the text itself.
    pub errors: Vec<Diagnostic>,
}
