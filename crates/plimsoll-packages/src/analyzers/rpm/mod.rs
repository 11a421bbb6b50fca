//! RPM: its database in the three formats that it has had, and the list of images without one.
//!
//! The readers are of our own: each needs only the records with the packages, and takes no length or place on trust.

mod berkeley;
mod database;
mod header;
mod manifest;
mod ndb;
mod sqlite;

use crate::analyzer::Analyzer;

/// All analyzers of this folder.
pub(super) static DATABASE: &Analyzer = &database::ANALYZER;
pub(super) static MANIFEST: &Analyzer = &manifest::ANALYZER;
