//! Reading manifests and blobs, with connections that break.

use std::time::{Duration, Instant};

use bytes::Bytes;
use plimsoll_oci::{Digest, media_type};
use plimsoll_registry::testing::{Fault, TestRegistry, TestRegistryOptions};
use plimsoll_registry::{BlockingClient, ClientOptions, Error, NameResolution, NoProgress};

use crate::support::{Recorder, Store, bytes, client, descriptor, options};

const MANIFEST: &str = r#"{"schemaVersion":2,   "config":{}}"#;

#[test]
fn resolves_by_head_and_fetches_nothing() {
    let registry = TestRegistry::start().unwrap();
    let digest = registry.put_manifest("app", Some("1"), media_type::OCI_MANIFEST, MANIFEST);
    let descriptor = client().resolve(&registry.reference("app:1")).unwrap();
    assert_eq!((descriptor.digest, descriptor.size), (digest, MANIFEST.len() as u64));
    assert_eq!(descriptor.media_type, media_type::OCI_MANIFEST);
    assert_eq!(registry.count("GET", "/manifests/"), 0);
}

#[test]
fn resolves_by_get_where_head_is_not_answered() {
    let options = TestRegistryOptions { head: false, ..TestRegistryOptions::default() };
    let registry = TestRegistry::start_with(options).unwrap();
    let digest = registry.put_manifest("app", Some("1"), media_type::OCI_INDEX, MANIFEST);
    let descriptor = client().resolve(&registry.reference("app:1")).unwrap();
    assert_eq!(descriptor.digest, digest);
    assert_eq!(descriptor.media_type, media_type::OCI_INDEX);
}

#[test]
fn keeps_the_bytes_of_a_manifest() {
    let registry = TestRegistry::start().unwrap();
    let digest = registry.put_manifest("app", Some("1"), media_type::OCI_MANIFEST, MANIFEST);
    for text in ["app:1".to_owned(), format!("app@{digest}")] {
        let (descriptor, bytes) = client().manifest(&registry.reference(&text)).unwrap();
        assert_eq!(bytes, MANIFEST);
        assert_eq!(descriptor.digest, digest);
    }
}

