//! The files of an OCI image layout (image-spec, image-layout.md), and of Docker's archive around the same blobs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::str::FromStr;

use plimsoll_oci::{Descriptor, Digest, Index, Reference};
use plimsoll_snapshot::Snapshots;
use serde::{Deserialize, Serialize};

use crate::archive::ArchiveFormat;
use crate::{ExportError, Image, ImageSet};

/// Where a layout says what it is.
pub(crate) const OCI_LAYOUT: &str = "oci-layout";
/// Where a layout lists its images.
pub(crate) const INDEX: &str = "index.json";
/// Where Docker's archive lists its images.
pub(crate) const DOCKER_MANIFEST: &str = "manifest.json";
/// The folder of blobs.
pub(crate) const BLOBS: &str = "blobs/sha256";
/// The annotation with a tag, or a whole name (image-spec, annotations.md).
pub(crate) const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// The annotation with a whole name, which containerd and Docker read.
pub(crate) const IMAGE_NAME: &str = "io.containerd.image.name";

/// What is exported under one set of names: one image, or one for each of several platforms.
#[derive(Clone, Copy, Debug)]
pub struct Bundle<'a> {
    /// The images.
    pub images: &'a ImageSet,
    /// Their names, as references; may be empty.
    pub names: &'a [String],
}

/// One image in the `manifest.json` of Docker's archive.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DockerEntry {
    /// Path of the config.
    pub(crate) config: String,
    /// Names, in Docker's short form.
    #[serde(default)]
    pub(crate) repo_tags: Option<Vec<String>>,
    /// Paths of the layers, bottom first.
    #[serde(default)]
    pub(crate) layers: Option<Vec<String>>,
}

/// Where the bytes of a file of the layout are.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    Bytes(Vec<u8>),
    Blob(Box<Descriptor>),
}

impl Content {
    /// Length in bytes.
    pub(crate) fn size(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Blob(blob) => blob.size,
        }
    }
}

/// All files of a layout by their paths, so that they come in the same order each time.
pub(crate) type Files = BTreeMap<String, Content>;

/// Path of a blob in a layout.
pub(crate) fn blob_path(digest: &Digest) -> String {
    format!("{BLOBS}/{}", digest.hex())
}

/// Lays out images, without the blobs that the reader has; those that are not in the store are brought there.
pub(crate) fn files(
    snapshots: &Snapshots,
    bundles: &[Bundle<'_>],
    format: ArchiveFormat,
    known: &BTreeSet<Digest>,
) -> Result<Files, ExportError> {
    let mut files = Files::new();
    let mut entries = Vec::new();
    let mut docker = Vec::new();
    for bundle in bundles {
        entries.extend(named(add_bundle(bundle, &mut files)?, bundle.names));
        // An engine that knows no indexes takes one image for each name: that for this machine.
        docker.push(docker_entry(bundle.images.native(), bundle.names));
    }
    if entries.is_empty() {
        return Err(ExportError::NothingToExport);
    }
    for digest in known {
        files.remove(&blob_path(digest));
    }
    let wanted: Vec<Descriptor> = files.values().filter_map(Content::blob).cloned().collect();
    ensure(snapshots, &wanted)?;
    let mut add = |path: &str, bytes| files.insert(path.to_owned(), Content::Bytes(bytes));
    add(OCI_LAYOUT, br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec());
    add(INDEX, json(&Index::new(entries)));
    if format == ArchiveFormat::Docker {
        add(DOCKER_MANIFEST, json(&docker));
    }
    Ok(files)
}

impl Content {
    fn blob(&self) -> Option<&Descriptor> {
        match self {
            Self::Blob(blob) => Some(blob),
            Self::Bytes(_) => None,
        }
    }
}

/// Brings blobs into the store, or says which one cannot be had.
pub(crate) fn ensure(snapshots: &Snapshots, blobs: &[Descriptor]) -> Result<(), ExportError> {
    if snapshots.ensure_blobs(blobs)? {
        return Ok(());
    }
    for blob in blobs {
        if !snapshots.store().has_blob(&blob.digest)? {
            return Err(ExportError::BlobGone { digest: blob.digest });
        }
    }
    Ok(())
}

/// Takes over what a layout in a directory lists under names that the new list does not have.
pub(crate) fn keep_listed(files: &mut Files, directory: &Path) -> Result<(), ExportError> {
    let path = directory.join(INDEX);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(ExportError::Io { path, source }),
    };
    let read = |bytes: &[u8]| {
        let path = INDEX.to_owned();
        serde_json::from_slice::<Index>(bytes).map_err(|source| ExportError::ArchiveFile { path, source })
    };
    let Some(Content::Bytes(new)) = files.get(INDEX) else { return Ok(()) };
    let mut list = read(new)?;
    let name = |entry: &Descriptor| {
        entry.annotations.get(IMAGE_NAME).or_else(|| entry.annotations.get(REF_NAME)).cloned()
    };
    for entry in read(&bytes)?.manifests {
        let replaced = list.manifests.iter().any(|new| match name(&entry) {
            Some(listed) => name(new) == Some(listed),
            None => new.digest == entry.digest,
        });
        if !replaced {
            list.manifests.push(entry);
        }
    }
    files.insert(INDEX.to_owned(), Content::Bytes(json(&list)));
    Ok(())
}

/// Adds the blobs of a bundle and gives the descriptor of what its names stand for.
fn add_bundle(bundle: &Bundle<'_>, files: &mut Files) -> Result<Descriptor, ExportError> {
    let mut add = |digest: &Digest, content| files.insert(blob_path(digest), content);
    for image in &bundle.images.images {
        add(&image.manifest.digest, Content::Bytes(image.manifest_bytes.clone()));
        add(&image.config_descriptor.digest, Content::Bytes(image.config_bytes.clone()));
        for layer in &image.layers {
            add(&layer.digest, Content::Blob(Box::new(layer.clone())));
        }
    }
    if let Some(index) = &bundle.images.index {
        add(&index.descriptor.digest, Content::Bytes(index.bytes.clone()));
        return Ok(index.descriptor.clone());
    }
    bundle.images.images.first().map(Image::entry).ok_or(ExportError::NothingToExport)
}

/// The entries of the layout's index: one a name, or one without a name.
fn named(target: Descriptor, names: &[String]) -> Vec<Descriptor> {
    if names.is_empty() {
        return vec![target];
    }
    let with_name = |name: &String| {
        let mut annotations = target.annotations.clone();
        annotations.insert(IMAGE_NAME.to_owned(), name.clone());
        if let Ok(reference) = Reference::from_str(name) {
            annotations.insert(IMAGE_NAME.to_owned(), reference.to_string());
            annotations.insert(REF_NAME.to_owned(), reference.manifest_reference());
        }
        Descriptor { annotations, ..target.clone() }
    };
    names.iter().map(with_name).collect()
}

fn docker_entry(image: &Image, names: &[String]) -> DockerEntry {
    // Docker refuses digests among the names.
    let tagged = names.iter().filter_map(|name| Reference::from_str(name).ok());
    let tagged = tagged.filter(|reference| reference.digest().is_none());
    DockerEntry {
        config: blob_path(&image.config_descriptor.digest),
        repo_tags: Some(tagged.map(|reference| reference.familiar()).collect()),
        layers: Some(image.layers.iter().map(|layer| blob_path(&layer.digest)).collect()),
    }
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("texts and numbers can be written as JSON")
}
