//! Images that can be scanned, wherever their bytes lie.

use std::io::{self, Read};

use plimsoll_oci::{Digest, ImageConfig};

/// The most bytes that a manifest, an index or a config may have.
pub const LARGEST_DOCUMENT: u64 = 16 << 20;

/// Opens a blob; what it gives may be compressed.
pub type OpenBlob = dyn Fn() -> io::Result<Box<dyn Read + Send>> + Send + Sync;

/// An image of one platform.
pub struct ImageSource {
    /// The names that it has where it lies.
    pub names: Vec<String>,
    /// The digest of its manifest, where it has one.
    pub digest: Option<Digest>,
    /// Its config.
    pub config: ImageConfig,
    /// Its layers, bottom first: one for each of the config's diff ids.
    pub layers: Vec<Box<OpenBlob>>,
}