#[test]
fn takes_the_type_from_the_manifest_when_the_registry_calls_it_json() {
    let registry = TestRegistry::start().unwrap();
    let text = format!(r#"{{"mediaType":"{}"}}"#, media_type::OCI_MANIFEST);
    registry.put_manifest("app", Some("1"), "application/json; charset=utf-8", text);
    let descriptor = client().resolve(&registry.reference("app:1")).unwrap();
    assert_eq!(descriptor.media_type, media_type::OCI_MANIFEST);
}

#[test]
fn refuses_a_manifest_that_is_not_what_its_digest_says() {
    let registry = TestRegistry::start().unwrap();
    let digest = registry.put_manifest("app", Some("1"), media_type::OCI_MANIFEST, MANIFEST);
    registry.fail_next("GET", "/manifests/", Fault::Corrupt);
    let error = client().manifest(&registry.reference(&format!("app@{digest}"))).unwrap_err();
    assert!(matches!(error, Error::DigestMismatch { expected, .. } if expected == digest), "{error}");
}

#[test]
fn lists_the_tags_of_all_pages() {
    let registry = TestRegistry::start().unwrap();
    for tag in ["a", "b", "c", "d", "e"] {
        registry.put_manifest("app", Some(tag), media_type::OCI_MANIFEST, MANIFEST);
    }
    assert_eq!(client().tags(&registry.reference("app")).unwrap(), ["a", "b", "c", "d", "e"]);
    assert_eq!(registry.count("GET", "/tags/list"), 3);
}

#[test]
fn fetches_a_blob_and_commits_it_once() {
    let registry = TestRegistry::start().unwrap();
    let blob = bytes(3 << 20);
    registry.put_blob("app", blob.clone());
    let (store, progress) = (Store::default(), Recorder::default());
    client().pull_blob(&registry.reference("app"), &descriptor(&blob), store.clone(), &progress).unwrap();
    let state = store.0.lock().unwrap();
    assert!(state.bytes == blob);
    assert_eq!((state.commits, state.restarts), (1, 0));
    assert_eq!(progress.last_position(), Some(blob.len() as u64));
    assert_eq!(progress.outcomes(), ["Transferred"]);
}

#[test]
fn fetches_an_empty_blob() {
    let registry = TestRegistry::start().unwrap();
    registry.put_blob("app", []);
    let got = client().pull_blob(&registry.reference("app"), &descriptor(&[]), Vec::new(), &NoProgress);
    assert!(got.unwrap().is_empty());
}

#[test]
fn goes_on_where_the_connection_broke() {
    let registry = TestRegistry::start().unwrap();
    let blob = bytes(1 << 20);
    registry.put_blob("app", blob.clone());
    registry.fail("GET", "/blobs/", 0, 3, Fault::CutAnswer { after: 200_000 });
    let (store, progress) = (Store::default(), Recorder::default());
    client().pull_blob(&registry.reference("app"), &descriptor(&blob), store.clone(), &progress).unwrap();
    assert!(store.0.lock().unwrap().bytes == blob);
    assert_eq!(store.0.lock().unwrap().restarts, 0);
    let ranges: Vec<_> =
        registry.requests().iter().filter_map(|request| request.header("range").map(str::to_owned)).collect();
    assert_eq!(ranges, ["bytes=200000-", "bytes=400000-", "bytes=600000-"]);
    assert_eq!(progress.retries(), 3);
}

#[test]
fn goes_on_without_ranges_too() {
    let options = TestRegistryOptions { ranges: false, ..TestRegistryOptions::default() };
    let registry = TestRegistry::start_with(options).unwrap();
    let blob = bytes(500_000);
    registry.put_blob("app", blob.clone());
    registry.fail_next("GET", "/blobs/", Fault::CutAnswer { after: 200_000 });
    let store = Store::default();
    client().pull_blob(&registry.reference("app"), &descriptor(&blob), store.clone(), &NoProgress).unwrap();
    assert!(store.0.lock().unwrap().bytes == blob);
}

#[test]
fn fetches_only_what_an_earlier_run_has_not_left() {
    let registry = TestRegistry::start().unwrap();
    let blob = bytes(300_000);
    registry.put_blob("app", blob.clone());
    let store = Store::default();
    store.0.lock().unwrap().bytes = blob[..123_456].to_vec();
    client().pull_blob(&registry.reference("app"), &descriptor(&blob), store.clone(), &NoProgress).unwrap();
    assert!(store.0.lock().unwrap().bytes == blob);
    let requests = registry.requests();
    assert_eq!(
        requests.iter().filter_map(|request| request.header("range")).collect::<Vec<_>>(),
        ["bytes=123456-"]
    );

    registry.clear_requests();
    let whole = Store::default();
    whole.0.lock().unwrap().bytes.clone_from(&blob);
    client().pull_blob(&registry.reference("app"), &descriptor(&blob), whole.clone(), &NoProgress).unwrap();
    assert_eq!(whole.0.lock().unwrap().commits, 1);
    assert_eq!(registry.count("GET", "/blobs/"), 0);
}

#[test]
fn throws_away_what_an_earlier_run_has_left_when_it_is_wrong() {
    let registry = TestRegistry::start().unwrap();
    let blob = bytes(300_000);
    registry.put_blob("app", blob.clone());
    for left in [vec![7; 1000], vec![7; 300_000], vec![7; 300_001]] {
        let store = Store::default();
        store.0.lock().unwrap().bytes = left;
        client()
            .pull_blob(&registry.reference("app"), &descriptor(&blob), store.clone(), &NoProgress)
            .unwrap();
        let state = store.0.lock().unwrap();
        assert!(state.bytes == blob);
        assert_eq!((state.commits, state.restarts), (1, 1));
    }
}

#[test]
fn never_commits_a_damaged_blob() {
    let registry = TestRegistry::start().unwrap();
    let blob = bytes(1000);
    registry.put_blob("app", blob.clone());
    registry.fail("GET", "/blobs/", 0, 99, Fault::Corrupt);
    let store = Store::default();
    let error = client()
        .pull_blob(&registry.reference("app"), &descriptor(&blob), store.clone(), &NoProgress)
        .err()
        .unwrap();
    assert!(matches!(error, Error::DigestMismatch { .. }), "{error}");
    assert_eq!(store.0.lock().unwrap().commits, 0);
    assert!(store.0.lock().unwrap().bytes.is_empty());
}

#[test]
fn refuses_a_blob_that_is_longer_than_its_descriptor_says() {
    let registry = TestRegistry::start().unwrap();
    let blob = bytes(1000);
    registry.put_blob("app", blob.clone());
    let mut short = descriptor(&blob);
    short.size = 999;
    let error = client().pull_blob(&registry.reference("app"), &short, Vec::new(), &NoProgress).unwrap_err();
    assert!(matches!(error, Error::SizeMismatch { expected: 999, .. }), "{error}");
    assert_eq!(registry.count("GET", "/blobs/"), 1);
}

#[test]
fn gives_up_on_a_blob_that_is_shorter_than_its_descriptor_says() {
    let registry = TestRegistry::start().unwrap();
    let blob = bytes(1000);
    registry.put_blob("app", blob.clone());
    let mut long = descriptor(&blob);
    long.size = 1001;
    let error = client().pull_blob(&registry.reference("app"), &long, Vec::new(), &NoProgress).unwrap_err();
    assert!(matches!(error, Error::Unreachable { attempts: 4, .. }), "{error}");
}

#[test]
fn a_full_disk_ends_the_transfer_with_its_own_error() {
    let registry = TestRegistry::start().unwrap();
    let blob = bytes(5 << 20);
    registry.put_blob("app", blob.clone());
    let store = Store::default();
    store.0.lock().unwrap().full = true;
    let error =
        client().pull_blob(&registry.reference("app"), &descriptor(&blob), store, &NoProgress).err().unwrap();
    let Error::Sink { digest, source } = error else { panic!("{error}") };
    assert_eq!(digest, Digest::of(&blob));
    assert_eq!(source.kind(), std::io::ErrorKind::StorageFull);
}

#[test]
fn follows_a_redirection_without_taking_the_authorization_along() {
    let storage = TestRegistry::start().unwrap();
    let blob = bytes(1000);
    storage.put_blob("any", blob.clone());
    let registry = TestRegistry::start_with(TestRegistryOptions {
        authentication: plimsoll_registry::testing::TestAuthentication::Basic {
            username: "ann".to_owned(),
            password: "secret".to_owned(),
        },
        redirect_blobs_to: Some(format!("http://{}", storage.host())),
        ..TestRegistryOptions::default()
    })
    .unwrap();
    registry.put_blob("app", blob.clone());
    let client = crate::support::client_with(&registry.host(), crate::support::password("ann", "secret"));
    let got = client.blob_bytes(&registry.reference("app"), &descriptor(&blob), 1 << 20).unwrap();
    assert_eq!(got, Bytes::from(blob));
    assert_eq!(storage.count("GET", "/raw/"), 1);
}

#[test]
fn waits_as_long_as_the_registry_asks() {
    let registry = TestRegistry::start().unwrap();
    registry.put_manifest("app", Some("1"), media_type::OCI_MANIFEST, MANIFEST);
    let busy = Fault::Status { status: 429, retry_after: Some("1".to_owned()), body: String::new() };
    registry.fail_next("HEAD", "/manifests/", busy);
    let started = Instant::now();
    client().resolve(&registry.reference("app:1")).unwrap();
    assert!(started.elapsed() >= Duration::from_secs(1));
}

#[test]
fn says_how_long_to_wait_when_that_is_too_long() {
    let registry = TestRegistry::start().unwrap();
    let busy = Fault::Status { status: 429, retry_after: Some("3600".to_owned()), body: String::new() };
    registry.fail("HEAD", "/manifests/", 0, 9, busy);
    let started = Instant::now();
    let error = client().resolve(&registry.reference("app:1")).unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(1));
    let Error::RateLimited { retry_after, .. } = &error else { panic!("{error}") };
    assert_eq!(*retry_after, Some(Duration::from_hours(1)));
    assert!(error.hint().unwrap().contains("3600 s"));
}

