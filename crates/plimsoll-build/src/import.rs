//! Images from a registry, as far as they are needed.

use std::sync::Arc;

use plimsoll_export::{ExportError, Image, TransferProgress};
use plimsoll_oci::{ImageConfig, Platform, Reference};
use plimsoll_registry::{BlockingClient, RemoteImage};
use plimsoll_solver::EventSink;
use plimsoll_store::Store;

use crate::error::BuildError;
use crate::fetch::StoreSink;

/// A config larger than this many bytes is none.
const LARGEST_CONFIG: u64 = 16 << 20;

/// Asks a registry what a reference stands for, and keeps manifest and config, the names of the layers and where
/// they are. The layers themselves are fetched when somebody needs their bytes.
pub fn store_remote_image(
    store: &Store,
    client: &BlockingClient,
    reference: &Reference,
    platform: &Platform,
) -> Result<Image, BuildError> {
    let remote = client.resolve_image(reference, platform)?;
    if !store.has_blob(&remote.config.digest)? {
        store.put_blob(&client.blob_bytes(reference, &remote.config, LARGEST_CONFIG)?)?;
    }
    keep(store, reference, &remote)?;
    Ok(Image::read(store, remote.top(), platform)?)
}

fn keep(store: &Store, reference: &Reference, remote: &RemoteImage) -> Result<(), BuildError> {
    let config_bytes = store.read_blob(&remote.config.digest, LARGEST_CONFIG)?;
    let digest = remote.config.digest;
    let config: ImageConfig =
        serde_json::from_slice(&config_bytes).map_err(|source| ExportError::Config { digest, source })?;
    let layers: Vec<_> = config.rootfs.diff_ids.iter().copied().zip(remote.layers.iter().cloned()).collect();
    store.record_base_layers(&layers)?;
    for layer in remote.layers.iter().chain([&remote.config]) {
        store.record_blob_source(&layer.digest, &reference.name())?;
    }
    if let Some((_, bytes)) = &remote.index {
        store.put_blob(bytes)?;
    }
    store.put_blob(&remote.manifest_bytes)?;
    store.set_image(&reference.to_string(), remote.top())?;
    Ok(())
}

/// Fetches an image with all its layers.
pub fn pull(
    store: &Store,
    client: &BlockingClient,
    reference: &Reference,
    platform: &Platform,
    events: &Arc<dyn EventSink>,
) -> Result<Image, BuildError> {
    let progress = TransferProgress::new(&**events, "pulling");
    let want = |blob: &plimsoll_oci::Descriptor| !store.has_blob(&blob.digest).unwrap_or(false);
    let sinks = |blob: &plimsoll_oci::Descriptor| {
        let sink = StoreSink::new(store, &blob.digest).map_err(std::io::Error::other)?;
        Ok(Box::new(sink) as Box<dyn plimsoll_registry::BlobSink>)
    };
    let remote = client.pull_image(reference, platform, &want, &sinks, &progress)?;
    keep(store, reference, &remote)?;
    Ok(Image::read(store, remote.top(), platform)?)
}
