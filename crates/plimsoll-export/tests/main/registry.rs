//! Pushing to the in-process registry.

use std::sync::Arc;

use plimsoll_export::{ExportError, ImageSet, push};
use plimsoll_layer::Compression;
use plimsoll_oci::{Descriptor, Platform, Reference};
use plimsoll_registry::testing::TestRegistry;
use plimsoll_registry::{BlockingClient, ClientOptions, NoProgress};
use plimsoll_snapshot::{BlobFetcher, FetchError};
use plimsoll_store::Store;

use crate::support::{TestFile, TestStore};

fn client() -> Arc<BlockingClient> {
    Arc::new(BlockingClient::new(ClientOptions::default()))
}

/// Fetches from wherever the store knows a blob to be.
struct Fetcher {
    store: Store,
    client: Arc<BlockingClient>,
}

impl BlobFetcher for Fetcher {
    fn fetch(&self, blobs: &[Descriptor]) -> Result<bool, FetchError> {
        for blob in blobs {
            let Some(location) = self.store.blob_sources(&blob.digest)?.into_iter().next() else {
                return Ok(false);
            };
            let reference: Reference = location.parse()?;
            self.store.put_blob(&self.client.pull_blob(&reference, blob, Vec::new(), &NoProgress)?)?;
        }
        Ok(true)
    }
}

fn store_with(client: &Arc<BlockingClient>) -> TestStore {
    TestStore::with_fetcher(|store| Arc::new(Fetcher { store: store.clone(), client: Arc::clone(client) }))
}

#[test]
fn an_image_is_pushed_and_its_blobs_are_remembered() {
    let registry = TestRegistry::start().unwrap();
    let (client, store) = (client(), TestStore::new());
    let image = store.small_image();
    let reference = registry.reference("team/app:1");
    let (_, note) = push(&store.snapshots, &client, &image.clone().into(), &reference, &()).unwrap();
    assert!(note.contains(&image.manifest.digest.to_string()) && note.contains("3 of 3"), "{note}");
    assert_eq!(registry.manifest("team/app", "1").unwrap().1, image.manifest_bytes);
    assert_eq!(registry.blob("team/app", image.config_descriptor.digest).unwrap(), image.config_bytes);
    for layer in &image.layers {
        assert_eq!(registry.blob("team/app", layer.digest).unwrap().len() as u64, layer.size);
        assert_eq!(store.store().blob_sources(&layer.digest).unwrap(), [reference.name()]);
    }
    let (_, again) = push(&store.snapshots, &client, &image.clone().into(), &reference, &()).unwrap();
    assert!(again.contains("0 of 3"), "{again}");
}

#[test]
fn layers_of_the_same_registry_are_mounted_without_their_bytes() {
    let registry = TestRegistry::start().unwrap();
    let client = client();
    let store = store_with(&client);
    let image = store.small_image();
    push(&store.snapshots, &client, &image.clone().into(), &registry.reference("base:1"), &()).unwrap();
    store.forget_blob(&image.layers[0]);
    registry.clear_requests();
    push(&store.snapshots, &client, &image.clone().into(), &registry.reference("team/app:1"), &()).unwrap();
    assert!(registry.blob("team/app", image.layers[0].digest).is_some());
    assert!(!store.store().has_blob(&image.layers[0].digest).unwrap());
    assert_eq!(registry.count("GET", "/blobs/"), 0);
    assert_eq!(registry.requests().iter().filter(|request| request.parameter("mount").is_some()).count(), 2);
}

#[test]
fn layers_of_another_registry_are_fetched_only_when_they_are_wanted() {
    let (home, target) = (TestRegistry::start().unwrap(), TestRegistry::start().unwrap());
    let client = client();
    let store = store_with(&client);
    let image = store.small_image();
    push(&store.snapshots, &client, &image.clone().into(), &home.reference("base:1"), &()).unwrap();
    let bytes = std::fs::read(store.store().blob_path(&image.layers[0].digest)).unwrap();
    // The target has one of them.
    target.put_blob("app", bytes);
    for layer in &image.layers {
        store.forget_blob(layer);
    }
    home.clear_requests();
    push(&store.snapshots, &client, &image.clone().into(), &target.reference("app:1"), &()).unwrap();
    assert_eq!(home.count("GET", "/blobs/"), 1);
    assert!(!store.store().has_blob(&image.layers[0].digest).unwrap());
    assert!(target.blob("app", image.layers[1].digest).is_some());
}

#[test]
fn a_layer_that_nobody_has_fails_before_anything_is_sent() {
    let registry = TestRegistry::start().unwrap();
    let (client, store) = (client(), TestStore::new());
    let image = store.small_image();
    store.forget_blob(&image.layers[1]);
    let error = push(&store.snapshots, &client, &image.clone().into(), &registry.reference("app:1"), &())
        .unwrap_err();
    assert!(matches!(error, ExportError::BlobGone { .. }), "{error}");
    assert_eq!(registry.count("PUT", ""), 0);
}

#[test]
fn several_platforms_are_pushed_with_an_index() {
    let registry = TestRegistry::start().unwrap();
    let (client, store) = (client(), TestStore::new());
    let layer = store.layer(&[TestFile::file("other", "arm")], Compression::ZSTD);
    let images = [store.small_image(), store.image(&Platform::new("linux", "arm64"), vec![layer])];
    let reference = registry.reference("app:1");
    let (descriptor, _) =
        push(&store.snapshots, &client, &ImageSet::of(images.to_vec()).unwrap(), &reference, &()).unwrap();
    for image in &images {
        let found = client.resolve_image(&reference, &image.config.platform()).unwrap();
        assert_eq!(found.top().digest, descriptor.digest);
        assert_eq!(found.manifest.digest, image.manifest.digest);
    }
}
