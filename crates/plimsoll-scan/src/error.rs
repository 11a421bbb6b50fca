//! Why something could not be scanned at all.

use std::io;
use std::path::PathBuf;

use plimsoll_layer::LayerError;

/// Why something could not be scanned at all.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// A layer could not be opened.
    #[error("cannot open the layer")]
    OpenLayer {
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// A layer is no tar.
    #[error("cannot read the layer")]
    Layer {
        /// The cause.
        #[source]
        source: LayerError,
    },
    /// A directory could not be opened or listed.
    #[error("cannot read `{}`", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
}
