//! One module a kind of file.

mod os_release;

use crate::analyzer::Analyzer;

/// All analyzers, by name.
pub(crate) static ANALYZERS: &[&Analyzer] = &[&os_release::ANALYZER];
