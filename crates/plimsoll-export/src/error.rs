//! Why an image could not be read or written.

use std::io;
use std::path::PathBuf;

use plimsoll_oci::{Digest, ManifestError};

/// Why an image could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The store refused.
    #[error(transparent)]
    Store {
        /// Why.
        #[from]
        source: plimsoll_store::Error,
    },
    /// A layer could not be had.
    #[error(transparent)]
    Snapshot {
        /// Why.
        #[from]
        source: plimsoll_snapshot::SnapshotError,
    },
    /// The image is not in the store.
    #[error("there is no image `{name}` in the store; `plimsoll images` lists those that are, `plimsoll pull` fetches one")]
    NoImage {
        /// The name that was asked for.
        name: String,
    },
    /// A manifest or index could not be used.
    #[error(transparent)]
    Manifest {
        /// Why.
        #[from]
        source: ManifestError,
    },
    /// A config is no config.
    #[error("the config `{digest}` is not valid")]
    Config {
        /// The config's blob.
        digest: Digest,
        /// What the JSON reader says.
        #[source]
        source: serde_json::Error,
    },
    /// A blob of the image is neither in the store nor can it be fetched.
    #[error("the blob `{digest}` of the image is gone and no registry is known to have it; pull or build the image again")]
    BlobGone {
        /// The blob.
        digest: Digest,
    },
    /// A file could not be read or written.
    #[error("cannot use `{}`", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// The reason.
        #[source]
        source: io::Error,
    },
    /// A registry refused.
    #[error(transparent)]
    Registry {
        /// Why.
        #[from]
        source: plimsoll_registry::Error,
    },
    /// A layer is broken.
    #[error("layer `{digest}` cannot be read")]
    Layer {
        /// The layer's blob.
        digest: Digest,
        /// Why.
        #[source]
        source: plimsoll_layer::LayerError,
    },
}
