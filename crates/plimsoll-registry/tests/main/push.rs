//! Pushing blobs and manifests.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use plimsoll_oci::{Digest, media_type};
use plimsoll_registry::testing::{Fault, TestAuthentication, TestRegistry, TestRegistryOptions, TestTokens};
use plimsoll_registry::{BlobOutcome, BlobSource, Error, NoProgress, PushBlob};

use crate::support::{Recorder, bytes, client, client_with, descriptor, password, push_blob};

#[test]
fn sends_a_blob_with_one_upload_of_known_length() {
    let registry = TestRegistry::start().unwrap();
    let blob = bytes(3_000_001);
    let progress = Recorder::default();
    let outcome = client().push_blob(&registry.reference("app"), &push_blob(&blob), &progress).unwrap();
    assert_eq!(outcome, BlobOutcome::Transferred);
    assert!(registry.blob("app", Digest::of(&blob)).unwrap() == blob);
    let requests = registry.requests();
    let methods: Vec<_> = requests.iter().filter(|r| r.path != "/v2/").map(|r| r.method.as_str()).collect();
    assert_eq!(methods, ["HEAD", "POST", "PUT"]);
    let put = requests.last().unwrap();
    assert_eq!(put.header("content-length"), Some("3000001"));
    assert_eq!(put.header("transfer-encoding"), None);
    assert_eq!(put.parameter("state"), Some("1"), "the registry's own parameters are kept");
}

#[test]
fn a_registry_without_head_is_pushed_to_all_the_same() {
    let options = TestRegistryOptions { head: false, ..TestRegistryOptions::default() };
    let registry = TestRegistry::start_with(options).unwrap();
    let outcome = client().push_blob(&registry.reference("app"), &push_blob(b"x"), &NoProgress).unwrap();
    assert_eq!(outcome, BlobOutcome::Transferred);
}

#[test]
fn sends_an_empty_blob() {
    let registry = TestRegistry::start().unwrap();
    client().push_blob(&registry.reference("app"), &push_blob(&[]), &NoProgress).unwrap();
    assert_eq!(registry.blob("app", Digest::of([])), Some(Vec::new()));
}

#[test]
fn does_not_open_the_source_of_a_blob_that_is_there() {
    struct Untouchable;
    impl BlobSource for Untouchable {
        fn open(&self) -> io::Result<Box<dyn Read + Send>> {
            panic!("nobody may open this");
        }
    }
    let registry = TestRegistry::start().unwrap();
    let blob = bytes(100);
    registry.put_blob("app", blob.clone());
    registry.put_blob("base", bytes(200));
    let there = PushBlob::new(descriptor(&blob), Untouchable);
    let outcome = client().push_blob(&registry.reference("app"), &there, &NoProgress).unwrap();
    assert_eq!(outcome, BlobOutcome::Existed);
    let mut near = PushBlob::new(descriptor(&bytes(200)), Untouchable);
    near.mount_from = vec![
        "elsewhere.example/base".parse().unwrap(),
        registry.reference("app"),
        registry.reference("base:1"),
    ];
    let outcome = client().push_blob(&registry.reference("app"), &near, &NoProgress).unwrap();
    assert_eq!(outcome, BlobOutcome::Mounted { from: "base".to_owned() });
}

#[test]
fn a_refused_mount_becomes_the_upload_that_the_registry_offers() {
    let options = TestRegistryOptions { mounts: false, ..TestRegistryOptions::default() };
    let registry = TestRegistry::start_with(options).unwrap();
    let blob = bytes(100);
    registry.put_blob("base", blob.clone());
    let mut push = push_blob(&blob);
    push.mount_from = vec![registry.reference("base")];
    let outcome = client().push_blob(&registry.reference("app"), &push, &NoProgress).unwrap();
    assert_eq!(outcome, BlobOutcome::Transferred);
    assert_eq!(registry.count("POST", "/blobs/uploads/"), 1);
}

