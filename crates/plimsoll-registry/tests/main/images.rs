//! Whole images.

use std::collections::BTreeMap;
use std::sync::Mutex;

use bytes::Bytes;
use plimsoll_oci::{Descriptor, Digest, Index, Manifest, ManifestError, Platform, media_type};
use plimsoll_registry::testing::{Fault, TestRegistry};
use plimsoll_registry::{BlobSink, Error, NoProgress, PushImage, PushManifest};

use crate::support::{Recorder, Store, bytes, client, descriptor, push_blob};

fn manifest(config: &[u8], layers: &[Vec<u8>]) -> Bytes {
    let config = Descriptor::new(media_type::OCI_CONFIG, Digest::of(config), config.len() as u64);
    let layers = layers.iter().map(|layer| descriptor(layer)).collect();
    serde_json::to_vec(&Manifest::new(config, layers)).unwrap().into()
}

fn push_manifest(media_type: &str, bytes: &Bytes) -> PushManifest {
    PushManifest { media_type: media_type.to_owned(), bytes: bytes.clone() }
}

/// An index of images for some platforms, each with a config named after its platform and one shared layer.
fn index_image(platforms: &[&str]) -> PushImage {
    let layer = bytes(100_000);
    let mut image = PushImage::default();
    let mut entries = Vec::new();
    image.blobs.push(push_blob(&layer));
    for platform in platforms {
        let manifest = manifest(platform.as_bytes(), std::slice::from_ref(&layer));
        image.blobs.push(push_blob(platform.as_bytes()));
        image.blobs.push(push_blob(&layer));
        image.manifests.push(push_manifest(media_type::OCI_MANIFEST, &manifest));
        let mut entry =
            Descriptor::new(media_type::OCI_MANIFEST, Digest::of(&manifest), manifest.len() as u64);
        entry.platform = Some(platform.parse().unwrap());
        entries.push(entry);
    }
    let index = serde_json::to_vec(&Index::new(entries)).unwrap();
    image.manifests.push(push_manifest(media_type::OCI_INDEX, &index.into()));
    image
}

#[test]
fn what_was_pushed_is_pulled_for_the_platform_that_is_asked_for() {
    let registry = TestRegistry::start().unwrap();
    let reference = registry.reference("app:1");
    let image = index_image(&["linux/amd64", "linux/arm64", "linux/arm/v6"]);
    let top = client().push_image(&reference, &image, &NoProgress).unwrap();
    assert_eq!(top.digest, Digest::of(&image.manifests[3].bytes));
    assert_eq!(registry.count("PUT", "/blobs/"), 4, "each blob once");

    for (wanted, config) in [("linux/arm64", "linux/arm64"), ("linux/arm/v7", "linux/arm/v6")] {
        let stores = Mutex::new(BTreeMap::new());
        let sinks = |blob: &Descriptor| -> std::io::Result<Box<dyn BlobSink>> {
            let store = Store::default();
            stores.lock().unwrap().insert(blob.digest, store.clone());
            Ok(Box::new(store))
        };
        let wanted: Platform = wanted.parse().unwrap();
        let pulled = client().pull_image(&reference, &wanted, &|_| true, &sinks, &NoProgress).unwrap();
        assert_eq!(pulled.top(), &top);
        assert_eq!(pulled.config.digest, Digest::of(config));
        assert_eq!(pulled.manifest.digest, Digest::of(&pulled.manifest_bytes));
        let stores = stores.into_inner().unwrap();
        assert_eq!(stores.len(), 2);
        for (digest, store) in stores {
            let state = store.0.lock().unwrap();
            assert_eq!(Digest::of(&state.bytes), digest);
            assert_eq!(state.commits, 1);
        }
    }
}

#[test]
fn a_missing_platform_is_answered_with_those_that_are_there() {
    let registry = TestRegistry::start().unwrap();
    let reference = registry.reference("app:1");
    client().push_image(&reference, &index_image(&["linux/amd64", "linux/arm64"]), &NoProgress).unwrap();
    let error = client().resolve_image(&reference, &"linux/riscv64".parse().unwrap()).unwrap_err();
    let Error::Manifest { source, .. } = error else { panic!("{error}") };
    assert!(matches!(*source, ManifestError::NoPlatform { .. }), "{source}");
    let text = source.to_string();
    assert!(text.contains("linux/amd64") && text.contains("linux/arm64"), "{text}");
}

