//! Why something could not be scanned at all.

use std::io;
use std::path::PathBuf;

use plimsoll_layer::LayerError;
use plimsoll_oci::ManifestError;

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

/// Why there is no image to be read in an archive or a layout.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// It could not be opened, or is no tar.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The archive.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// A file in it could not be read.
    #[error("cannot read `{name}` in `{}`", path.display())]
    File {
        /// The file.
        name: String,
        /// The archive.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// A document in it is not what it should be.
    #[error("`{name}` in `{}` is not valid", path.display())]
    Json {
        /// The file.
        name: String,
        /// The archive.
        path: PathBuf,
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
    /// A manifest in it cannot be understood.
    #[error("`{name}` in `{}` is no manifest", path.display())]
    Manifest {
        /// The file.
        name: String,
        /// The archive.
        path: PathBuf,
        /// The cause.
        #[source]
        source: ManifestError,
    },
    /// A file that another names is not there.
    #[error("`{}` names `{name}`, and has no such file", path.display())]
    Missing {
        /// The file.
        name: String,
        /// The archive.
        path: PathBuf,
    },
    /// A document's bytes are not those that its name is the digest of.
    #[error("`{name}` in `{}` has other bytes than its name says", path.display())]
    Digest {
        /// The file.
        name: String,
        /// The archive.
        path: PathBuf,
    },
    /// Indexes name indexes without an end.
    #[error("the indexes in `{}` lead to further indexes again and again", path.display())]
    Levels {
        /// The archive.
        path: PathBuf,
    },
    /// Config and manifest disagree.
    #[error("an image in `{}` has {given} layers, and its config tells of {named}", path.display())]
    Layers {
        /// The archive.
        path: PathBuf,
        /// How many the config names.
        named: usize,
        /// How many there are.
        given: usize,
    },
    /// There is neither an OCI index nor Docker's list of images.
    #[error("there is no image in `{}`: it has neither `index.json` nor `manifest.json`", path.display())]
    NoImage {
        /// The archive.
        path: PathBuf,
    },
}
