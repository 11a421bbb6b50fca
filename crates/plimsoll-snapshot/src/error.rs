//! Why a snapshot could not be had.

use std::io;
use std::path::PathBuf;

use plimsoll_layer::LayerError;
use plimsoll_oci::Digest;
use plimsoll_store::LayerId;

use crate::FetchError;

/// Why a snapshot could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The store refused.
    #[error(transparent)]
    Store {
        /// Why.
        #[from]
        source: plimsoll_store::Error,
    },
    /// A layer's blob is broken, or could not be unpacked.
    #[error("layer `{layer}` cannot be unpacked or read")]
    Layer {
        /// The layer.
        layer: LayerId,
        /// Why.
        #[source]
        source: LayerError,
    },
    /// A layer's blob holds other bytes than its image says.
    #[error("blob `{blob}` does not hold the layer `{expected}` that its image names; pull the image again")]
    WrongDiffId {
        /// The blob.
        blob: Digest,
        /// The layer that it should be.
        expected: LayerId,
    },
    /// A file in the store could not be read or written.
    #[error("cannot use `{}`", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// The reason.
        #[source]
        source: io::Error,
    },
    /// A blob could not be fetched.
    #[error("cannot fetch layer `{blob}`")]
    Fetch {
        /// The blob.
        blob: Digest,
        /// Why.
        #[source]
        source: FetchError,
    },
    /// Unpacked layers can only be touched inside the user namespace.
    #[error("this needs the user namespace")]
    NeedsNamespace,
}
