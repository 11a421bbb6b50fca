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
    #[error(
        "there is no image `{name}` in the store; `plimsoll images` lists those that are, `plimsoll pull` fetches one"
    )]
    NoImage {
        /// The name that was asked for.
        name: String,
    },
    /// A layout has other images than the one that was asked for.
    #[error("`{}` has no image `{wanted}`; its index.json says which it has", directory.display())]
    NotInLayout {
        /// The directory.
        directory: PathBuf,
        /// The tag or digest.
        wanted: String,
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
    #[error(
        "the blob `{digest}` of the image is gone and no registry is known to have it; pull or build the image again"
    )]
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
    /// The destination of an export could not be written.
    #[error("cannot write the image")]
    Write {
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The merged root file system could not be written.
    #[error("cannot write the root file system")]
    RootFileSystem {
        /// Why.
        #[source]
        source: plimsoll_layer::LayerError,
    },
    /// A file of the root file system could not be put in its place.
    #[error("cannot {action} `{path}` in the destination")]
    Place {
        /// What was attempted.
        action: &'static str,
        /// The path in the root file system.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Two platforms' root file systems were to be written into one directory.
    #[error(
        "`{path}` is in the root file systems of `{first}` and of `{second}`, which go to one place; leave out \
         `platform-split=false`, and each gets a directory of its own"
    )]
    SamePath {
        /// The path.
        path: String,
        /// The platform that was written first.
        first: String,
        /// The other one.
        second: String,
    },
    /// A layer of a result is gone, and nobody is known to have it.
    #[error("the layer `{layer}` is gone; build it again")]
    LayerGone {
        /// The layer.
        layer: plimsoll_store::LayerId,
    },
    /// There is nothing to export.
    #[error("there is no image to export")]
    NothingToExport,
    /// An archive is no tar, or a damaged or hostile one.
    #[error("the archive cannot be read")]
    Archive {
        /// Why.
        #[source]
        source: plimsoll_layer::LayerError,
    },
    /// An archive cannot even be decompressed.
    #[error("the archive cannot be decompressed")]
    Decompress {
        /// Why.
        #[source]
        source: io::Error,
    },
    /// An archive holds neither an OCI image layout nor an archive of Docker.
    #[error(
        "this holds no image: there is neither an `index.json` nor a `manifest.json`; \
         `plimsoll load` reads what `save` writes, OCI image layouts and archives of `docker save`"
    )]
    NoImageInside,
    /// A file of an archive or layout is not what its name says.
    #[error("`{path}` in the archive is not valid")]
    ArchiveFile {
        /// Which.
        path: String,
        /// What the JSON reader says.
        #[source]
        source: serde_json::Error,
    },
    /// A file of an archive is too large, has a wrong name, or is missing.
    #[error("`{path}` in the archive {problem}")]
    ArchiveEntry {
        /// Which.
        path: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// An image in an archive names a blob that is not there.
    #[error("the archive is incomplete: it has no blob `{digest}`")]
    Incomplete {
        /// The blob.
        digest: Digest,
    },
    /// An image's config and its layers do not belong together.
    #[error("the image has {layers} layers, but its config `{config}` names {diff_ids}")]
    LayerCount {
        /// The config's blob.
        config: Digest,
        /// Layers of the manifest.
        layers: usize,
        /// Layers of the config.
        diff_ids: usize,
    },
    /// A layer holds other bytes than its image's config says.
    #[error("the layer `{digest}` unpacks to `{found}`, but the image's config says `{expected}`")]
    WrongDiffId {
        /// The layer's blob.
        digest: Digest,
        /// What the config says.
        expected: Digest,
        /// What it really is.
        found: Digest,
    },
}
