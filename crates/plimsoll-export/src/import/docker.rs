//! Docker's archive: `manifest.json` lists configs and layers by path (image-spec of Docker, v1.2, "Combined Image JSON").
//!
//! It has no manifest of the registry's kind, so one is made around the config and the layers as they are.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::str::FromStr;

use plimsoll_layer::{ArchiveFormat, detect};
use plimsoll_oci::{Descriptor, Digest, Manifest, Reference, media_type};
use plimsoll_store::Store;

use super::LoadedImage;
use super::oci::{LARGEST_DOCUMENT, record_layers};
use super::sink::{ArchiveFile, find};
use crate::ExportError;
use crate::layout::{DOCKER_MANIFEST, DockerEntry};

/// The entries of `manifest.json`.
pub(super) fn entries(list: &[u8]) -> Result<Vec<DockerEntry>, ExportError> {
    serde_json::from_slice(list)
        .map_err(|source| ExportError::ArchiveFile { path: DOCKER_MANIFEST.to_owned(), source })
}

/// The names of an entry.
pub(super) fn names(entry: &DockerEntry) -> Vec<Reference> {
    let names = entry.repo_tags.iter().flatten();
    names.filter_map(|name| Reference::from_str(name).ok()).collect()
}

/// The images of an archive without an OCI index.
pub(super) fn images(
    store: &Store,
    list: &[u8],
    files: &BTreeMap<String, ArchiveFile>,
) -> Result<Vec<LoadedImage>, ExportError> {
    let mut loaded = Vec::new();
    for entry in entries(list)? {
        let missing = |path: &str| ExportError::ArchiveEntry {
            path: path.to_owned(),
            problem: "is named by the list of images, and is not there",
        };
        let (config, size) = find(files, &entry.config).ok_or_else(|| missing(&entry.config))?;
        if size > LARGEST_DOCUMENT {
            let problem = "is larger than 16 MiB";
            return Err(ExportError::ArchiveEntry { path: entry.config.clone(), problem });
        }
        let mut layers = Vec::new();
        for path in entry.layers.iter().flatten() {
            let (digest, size) = find(files, path).ok_or_else(|| missing(path))?;
            layers.push(Descriptor::new(layer_type(store, &digest)?, digest, size));
        }
        let manifest = Manifest::new(Descriptor::new(media_type::OCI_CONFIG, config, size), layers);
        record_layers(store, &manifest)?;
        let bytes = serde_json::to_vec(&manifest).expect("a manifest has only texts and numbers");
        let digest = store.put_blob(&bytes)?;
        let target = Descriptor::new(media_type::OCI_MANIFEST, digest, bytes.len() as u64);
        loaded.push(LoadedImage { names: names(&entry), target });
    }
    if loaded.is_empty() { Err(ExportError::NoImageInside) } else { Ok(loaded) }
}

/// The type of a layer by its bytes.
fn layer_type(store: &Store, digest: &Digest) -> Result<&'static str, ExportError> {
    let mut first = Vec::new();
    let blob = store.open_blob(digest)?.take(512).read_to_end(&mut first);
    blob.map_err(|source| ExportError::Io { path: store.blob_path(digest), source })?;
    Ok(match detect(&first) {
        Some(ArchiveFormat::Gzip) => media_type::OCI_LAYER_GZIP,
        Some(ArchiveFormat::Zstd) => media_type::OCI_LAYER_ZSTD,
        _ => media_type::OCI_LAYER,
    })
}
