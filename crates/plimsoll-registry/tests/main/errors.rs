//! What users are told.

use std::net::TcpListener;
use std::time::Duration;

use bytes::Bytes;
use plimsoll_oci::media_type;
use plimsoll_registry::testing::{Fault, TestAuthentication, TestRegistry, TestRegistryOptions};
use plimsoll_registry::{BlockingClient, ClientOptions, Error, NoProgress, RegistriesConfig, RegistryConfig};

use crate::support::{bytes, client, client_with, descriptor, options, password, push_blob, whole_text};

fn json_fault(status: u16, code: &str, message: &str) -> Fault {
    let body = serde_json::json!({ "errors": [{ "code": code, "message": message }] }).to_string();
    Fault::Status { status, retry_after: None, body }
}

#[test]
fn the_registrys_own_words_are_shown_and_cleaned() {
    let registry = TestRegistry::start().unwrap();
    registry.fail(
        "GET",
        "/manifests/",
        0,
        9,
        json_fault(403, "DENIED", "quota of \u{1b}[31mteam\u{202e} exceeded"),
    );
    let error = client().manifest(&registry.reference("app:1")).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("quota of") && text.contains("exceeded") && text.contains("status 403"), "{text}");
    assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
}

#[test]
fn a_repository_that_must_be_created_first_is_explained() {
    let options = TestRegistryOptions { only_repositories: Some(vec![]), ..TestRegistryOptions::default() };
    let registry = TestRegistry::start_with(options).unwrap();
    let error =
        client().push_blob(&registry.reference("app"), &push_blob(&bytes(9)), &NoProgress).unwrap_err();
    assert!(matches!(error, Error::MissingRepository { .. }), "{error}");
    assert!(error.hint().unwrap().contains("created before the first push"));
}

#[test]
fn an_image_that_is_not_there_is_said_to_be_so() {
    let registry = TestRegistry::start().unwrap();
    for text in ["app:1", "app"] {
        let error = client().resolve(&registry.reference(text)).unwrap_err();
        assert!(error.is_not_found(), "{error}");
        assert!(error.to_string().contains("repository name not known"), "{error}");
    }
}

#[test]
fn a_refused_push_names_the_right_that_is_missing() {
    let registry = TestRegistry::start().unwrap();
    registry.fail("POST", "/blobs/uploads/", 0, 9, json_fault(403, "DENIED", "no write access"));
    let error =
        client().push_blob(&registry.reference("app"), &push_blob(&bytes(9)), &NoProgress).unwrap_err();
    assert!(matches!(error, Error::Denied { .. }), "{error}");
    assert!(error.to_string().contains("no permission to push"), "{error}");
}

#[test]
fn secrets_never_show_in_errors() {
    let authentication =
        TestAuthentication::Basic { username: "ann".to_owned(), password: "hunter2secret".to_owned() };
    let registry =
        TestRegistry::start_with(TestRegistryOptions { authentication, ..TestRegistryOptions::default() })
            .unwrap();
    // A registry that repeats what it was sent.
    let echo = json_fault(403, "DENIED", "bad credentials ann:hunter2secret Basic YW5uOmh1bnRlcjJzZWNyZXQ=");
    registry.fail("GET", "/manifests/", 1, 9, echo);
    let client = client_with(&registry.host(), password("ann", "hunter2secret"));
    let error = client.manifest(&registry.reference("app:1")).unwrap_err();
    let text = whole_text(&error);
    assert!(text.contains("bad credentials"), "{text}");
    assert!(!text.contains("hunter2secret") && !text.contains("YW5uOm"), "{text}");
}

#[test]
fn addresses_with_signatures_never_show_in_errors() {
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let registry = TestRegistry::start_with(TestRegistryOptions {
        redirect_blobs_to: Some(format!("http://user:pass@{gone}/x?signature=topsecret&")),
        ..TestRegistryOptions::default()
    })
    .unwrap();
    registry.put_blob("app", bytes(9));
    let error = client().blob_bytes(&registry.reference("app"), &descriptor(&bytes(9)), 9).unwrap_err();
    let text = whole_text(&error);
    assert!(matches!(error, Error::Unreachable { .. }), "{text}");
    assert!(!text.contains("topsecret") && !text.contains("pass"), "{text}");
}

#[test]
fn a_host_that_is_not_there_is_given_up_soon() {
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = client().resolve(&format!("{gone}/app:1").parse().unwrap()).unwrap_err();
    let Error::Unreachable { attempts, .. } = &error else { panic!("{error}") };
    assert_eq!(*attempts, 3);
    assert!(error.hint().unwrap().contains("running"));
}

#[test]
fn manifests_have_a_limit() {
    let registry = TestRegistry::start().unwrap();
    registry.put_manifest("app", Some("1"), media_type::OCI_MANIFEST, vec![b' '; 9 << 20]);
    let error = client().manifest(&registry.reference("app:1")).unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
}

#[test]
fn http_on_another_machine_must_be_asked_for() {
    let registry = TestRegistry::start().unwrap();
    // The same server under settings that make its address like any other's.
    let mut registries = RegistriesConfig::default();
    let config = RegistryConfig { plain_http: Some(false), ..RegistryConfig::default() };
    registries.registries.insert(registry.host(), config);
    let client = BlockingClient::new(ClientOptions {
        registries,
        idle_timeout: Duration::from_millis(300),
        ..options()
    });
    let error = client.resolve(&registry.reference("app:1")).unwrap_err();
    // This server waits for the end of a line that never comes; one that answers is covered with the real registry.
    assert!(matches!(error, Error::Unreachable { .. } | Error::SpeaksHttp { .. }), "{error}");
    assert!(registry.requests().is_empty());
}

#[test]
fn immutable_tags_of_several_registries_are_recognised() {
    let registry = TestRegistry::start().unwrap();
    for (status, code, message) in [
        (
            400,
            "TAG_INVALID",
            "The image tag '1' already exists in the 'app' repository and cannot be overwritten",
        ),
        (412, "PRECONDITION", "Failed to process request due to 'app:1' configured as immutable."),
        (409, "TAG_INVALID", ""),
        (403, "DENIED", "tag is immutable"),
    ] {
        registry.fail_next("PUT", "/manifests/1", json_fault(status, code, message));
        let error = client()
            .push_manifest(&registry.reference("app:1"), media_type::OCI_MANIFEST, Bytes::from_static(b"{}"))
            .unwrap_err();
        assert!(matches!(error, Error::ImmutableTag { .. }), "{status} {code}: {error}");
    }
}

#[test]
fn a_client_costs_nothing_until_it_is_used() {
    let started = std::time::Instant::now();
    for _ in 0..1000 {
        drop(client());
    }
    assert!(started.elapsed() < Duration::from_millis(200), "{:?}", started.elapsed());
}