#[test]
fn the_token_for_a_mount_covers_the_source() {
    let tokens = TestTokens::default();
    let registry = TestRegistry::start_with(TestRegistryOptions {
        authentication: TestAuthentication::Token(tokens),
        ..TestRegistryOptions::default()
    })
    .unwrap();
    let blob = bytes(100);
    registry.put_blob("base", blob.clone());
    let mut push = push_blob(&blob);
    push.mount_from = vec![registry.reference("base")];
    let client = client_with(&registry.host(), password("user", "password"));
    let outcome = client.push_blob(&registry.reference("app"), &push, &NoProgress).unwrap();
    assert_eq!(outcome, BlobOutcome::Mounted { from: "base".to_owned() });
}

#[test]
fn a_source_that_may_not_be_read_is_no_obstacle() {
    for strict in [false, true] {
        let registry = TestRegistry::start_with(TestRegistryOptions {
            authentication: TestAuthentication::Token(TestTokens { strict, ..TestTokens::default() }),
            private_repositories: vec!["base".to_owned()],
            ..TestRegistryOptions::default()
        })
        .unwrap();
        let blob = bytes(100);
        registry.put_blob("base", blob.clone());
        let mut push = push_blob(&blob);
        push.mount_from = vec![registry.reference("base")];
        let client = client_with(&registry.host(), password("user", "password"));
        let outcome = client.push_blob(&registry.reference("app"), &push, &NoProgress).unwrap();
        assert_eq!(outcome, BlobOutcome::Transferred, "strict: {strict}");
    }
}

#[test]
fn sends_a_blob_by_patch_when_the_registry_demands_it() {
    let options = TestRegistryOptions { patch_only: true, ..TestRegistryOptions::default() };
    let registry = TestRegistry::start_with(options).unwrap();
    let blob = bytes(600_000);
    client().push_blob(&registry.reference("app"), &push_blob(&blob), &NoProgress).unwrap();
    assert!(registry.blob("app", Digest::of(&blob)).unwrap() == blob);
    let requests = registry.requests();
    let last = requests.last().unwrap();
    assert_eq!((last.method.as_str(), last.body.len(), last.parameter("state")), ("PUT", 0, Some("2")));
}

#[test]
fn opens_the_source_again_after_a_broken_upload() {
    struct Counting(Bytes, Arc<AtomicU32>);
    impl BlobSource for Counting {
        fn open(&self) -> io::Result<Box<dyn Read + Send>> {
            self.1.fetch_add(1, Ordering::Relaxed);
            self.0.open()
        }
    }
    let registry = TestRegistry::start().unwrap();
    let blob = bytes(4 << 20);
    let opened = Arc::new(AtomicU32::new(0));
    let push = PushBlob::new(descriptor(&blob), Counting(blob.clone().into(), Arc::clone(&opened)));
    registry.fail("PUT", "/blobs/uploads/", 0, 1, Fault::CutRequest { after: 1_000_000 });
    registry.fail("PUT", "/blobs/uploads/", 0, 1, Fault::status(503));
    let progress = Recorder::default();
    client().push_blob(&registry.reference("app"), &push, &progress).unwrap();
    assert!(registry.blob("app", Digest::of(&blob)).unwrap() == blob);
    assert_eq!(opened.load(Ordering::Relaxed), 3);
    assert_eq!(progress.retries(), 2);
}

#[test]
fn an_upload_whose_answer_was_lost_is_not_sent_again() {
    let registry = TestRegistry::start().unwrap();
    let blob = bytes(1000);
    registry.fail_next("PUT", "/blobs/uploads/", Fault::LoseAnswer);
    let outcome = client().push_blob(&registry.reference("app"), &push_blob(&blob), &NoProgress).unwrap();
    assert_eq!(outcome, BlobOutcome::Existed);
    assert_eq!(registry.count("PUT", "/blobs/uploads/"), 1);
}

