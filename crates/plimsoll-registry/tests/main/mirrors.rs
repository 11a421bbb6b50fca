//! Mirrors, in their order, and the registry behind them.

use plimsoll_oci::{Digest, Reference, media_type};
use plimsoll_registry::testing::{Fault, TestRegistry};
use plimsoll_registry::{BlockingClient, ClientOptions, Error, NoProgress, RegistriesConfig, RegistryConfig};

use crate::support::{Recorder, bytes, client, descriptor, options, push_blob};

fn with_mirrors(registry: &str, mirrors: &[String]) -> BlockingClient {
    let mut registries = RegistriesConfig::default();
    let config = RegistryConfig { mirrors: mirrors.to_vec(), ..RegistryConfig::default() };
    registries.registries.insert(registry.to_owned(), config);
    BlockingClient::new(ClientOptions { registries, ..options() })
}

#[test]
fn a_mirror_of_docker_hub_serves_short_names() {
    let mirror = TestRegistry::start().unwrap();
    let digest = mirror.put_manifest("library/node", Some("22"), media_type::OCI_INDEX, "{}");
    let reference: Reference = "node:22".parse().unwrap();
    let found = with_mirrors("docker.io", &[mirror.host()]).resolve(&reference).unwrap();
    assert_eq!(found.digest, digest);
    let request = &mirror.requests()[1];
    assert_eq!(request.parameter("ns"), Some("docker.io"));
}

#[test]
fn a_mirror_may_be_below_a_path() {
    let mirror = TestRegistry::start().unwrap();
    mirror.put_manifest("proxy/hub/library/node", Some("22"), media_type::OCI_INDEX, "{}");
    let address = format!("http://{}/proxy/hub", mirror.host());
    with_mirrors("docker.io", &[address]).resolve(&"node:22".parse().unwrap()).unwrap();
}

#[test]
fn what_a_mirror_has_not_comes_from_the_next() {
    let (first, second) = (TestRegistry::start().unwrap(), TestRegistry::start().unwrap());
    let registry = TestRegistry::start().unwrap();
    second.put_manifest("app", Some("1"), media_type::OCI_MANIFEST, "{}");
    let client = with_mirrors(&registry.host(), &[first.host(), second.host()]);
    client.resolve(&registry.reference("app:1")).unwrap();
    assert_eq!(first.count("HEAD", "/manifests/"), 1);
    assert_eq!(registry.requests().len(), 0);

    registry.put_manifest("app", Some("2"), media_type::OCI_MANIFEST, "{}");
    client.resolve(&registry.reference("app:2")).unwrap();
    let error = client.resolve(&registry.reference("app:3")).unwrap_err();
    assert!(matches!(error, Error::NotFound { registry: name, .. } if name == registry.host()));
}

#[test]
fn a_dead_mirror_is_asked_for_once_in_a_clients_life() {
    let gone = TestRegistry::start().unwrap().host();
    let registry = TestRegistry::start().unwrap();
    let blob = bytes(100);
    registry.put_blob("app", blob.clone());
    let client = with_mirrors(&registry.host(), &[gone]);
    let progress = Recorder::default();
    for _ in 0..3 {
        client.pull_blob(&registry.reference("app"), &descriptor(&blob), Vec::new(), &progress).unwrap();
    }
    assert_eq!(progress.failed_mirrors(), 1);
}

#[test]
fn a_blob_begun_at_a_mirror_is_finished_elsewhere() {
    let (mirror, registry) = (TestRegistry::start().unwrap(), TestRegistry::start().unwrap());
    let blob = bytes(400_000);
    mirror.put_blob("app", blob.clone());
    registry.put_blob("app", blob.clone());
    mirror.fail("GET", "/blobs/", 0, 99, Fault::CutAnswer { after: 100_000 });
    let client = with_mirrors(&registry.host(), &[mirror.host()]);
    let got =
        client.pull_blob(&registry.reference("app"), &descriptor(&blob), Vec::new(), &NoProgress).unwrap();
    assert!(got == blob);
    let last = registry.requests().pop().unwrap();
    assert_eq!(last.header("range"), Some("bytes=200000-"));
}

#[test]
fn a_mirror_with_wrong_bytes_is_passed_over() {
    let (mirror, registry) = (TestRegistry::start().unwrap(), TestRegistry::start().unwrap());
    let blob = bytes(1000);
    for place in [&mirror, &registry] {
        place.put_blob("app", blob.clone());
        place.put_manifest("app", Some("1"), media_type::OCI_MANIFEST, "{}");
    }
    mirror.fail("GET", "", 0, 99, Fault::Corrupt);
    mirror.fail("HEAD", "", 0, 99, Fault::status(404));
    let client = with_mirrors(&registry.host(), &[mirror.host()]);
    let got = client.blob_bytes(&registry.reference("app"), &descriptor(&blob), 1000).unwrap();
    assert_eq!(Digest::of(&got), Digest::of(&blob));
    assert_eq!(client.resolve(&registry.reference("app:1")).unwrap().digest, Digest::of("{}"));
}

#[test]
fn pushes_never_go_to_a_mirror() {
    let (mirror, registry) = (TestRegistry::start().unwrap(), TestRegistry::start().unwrap());
    let client = with_mirrors(&registry.host(), &[mirror.host()]);
    client.push_blob(&registry.reference("app"), &push_blob(&bytes(10)), &NoProgress).unwrap();
    assert!(registry.blob("app", Digest::of(bytes(10))).is_some());
    assert_eq!(mirror.requests().len(), 0);
}

#[test]
fn without_mirrors_only_the_registry_is_asked() {
    let registry = TestRegistry::start().unwrap();
    registry.put_manifest("app", Some("1"), media_type::OCI_MANIFEST, "{}");
    client().manifest(&registry.reference("app:1")).unwrap();
    assert!(registry.requests().iter().all(|request| request.parameter("ns").is_none()));
}
