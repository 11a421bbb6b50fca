//! Images from a registry, as far as they are needed.

use std::sync::Arc;

use plimsoll_export::{ExportError, Image, ImageSet, PlatformChoice, TransferProgress};
use plimsoll_oci::{ImageConfig, ParsedManifest, Platform, Reference, media_type};
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
    store.set_image(&reference.to_string(), remote.top())?;
    Ok(Image::read(store, remote.top(), platform)?)
}

fn keep(store: &Store, reference: &Reference, remote: &RemoteImage) -> Result<(), BuildError> {
    let config_bytes = store.read_blob(&remote.config.digest, LARGEST_CONFIG)?;
    let digest = remote.config.digest;
    let config: ImageConfig =
        serde_json::from_slice(&config_bytes).map_err(|source| ExportError::Config { digest, source })?;
    // Attestations are manifests too, with layers that are no file systems.
    let layers = config.rootfs.diff_ids.iter().copied().zip(remote.layers.iter().cloned());
    let layers: Vec<_> = layers.filter(|(_, layer)| media_type::is_layer(&layer.media_type)).collect();
    store.record_base_layers(&layers)?;
    for layer in remote.layers.iter().chain([&remote.config]) {
        store.record_blob_source(&layer.digest, &reference.name())?;
    }
    if let Some((_, bytes)) = &remote.index {
        store.put_blob(bytes)?;
    }
    store.put_blob(&remote.manifest_bytes)?;
    Ok(())
}

/// Fetches images with all their layers: of an index those of some platforms, or all. Gives what the name stands for.
pub fn pull(
    store: &Store,
    client: &BlockingClient,
    reference: &Reference,
    choice: &PlatformChoice,
    events: &Arc<dyn EventSink>,
) -> Result<ImageSet, BuildError> {
    let platforms = match choice {
        PlatformChoice::Present => vec![Platform::host()],
        PlatformChoice::Listed(platforms) => platforms.clone(),
        PlatformChoice::All => return pull_all(store, client, reference, events),
    };
    let mut images: Vec<Image> = Vec::new();
    let mut top = None;
    for platform in &platforms {
        let remote = pull_one(store, client, reference, platform, events)?;
        images.push(Image::read(store, remote.top(), platform)?);
        top = Some(remote.top().clone());
    }
    if let Some(top) = top {
        store.set_image(&reference.to_string(), &top)?;
    }
    Ok(ImageSet::of(images)?)
}

/// Every image of an index, attestations included.
fn pull_all(
    store: &Store,
    client: &BlockingClient,
    reference: &Reference,
    events: &Arc<dyn EventSink>,
) -> Result<ImageSet, BuildError> {
    let (descriptor, bytes) = client.manifest(reference)?;
    let parsed = ParsedManifest::parse(&bytes, Some(&descriptor.media_type))
        .map_err(plimsoll_export::ExportError::from)?;
    match parsed {
        ParsedManifest::Manifest(_) => drop(pull_one(store, client, reference, &Platform::host(), events)?),
        ParsedManifest::Index(index) => {
            for entry in &index.manifests {
                let child = reference.with_digest(entry.digest);
                pull_one(store, client, &child, &Platform::host(), events)?;
            }
            store.put_blob(&bytes)?;
        }
    }
    store.set_image(&reference.to_string(), &descriptor)?;
    Ok(ImageSet::read(store, &descriptor, &PlatformChoice::All)?)
}

fn pull_one(
    store: &Store,
    client: &BlockingClient,
    reference: &Reference,
    platform: &Platform,
    events: &Arc<dyn EventSink>,
) -> Result<RemoteImage, BuildError> {
    let progress = TransferProgress::new(&**events, "pulling");
    let want = |blob: &plimsoll_oci::Descriptor| !store.has_blob(&blob.digest).unwrap_or(false);
    let sinks = |blob: &plimsoll_oci::Descriptor| {
        let sink = StoreSink::new(store, &blob.digest).map_err(std::io::Error::other)?;
        Ok(Box::new(sink) as Box<dyn plimsoll_registry::BlobSink>)
    };
    let remote = client.pull_image(reference, platform, &want, &sinks, &progress)?;
    keep(store, reference, &remote)?;
    Ok(remote)
}
