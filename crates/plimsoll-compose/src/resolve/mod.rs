//! From indexes and a request to a set of packages.

pub(crate) mod index;
pub(crate) mod relation;
mod rules;
mod solve;
pub(crate) mod version;

pub(crate) use index::{Field, IndexError, PackageId, PackageIndex};
pub(crate) use solve::{Request, resolve};
