//! Whole images: several blobs at once, manifests in their order.

use std::collections::BTreeSet;
use std::io;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use plimsoll_oci::{Descriptor, Digest, Manifest, ParsedManifest, Platform, Reference};

use crate::client::Client;
use crate::error::{Error, Result};
use crate::progress::{BlobOutcome, NoProgress, Progress, TransferEvent};
use crate::transfer::{BlobSink, PushImage, RemoteImage};

/// Indexes may name indexes; more levels than this are no honest image.
const MOST_LEVELS: usize = 4;

impl Client {
    /// The image for a platform: the index, if there is one, and the chosen manifest. No blob is fetched.
    ///
    /// A reference that names a single manifest gives it for every platform; the image's config says what it is for.
    pub async fn resolve_image(&self, reference: &Reference, platform: &Platform) -> Result<RemoteImage> {
        self.resolve_image_with(reference, platform, &NoProgress).await
    }

    async fn resolve_image_with(
        &self,
        reference: &Reference,
        platform: &Platform,
        progress: &dyn Progress,
    ) -> Result<RemoteImage> {
        let unusable = |source| Error::Manifest { name: reference.familiar(), source: Box::new(source) };
        let mut top: Option<(Descriptor, Bytes)> = None;
        let mut next = reference.clone();
        for _ in 0..MOST_LEVELS {
            let (descriptor, bytes) = self.manifest_with(&next, progress).await?;
            let media_type = Some(descriptor.media_type.as_str());
            match ParsedManifest::parse(&bytes, media_type).map_err(unusable)? {
                ParsedManifest::Manifest(manifest) => {
                    return Ok(remote_image(top, descriptor, bytes, *manifest));
                }
                ParsedManifest::Index(index) => {
                    next = reference.with_digest(index.select(platform).map_err(unusable)?.digest);
                    top.get_or_insert((descriptor, bytes));
                }
            }
        }
        let registry = reference.registry().to_owned();
        Err(Error::Protocol { registry, problem: "its index only leads to further indexes" })
    }

    /// Fetches the image for a platform: its manifests, and into sinks those of its config and layers that are wanted.
    ///
    /// Blobs come several at a time. The first error ends all transfers; sinks that were not told to commit may keep what they have.
    pub async fn pull_image(
        &self,
        reference: &Reference,
        platform: &Platform,
        want: &(dyn Fn(&Descriptor) -> bool + Sync),
        sinks: &(dyn Fn(&Descriptor) -> io::Result<Box<dyn BlobSink>> + Sync),
        progress: &dyn Progress,
    ) -> Result<RemoteImage> {
        let image = self.resolve_image_with(reference, platform, progress).await?;
        let mut seen = BTreeSet::new();
        let mut wanted = Vec::new();
        for blob in std::iter::once(&image.config).chain(&image.layers) {
            if !seen.insert(blob.digest) {
                continue;
            }
            if want(blob) {
                wanted.push(blob);
            } else {
                let outcome = BlobOutcome::Skipped;
                progress.event(TransferEvent::Finished { digest: blob.digest, outcome });
            }
        }
        self.pull_blobs(reference, &wanted, sinks, progress).await?;
        Ok(image)
    }

    async fn pull_blobs(
        &self,
        reference: &Reference,
        blobs: &[&Descriptor],
        sinks: &(dyn Fn(&Descriptor) -> io::Result<Box<dyn BlobSink>> + Sync),
        progress: &dyn Progress,
    ) -> Result<()> {
        let mut transfers = Vec::new();
        for &blob in blobs {
            transfers.push(async move {
                let sink = sinks(blob).map_err(|source| Error::Sink { digest: blob.digest, source })?;
                self.pull_blob(reference, blob, sink, progress).await.map(drop)
            });
        }
        self.all(transfers).await
    }

    /// Pushes the blobs of an image, several at once, then its manifests in their order; the last one gets the reference's tag.
    /// Gives the descriptor of the last one.
    pub async fn push_image(
        &self,
        reference: &Reference,
        image: &PushImage,
        progress: &dyn Progress,
    ) -> Result<Descriptor> {
        let Some((last, children)) = image.manifests.split_last() else {
            return Err(Error::NothingToPush { name: reference.familiar() });
        };
        let mut seen = BTreeSet::new();
        let mut transfers = Vec::new();
        for blob in image.blobs.iter().filter(|blob| seen.insert(blob.descriptor.digest)) {
            transfers.push(async move { self.push_blob(reference, blob, progress).await.map(drop) });
        }
        self.all(transfers).await?;
        for child in children {
            let reference = reference.with_digest(Digest::of(&child.bytes));
            self.push_manifest_with(&reference, &child.media_type, child.bytes.clone(), progress).await?;
        }
        self.push_manifest_with(reference, &last.media_type, last.bytes.clone(), progress).await
    }

    /// Runs transfers, as many at once as the options allow, until all are done or one fails.
    async fn all(&self, transfers: Vec<impl Future<Output = Result<()>>>) -> Result<()> {
        let limit = self.options().parallel_blobs.max(1);
        stream::iter(transfers).buffer_unordered(limit).try_collect::<()>().await
    }
}

fn remote_image(
    index: Option<(Descriptor, Bytes)>,
    descriptor: Descriptor,
    bytes: Bytes,
    manifest: Manifest,
) -> RemoteImage {
    RemoteImage {
        index,
        manifest: descriptor,
        manifest_bytes: bytes,
        config: manifest.config,
        layers: manifest.layers,
    }
}
