//! What a scan found, in the shapes that people and programs read, and bills of materials read back.
//!
//! The crate is pure: reports and [`Options`] go in, text comes out, and the same input gives the same bytes. Names, versions
//! and titles come from images and databases, which strangers write: each shape encodes them, so that none can command a
//! terminal, a CI system or a browser. Every shape holds the vulnerabilities and secrets whose severities are selected; what
//! is left out is counted.

mod advice;
mod facts;
mod github;
mod gitlab;
mod html;
mod identity;
mod json;
mod junit;
mod options;
mod sarif;
mod sbom;
mod table;
mod text;
mod view;

pub use options::{Format, Options, UnknownFormat};
pub use sbom::{Bom, SbomError, read_sbom};

use plimsoll_scan::Report;

/// The reports in a format, with a line end.
pub fn write(format: Format, reports: &[Report], options: &Options) -> String {
    match format {
        Format::Table => table::tables(reports, options),
        Format::Json => json::document(reports, options),
        Format::Sarif => sarif::document(reports, options),
        Format::Gitlab => gitlab::document(reports, options),
        Format::Github => github::commands(reports, options),
        Format::Junit => junit::document(reports, options),
        Format::Html => html::document(reports, options),
        Format::CycloneDx => sbom::cyclonedx::document(reports, options, false),
        Format::CycloneDxVex => sbom::cyclonedx::document(reports, options, true),
        Format::Spdx => sbom::spdx::document(reports, options),
    }
}
