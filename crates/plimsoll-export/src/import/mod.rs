//! Reading images from archives and layouts into the store.
//!
//! Everything read here is hostile: names, sizes, digests and what they claim about each other are checked. A layer's
//! uncompressed bytes are compared with its config once, so that what is recorded about base layers is true.

mod archive;
mod docker;
mod oci;
mod sink;

pub use archive::{load, load_from_layout, load_path};

use plimsoll_oci::{Descriptor, Reference};

/// An image that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedImage {
    /// The names that it has in the archive; may be empty. They are not given to it in the store yet.
    pub names: Vec<Reference>,
    /// Its manifest or index.
    pub target: Descriptor,
}
