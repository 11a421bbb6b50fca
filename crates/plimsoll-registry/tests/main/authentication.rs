//! Tokens, passwords and identity tokens.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use plimsoll_oci::media_type;
use plimsoll_registry::testing::{Fault, TestAuthentication, TestRegistry, TestRegistryOptions, TestTokens};
use plimsoll_registry::{
    Action, BlockingClient, ClientOptions, Credential, CredentialError, CredentialSource, Error, NoProgress,
    PushImage, PushManifest, Secret,
};

use crate::support::{bytes, client, client_with, descriptor, options, password, push_blob};

fn token_registry(tokens: TestTokens) -> TestRegistry {
    let authentication = TestAuthentication::Token(tokens);
    let options = TestRegistryOptions { authentication, ..TestRegistryOptions::default() };
    let registry = TestRegistry::start_with(options).unwrap();
    registry.put_manifest("app", Some("1"), media_type::OCI_MANIFEST, "{}");
    registry
}

fn basic_registry() -> TestRegistry {
    let authentication =
        TestAuthentication::Basic { username: "ann".to_owned(), password: "s:ecret".to_owned() };
    let options = TestRegistryOptions { authentication, ..TestRegistryOptions::default() };
    let registry = TestRegistry::start_with(options).unwrap();
    registry.put_manifest("app", Some("1"), media_type::OCI_MANIFEST, "{}");
    registry
}

#[test]
fn an_anonymous_token_is_enough_for_public_images() {
    let registry = token_registry(TestTokens { anonymous_pull: true, ..TestTokens::default() });
    client().resolve(&registry.reference("app:1")).unwrap();
    let tokens: Vec<_> = registry.requests().into_iter().filter(|request| request.path == "/token").collect();
    assert_eq!(tokens.len(), 1);
    assert_eq!(tokens[0].parameter("scope"), Some("repository:app:pull"));
    assert_eq!(tokens[0].parameter("service"), Some("test"));
    assert_eq!(tokens[0].header("authorization"), None);
}

#[test]
fn one_token_serves_all_requests_of_its_scope() {
    let registry = token_registry(TestTokens::default());
    let client = client_with(&registry.host(), password("user", "password"));
    for _ in 0..3 {
        client.manifest(&registry.reference("app:1")).unwrap();
    }
    assert_eq!(registry.count("GET", "/token"), 1);
    // One request finds the challenge, the others know it.
    assert_eq!(registry.count("GET", "/manifests/"), 4);
}

#[test]
fn a_push_of_many_blobs_fetches_one_token_and_does_not_ping() {
    let registry = token_registry(TestTokens::default());
    let client = client_with(&registry.host(), password("user", "password"));
    client.resolve(&registry.reference("app:1")).unwrap();
    registry.clear_requests();
    let blobs: Vec<_> = (1..20).map(|length| push_blob(&bytes(length))).collect();
    let manifests =
        vec![PushManifest { media_type: media_type::OCI_MANIFEST.to_owned(), bytes: "{}".into() }];
    client.push_image(&registry.reference("app:2"), &PushImage { blobs, manifests }, &NoProgress).unwrap();
    assert_eq!(registry.count("GET", "/token"), 1);
    assert_eq!(registry.requests().iter().filter(|request| request.status == 401).count(), 0);
    // Loopback addresses are asked once whether they speak TLS, before the requests that count here.
    assert_eq!(registry.requests().iter().filter(|request| request.path == "/v2/").count(), 0);
}

#[test]
fn ended_tokens_are_replaced_before_and_after_they_are_refused() {
    let registry = token_registry(TestTokens { validity: Duration::from_secs(1), ..TestTokens::default() });
    let client = client_with(&registry.host(), password("user", "password"));
    client.resolve(&registry.reference("app:1")).unwrap();
    std::thread::sleep(Duration::from_millis(900));
    registry.clear_requests();
    client.resolve(&registry.reference("app:1")).unwrap();
    assert_eq!(registry.requests().iter().filter(|request| request.status == 401).count(), 0);
    registry.revoke_tokens();
    client.resolve(&registry.reference("app:1")).unwrap();
    assert_eq!(registry.count("GET", "/token"), 2);
}

