//! Pushing to a registry.
//!
//! A blob that the registry has, or has in another repository, is not sent, and not even fetched when this store lacks
//! its bytes: pushing an image to the registry of its base moves only what was built.

use std::io::{self, Read};
use std::str::FromStr;
use std::sync::Arc;

use bytes::Bytes;
use plimsoll_oci::{Descriptor, Reference};
use plimsoll_registry::{BlobSource, BlockingClient, Error, PushBlob, PushImage, PushManifest};
use plimsoll_snapshot::{BlobFetcher, Snapshots};
use plimsoll_solver::EventSink;
use plimsoll_store::Store;

use crate::layout::ensure;
use crate::{ExportError, ImageSet, TransferProgress};

/// Pushes images, with their index if they have one; gives what the reference stands for then, and one line about what
/// was done. A reference without a tag is pushed by its digest alone.
pub fn push(
    snapshots: &Snapshots,
    client: &BlockingClient,
    set: &ImageSet,
    reference: &Reference,
    events: &dyn EventSink,
) -> Result<(Descriptor, String), ExportError> {
    let mut pushed = PushImage::default();
    let mut absent = Vec::new();
    for image in &set.images {
        pushed
            .blobs
            .push(PushBlob::new(image.config_descriptor.clone(), Bytes::from(image.config_bytes.clone())));
        for layer in &image.layers {
            let blob = layer_blob(snapshots, layer, reference)?;
            if !snapshots.store().protect_blobs(&[layer.digest])? && blob.mount_from.is_empty() {
                absent.push(layer.clone());
            }
            pushed.blobs.push(blob);
        }
        pushed.manifests.push(manifest(&image.manifest.media_type, &image.manifest_bytes));
    }
    if let Some(index) = &set.index {
        pushed.manifests.push(manifest(&index.descriptor.media_type, &index.bytes));
    }
    fetch_what_is_wanted(snapshots, client, reference, absent)?;
    let progress = TransferProgress::new(events, "pushing");
    let descriptor = client.push_image(reference, &pushed, &progress)?;
    for blob in &pushed.blobs {
        snapshots.store().record_blob_source(&blob.descriptor.digest, &reference.name())?;
    }
    let (moved, spared) = progress.transferred();
    let named = if reference.digest().is_some() { reference.name() } else { reference.familiar() };
    let note = format!("pushed {named} {} ({moved} of {} blobs sent)", descriptor.digest, moved + spared);
    Ok((descriptor, note))
}

fn manifest(media_type: &str, bytes: &[u8]) -> PushManifest {
    PushManifest { media_type: media_type.to_owned(), bytes: Bytes::copy_from_slice(bytes) }
}

fn layer_blob(
    snapshots: &Snapshots,
    layer: &Descriptor,
    reference: &Reference,
) -> Result<PushBlob, ExportError> {
    let store = snapshots.store();
    let source = StoredBlob { store: store.clone(), fetcher: snapshots.fetcher(), descriptor: layer.clone() };
    let known = store.blob_sources(&layer.digest)?;
    let elsewhere = |from: &Reference| {
        from.registry() == reference.registry() && from.repository() != reference.repository()
    };
    let mount_from = known.iter().filter_map(|name| Reference::from_str(name).ok()).filter(elsewhere);
    Ok(PushBlob { mount_from: mount_from.collect(), ..PushBlob::new(layer.clone(), source) })
}

/// Blobs that are in no repository of the registry are fetched before the push, because a connection on which
/// nothing moves meanwhile would be given up; those that may be mounted are fetched only if that is refused.
fn fetch_what_is_wanted(
    snapshots: &Snapshots,
    client: &BlockingClient,
    reference: &Reference,
    absent: Vec<Descriptor>,
) -> Result<(), ExportError> {
    let mut wanted = Vec::new();
    for blob in absent {
        let there = match client.blob_exists(reference, &blob) {
            // Some registries refuse to speak of a repository that is not there yet.
            Err(Error::Denied { .. } | Error::MissingRepository { .. } | Error::Refused { .. }) => false,
            there => there?,
        };
        if !there {
            wanted.push(blob);
        }
    }
    ensure(snapshots, &wanted)
}

/// A blob of the store, or one that is brought there when its bytes are really asked for.
struct StoredBlob {
    store: Store,
    fetcher: Arc<dyn BlobFetcher>,
    descriptor: Descriptor,
}

impl BlobSource for StoredBlob {
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        let digest = &self.descriptor.digest;
        if !self.store.protect_blobs(&[*digest]).map_err(io::Error::other)? {
            let fetched = self.fetcher.fetch(std::slice::from_ref(&self.descriptor));
            if !fetched.map_err(io::Error::other)? {
                return Err(io::Error::other(ExportError::BlobGone { digest: *digest }));
            }
        }
        Ok(Box::new(self.store.blob_reader(digest).map_err(io::Error::other)?))
    }
}
