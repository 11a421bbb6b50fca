//! Bills of materials, written and read.

pub(crate) mod cyclonedx;
mod extras;
mod licenses;
mod read;
mod read_cyclonedx;
mod read_spdx;
pub(crate) mod spdx;

pub use read::{Bom, SbomError, read_sbom};