#[test]
fn an_identity_token_is_exchanged_by_post() {
    let identity_token = Some("refresh & more".to_owned());
    let registry = token_registry(TestTokens { identity_token, ..TestTokens::default() });
    let credential = Credential::IdentityToken(Secret::new("refresh & more"));
    client_with(&registry.host(), credential).resolve(&registry.reference("app:1")).unwrap();
    assert_eq!(registry.count("POST", "/token"), 1);
    assert_eq!(registry.count("GET", "/token"), 0);
}

#[test]
fn a_password_is_sent_where_that_is_asked_for() {
    let registry = basic_registry();
    client_with(&registry.host(), password("ann", "s:ecret")).resolve(&registry.reference("app:1")).unwrap();
    assert_eq!(registry.requests()[1].header("authorization"), None, "not before it is asked for");
}

#[test]
fn wrong_passwords_are_refused_without_repetition() {
    for registry in [basic_registry(), token_registry(TestTokens::default())] {
        let client = client_with(&registry.host(), password("ann", "wrong"));
        let error = client.manifest(&registry.reference("app:1")).unwrap_err();
        assert!(matches!(error, Error::Denied { authenticated: true, .. }), "{error}");
        assert!(registry.requests().len() <= 4, "{:?}", registry.requests().len());
    }
}

#[test]
fn without_credentials_the_way_to_log_in_is_shown() {
    for registry in [basic_registry(), token_registry(TestTokens::default())] {
        let error = client().manifest(&registry.reference("app:1")).unwrap_err();
        assert!(matches!(error, Error::Denied { authenticated: false, action: Action::Pull, .. }), "{error}");
        assert_eq!(error.hint().unwrap(), format!("log in with `plimsoll login {}`", registry.host()));
    }
}

#[test]
fn the_token_server_is_asked_again_when_it_fails_for_a_moment() {
    let registry = token_registry(TestTokens { anonymous_pull: true, ..TestTokens::default() });
    registry.fail("GET", "/token", 0, 1, Fault::status(503));
    registry.fail("GET", "/token", 0, 1, Fault::LoseAnswer);
    client().resolve(&registry.reference("app:1")).unwrap();
}

#[test]
fn credentials_are_looked_up_lazily_and_once() {
    struct Counting(AtomicU32);
    impl CredentialSource for Counting {
        fn credential(&self, _registry: &str) -> Result<Option<Credential>, CredentialError> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Ok(Some(password("user", "password")))
        }
    }
    let open = TestRegistry::start().unwrap();
    let closed = token_registry(TestTokens::default());
    let source = Arc::new(Counting(AtomicU32::new(0)));
    let client =
        BlockingClient::new(ClientOptions { credentials: Arc::clone(&source) as Arc<_>, ..options() });
    let blob = descriptor(&bytes(5));
    client.blob_exists(&open.reference("app"), &blob).unwrap();
    assert_eq!(source.0.load(Ordering::Relaxed), 0);
    client.blob_exists(&closed.reference("app"), &blob).unwrap();
    client.push_blob(&closed.reference("app"), &push_blob(&bytes(5)), &NoProgress).unwrap();
    assert_eq!(source.0.load(Ordering::Relaxed), 1);
}

#[test]
fn log_ins_are_checked() {
    for (registry, good) in [
        (basic_registry(), password("ann", "s:ecret")),
        (token_registry(TestTokens::default()), password("user", "password")),
    ] {
        let client = client();
        client.check_login(&registry.host(), &good).unwrap();
        let error = client.check_login(&registry.host(), &password("ann", "nonsense")).unwrap_err();
        assert!(matches!(error, Error::Denied { action: Action::Login, .. }), "{error}");
        assert!(error.hint().unwrap().contains("access token"));
    }
}