#[test]
fn passing_failures_are_tried_again_and_bounded() {
    let registry = TestRegistry::start().unwrap();
    registry.put_manifest("app", Some("1"), media_type::OCI_MANIFEST, MANIFEST);
    for fault in [Fault::status(500), Fault::status(503), Fault::LoseAnswer, Fault::CutRequest { after: 0 }] {
        registry.clear_requests();
        registry.fail("HEAD", "/manifests/", 0, 3, fault);
        client().resolve(&registry.reference("app:1")).unwrap();
        assert!(registry.count("HEAD", "/manifests/") >= 4);
    }
    registry.clear_requests();
    registry.fail("HEAD", "/manifests/", 0, 99, Fault::status(502));
    let error = client().resolve(&registry.reference("app:1")).unwrap_err();
    assert_eq!(error.refusal().unwrap().attempts, 4);
    assert!(error.to_string().contains("after 4 attempts in"), "{error}");
    assert_eq!(registry.count("HEAD", "/manifests/"), 4);
}

#[test]
fn other_refusals_are_not_tried_again() {
    let registry = TestRegistry::start().unwrap();
    for status in [400, 403, 404, 418, 451] {
        registry.clear_requests();
        registry.fail_next("GET", "/blobs/", Fault::status(status));
        let blob = bytes(10);
        let error = client().blob_bytes(&registry.reference("app"), &descriptor(&blob), 100).unwrap_err();
        assert_eq!(error.refusal().unwrap().status, status);
        assert_eq!(registry.count("GET", "/blobs/"), 1);
    }
}

