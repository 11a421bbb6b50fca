//! One platform's image in the store.

use plimsoll_oci::{Descriptor, Digest, ImageConfig, Manifest, ParsedManifest, Platform};
use plimsoll_store::Store;

use crate::ExportError;

/// A manifest or an index larger than this many bytes is none.
const LARGEST_MANIFEST: u64 = 16 << 20;

/// One platform's image, its manifest and config as the bytes that their digests are of.
#[derive(Clone, Debug)]
pub struct Image {
    /// The manifest's name.
    pub manifest: Descriptor,
    /// The manifest's bytes.
    pub manifest_bytes: Vec<u8>,
    /// The config's name.
    pub config_descriptor: Descriptor,
    /// The config's bytes.
    pub config_bytes: Vec<u8>,
    /// The config.
    pub config: ImageConfig,
    /// The layers' blobs, bottom first.
    pub layers: Vec<Descriptor>,
}

impl Image {
    /// Reads an image by the name that it has in the store; an index is asked for `platform`.
    pub fn open(store: &Store, name: &str, platform: &Platform) -> Result<Self, ExportError> {
        let target = store.image(name)?.ok_or_else(|| ExportError::NoImage { name: name.to_owned() })?;
        Self::read(store, &target, platform)
    }

    /// Reads an image by its manifest or index.
    pub fn read(store: &Store, target: &Descriptor, platform: &Platform) -> Result<Self, ExportError> {
        let bytes = blob(store, &target.digest)?;
        match ParsedManifest::parse(&bytes, Some(&target.media_type))? {
            ParsedManifest::Index(index) => Self::read_entry(store, index.select(platform)?),
            ParsedManifest::Manifest(manifest) => Self::of(store, target.clone(), bytes, *manifest),
        }
    }

    /// Reads the image that an entry of an index names.
    pub(crate) fn read_entry(store: &Store, entry: &Descriptor) -> Result<Self, ExportError> {
        let bytes = blob(store, &entry.digest)?;
        match ParsedManifest::parse(&bytes, Some(&entry.media_type))? {
            ParsedManifest::Manifest(manifest) => Self::of(store, entry.clone(), bytes, *manifest),
            ParsedManifest::Index(_) => Err(ExportError::BlobGone { digest: entry.digest }),
        }
    }

    /// The image's entry in an index: what an index says of it already, or the platform of its config.
    pub(crate) fn entry(&self) -> Descriptor {
        let platform = self.manifest.platform.clone().or_else(|| Some(self.config.platform()));
        Descriptor { platform, ..self.manifest.clone() }
    }

    fn of(
        store: &Store,
        descriptor: Descriptor,
        manifest_bytes: Vec<u8>,
        manifest: Manifest,
    ) -> Result<Self, ExportError> {
        let digest = manifest.config.digest;
        let config_bytes = blob(store, &digest)?;
        let config =
            serde_json::from_slice(&config_bytes).map_err(|source| ExportError::Config { digest, source })?;
        Ok(Self {
            manifest: descriptor,
            manifest_bytes,
            config_descriptor: manifest.config,
            config_bytes,
            config,
            layers: manifest.layers,
        })
    }
}

pub(crate) fn blob(store: &Store, digest: &Digest) -> Result<Vec<u8>, ExportError> {
    if !store.has_blob(digest)? {
        return Err(ExportError::BlobGone { digest: *digest });
    }
    Ok(store.read_blob(digest, LARGEST_MANIFEST)?)
}