#[test]
fn a_token_that_ends_during_an_upload_is_replaced() {
    struct Revoking(Bytes, Arc<TestRegistry>, AtomicU32);
    impl BlobSource for Revoking {
        fn open(&self) -> io::Result<Box<dyn Read + Send>> {
            if self.2.fetch_add(1, Ordering::Relaxed) == 0 {
                self.1.revoke_tokens();
            }
            self.0.open()
        }
    }
    let registry = TestRegistry::start_with(TestRegistryOptions {
        authentication: TestAuthentication::Token(TestTokens::default()),
        ..TestRegistryOptions::default()
    })
    .unwrap();
    let registry = Arc::new(registry);
    let blob = bytes(1000);
    let source = Revoking(blob.clone().into(), Arc::clone(&registry), AtomicU32::new(0));
    let client = client_with(&registry.host(), password("user", "password"));
    client
        .push_blob(&registry.reference("app"), &PushBlob::new(descriptor(&blob), source), &NoProgress)
        .unwrap();
    assert!(registry.blob("app", Digest::of(&blob)).is_some());
}

#[test]
fn sources_of_the_wrong_size_or_without_right_are_named() {
    struct Broken;
    impl BlobSource for Broken {
        fn open(&self) -> io::Result<Box<dyn Read + Send>> {
            Err(io::ErrorKind::PermissionDenied.into())
        }
    }
    let registry = TestRegistry::start().unwrap();
    let reference = registry.reference("app");
    for length in [0_usize, 999, 1001, 700_000] {
        let mut wrong = descriptor(&bytes(length));
        wrong.size = 1000;
        let push = PushBlob::new(wrong, Bytes::from(bytes(length)));
        let error = client().push_blob(&reference, &push, &NoProgress).unwrap_err();
        assert!(matches!(error, Error::SourceSize { expected: 1000, .. }), "{length}: {error}");
    }
    let push = PushBlob::new(descriptor(&bytes(10)), Broken);
    let error = client().push_blob(&reference, &push, &NoProgress).unwrap_err();
    assert!(matches!(error, Error::Source { .. }), "{error}");
}

#[test]
fn a_source_with_other_bytes_is_refused_by_the_registry_and_not_repeated() {
    let registry = TestRegistry::start().unwrap();
    let push = PushBlob::new(descriptor(&[1; 100]), Bytes::from(vec![2; 100]));
    let error = client().push_blob(&registry.reference("app"), &push, &NoProgress).unwrap_err();
    assert_eq!(error.refusal().unwrap().codes, ["DIGEST_INVALID"]);
    assert_eq!(registry.count("PUT", "/blobs/uploads/"), 1);
}

#[test]
fn writes_a_manifest_with_its_own_bytes_under_tag_or_digest() {
    let registry = TestRegistry::start().unwrap();
    let text = "{ \"schemaVersion\":  2 }\n";
    let digest = Digest::of(text);
    let client = client();
    for target in ["1".to_owned(), digest.to_string()] {
        let separator = if target.contains(':') { '@' } else { ':' };
        let reference = registry.reference(&format!("app{separator}{target}"));
        let descriptor = client
            .push_manifest(&reference, media_type::OCI_MANIFEST, Bytes::from_static(text.as_bytes()))
            .unwrap();
        assert_eq!(descriptor.digest, digest);
        let (media_type, bytes) = registry.manifest("app", &target).unwrap();
        assert_eq!((media_type.as_str(), bytes.as_slice()), (media_type::OCI_MANIFEST, text.as_bytes()));
    }
    let wrong = registry.reference("app").with_digest(Digest::of("x"));
    let error =
        client.push_manifest(&wrong, media_type::OCI_MANIFEST, Bytes::from_static(b"{}")).unwrap_err();
    assert!(matches!(error, Error::DigestMismatch { .. }), "{error}");
}

#[test]
fn an_immutable_tag_is_explained_unless_nothing_would_change() {
    let options = TestRegistryOptions { immutable_tags: true, ..TestRegistryOptions::default() };
    let registry = TestRegistry::start_with(options).unwrap();
    let reference = registry.reference("app:1");
    let client = client();
    let push =
        |text: &'static str| client.push_manifest(&reference, media_type::OCI_MANIFEST, Bytes::from(text));
    push("{}").unwrap();
    push("{}").unwrap();
    let error = push("{ }").unwrap_err();
    assert!(matches!(error, Error::ImmutableTag { .. }), "{error}");
    assert!(error.hint().unwrap().contains("new tag"));
}