#[test]
fn a_silent_connection_is_given_up() {
    let registry = TestRegistry::start().unwrap();
    let blob = bytes(1000);
    registry.put_blob("app", blob.clone());
    let options = ClientOptions { idle_timeout: Duration::from_millis(150), ..options() };
    let client = BlockingClient::new(options);
    registry.fail_next("GET", "/blobs/", Fault::Stall(Duration::from_secs(20)));
    let started = Instant::now();
    client.blob_bytes(&registry.reference("app"), &descriptor(&blob), 1000).unwrap();
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_eq!(registry.count("GET", "/blobs/"), 1, "the one that stalls is not recorded before its end");
}

#[test]
fn names_are_found_by_either_resolver() {
    let registry = TestRegistry::start().unwrap();
    registry.put_manifest("app", Some("1"), media_type::OCI_MANIFEST, MANIFEST);
    let reference = registry.reference("app:1").to_string().replace("127.0.0.1", "localhost");
    for name_resolution in [NameResolution::System, NameResolution::BuiltIn] {
        let client = BlockingClient::new(ClientOptions { name_resolution, ..options() });
        client.resolve(&reference.parse().unwrap()).unwrap();
    }
    let client = BlockingClient::new(ClientOptions { name_resolution: NameResolution::BuiltIn, ..options() });
    let error = client.resolve(&"registry..example/app:1".parse().unwrap()).unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
}

#[test]
fn small_blobs_have_a_limit() {
    let registry = TestRegistry::start().unwrap();
    let error = client().blob_bytes(&registry.reference("app"), &descriptor(&bytes(11)), 10).unwrap_err();
    assert!(matches!(error, Error::TooLarge { limit: 10, .. }), "{error}");
    assert_eq!(registry.requests().len(), 0);
}

#[test]
fn says_whether_a_blob_exists() {
    let registry = TestRegistry::start().unwrap();
    let blob = bytes(10);
    registry.put_blob("app", blob.clone());
    assert!(client().blob_exists(&registry.reference("app"), &descriptor(&blob)).unwrap());
    assert!(!client().blob_exists(&registry.reference("other"), &descriptor(&blob)).unwrap());
}
