//! The orders in which package ecosystems put their versions.
//!
//! Each module of `ecosystems` follows one ecosystem's specification and own tool. A version is refused only where that tool
//! refuses it; odd and legacy versions are ordered as it orders them. Numbers have any size, also where the tool's overflow.

mod digits;
mod ecosystem;
mod ecosystems;
mod version;

pub use ecosystem::{Ecosystem, UnknownEcosystem};
pub use version::{Version, compare};