#[test]
fn unwanted_blobs_are_not_fetched() {
    let registry = TestRegistry::start().unwrap();
    let reference = registry.reference("app:1");
    client().push_image(&reference, &index_image(&["linux/amd64"]), &NoProgress).unwrap();
    registry.clear_requests();
    let progress = Recorder::default();
    let want = |blob: &Descriptor| blob.media_type == media_type::OCI_CONFIG;
    let sinks = |_: &Descriptor| Ok(Box::new(Vec::new()) as Box<dyn BlobSink>);
    let platform = "linux/amd64".parse().unwrap();
    client().pull_image(&reference, &platform, &want, &sinks, &progress).unwrap();
    assert_eq!(registry.count("GET", "/blobs/"), 1);
    assert_eq!(progress.outcomes(), ["Skipped", "Transferred"]);
}

#[test]
fn a_second_push_only_writes_the_manifest() {
    let registry = TestRegistry::start().unwrap();
    let reference = registry.reference("app:1");
    let blob = bytes(10_000);
    let manifest = manifest(b"config", std::slice::from_ref(&blob));
    let image = PushImage {
        blobs: vec![push_blob(&blob), push_blob(b"config")],
        manifests: vec![push_manifest(media_type::OCI_MANIFEST, &manifest)],
    };
    client().push_image(&reference, &image, &NoProgress).unwrap();
    registry.clear_requests();
    let progress = Recorder::default();
    client().push_image(&reference, &image, &progress).unwrap();
    assert_eq!((registry.count("POST", ""), registry.count("PUT", "")), (0, 1));
    assert_eq!(progress.outcomes(), ["Existed", "Existed"]);
    let single = client().resolve_image(&reference, &Platform::host()).unwrap();
    assert!(single.index.is_none());
    assert_eq!(single.layers, [descriptor(&blob)]);
}

#[test]
fn no_manifest_is_written_when_a_blob_fails() {
    let registry = TestRegistry::start().unwrap();
    registry.fail("PUT", "/blobs/uploads/", 1, 99, Fault::status(507));
    let error = client()
        .push_image(&registry.reference("app:1"), &index_image(&["linux/amd64"]), &NoProgress)
        .unwrap_err();
    assert_eq!(error.refusal().unwrap().status, 507);
    assert_eq!(registry.count("PUT", "/manifests/"), 0);
}

#[test]
fn an_image_without_manifests_is_refused() {
    let registry = TestRegistry::start().unwrap();
    let error =
        client().push_image(&registry.reference("app:1"), &PushImage::default(), &NoProgress).unwrap_err();
    assert!(matches!(error, Error::NothingToPush { .. }), "{error}");
}

#[test]
fn many_blobs_move_at_once_but_not_more_than_allowed() {
    let registry = TestRegistry::start().unwrap();
    let layers: Vec<_> = (0..12).map(|number| bytes(1000 + number)).collect();
    for layer in layers.iter().chain([&b"config".to_vec()]) {
        registry.put_blob("app", layer.clone());
    }
    registry.put_manifest("app", Some("1"), media_type::OCI_MANIFEST, manifest(b"config", &layers));
    registry.fail("GET", "/blobs/", 0, 99, Fault::Stall(std::time::Duration::from_millis(100)));
    let sinks = |_: &Descriptor| Ok(Box::new(Vec::new()) as Box<dyn BlobSink>);
    let started = std::time::Instant::now();
    client()
        .pull_image(&registry.reference("app:1"), &Platform::host(), &|_| true, &sinks, &NoProgress)
        .unwrap();
    // 13 blobs of 0.1 s each, four at a time.
    let elapsed = started.elapsed().as_secs_f32();
    assert!((0.4..1.2).contains(&elapsed), "{elapsed}");
}
