//! Certificates, and the two mistakes about them.

use std::net::SocketAddr;
use std::sync::Arc;

use plimsoll_oci::media_type;
use plimsoll_registry::testing::{Fault, TestRegistry};
use plimsoll_registry::{BlockingClient, ClientOptions, Error, NoProgress, RegistriesConfig, RegistryConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::support::{bytes, client, options, push_blob};

/// Ends TLS in front of a registry; lives as long as its runtime.
struct TlsFront {
    address: SocketAddr,
    certificate_pem: String,
    _runtime: Runtime,
}

impl TlsFront {
    fn start(registry: &TestRegistry) -> Self {
        let certified = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der()));
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certified.cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let behind = registry.host();
        runtime.spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let (acceptor, behind) = (acceptor.clone(), behind.clone());
                tokio::spawn(async move {
                    let mut front = acceptor.accept(connection).await?;
                    let mut back = TcpStream::connect(behind).await?;
                    tokio::io::copy_bidirectional(&mut front, &mut back).await
                });
            }
        });
        Self { address, certificate_pem: certified.cert.pem(), _runtime: runtime }
    }
}

fn with_settings(host: SocketAddr, config: RegistryConfig) -> BlockingClient {
    let mut registries = RegistriesConfig::default();
    registries.registries.insert(host.to_string(), config);
    BlockingClient::new(ClientOptions { registries, ..options() })
}

fn registry() -> TestRegistry {
    let registry = TestRegistry::start().unwrap();
    registry.put_manifest("app", Some("1"), media_type::OCI_MANIFEST, "{}");
    registry
}

#[test]
fn an_unknown_certificate_is_refused_once_and_explained() {
    let registry = registry();
    let front = TlsFront::start(&registry);
    let https = RegistryConfig { plain_http: Some(false), ..RegistryConfig::default() };
    let error = with_settings(front.address, https)
        .resolve(&format!("{}/app:1", front.address).parse().unwrap())
        .unwrap_err();
    assert!(matches!(error, Error::UntrustedCertificate { .. }), "{error:?}");
    let hint = error.hint().unwrap();
    assert!(hint.contains("--ca") && hint.contains(&front.address.to_string()), "{hint}");
    assert!(registry.requests().is_empty());
}

#[test]
fn a_certificate_is_trusted_by_file_by_option_or_not_checked() {
    let registry = registry();
    let front = TlsFront::start(&registry);
    let reference = format!("{}/app:1", front.address).parse().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, &front.certificate_pem).unwrap();
    let https = || RegistryConfig { plain_http: Some(false), ..RegistryConfig::default() };

    with_settings(front.address, RegistryConfig { ca: Some(path), ..https() }).resolve(&reference).unwrap();
    with_settings(front.address, RegistryConfig { insecure_skip_verify: true, ..https() })
        .resolve(&reference)
        .unwrap();
    let mut registries = RegistriesConfig::default();
    registries.registries.insert(front.address.to_string(), https());
    let extra_roots_pem = vec![front.certificate_pem.clone().into_bytes()];
    let client = BlockingClient::new(ClientOptions { registries, extra_roots_pem, ..options() });
    client.resolve(&reference).unwrap();
    client.push_blob(&reference, &push_blob(&bytes(2 << 20)), &NoProgress).unwrap();
    let got = client.blob_bytes(&reference, &push_blob(&bytes(2 << 20)).descriptor, 2 << 20).unwrap();
    assert!(got == bytes(2 << 20));
}

#[test]
fn a_loopback_registry_with_any_certificate_works_without_settings() {
    let registry = registry();
    let front = TlsFront::start(&registry);
    client().resolve(&format!("{}/app:1", front.address).parse().unwrap()).unwrap();
}

#[test]
fn https_where_http_was_configured_is_explained() {
    let registry = registry();
    let front = TlsFront::start(&registry);
    let plain = RegistryConfig { plain_http: Some(true), ..RegistryConfig::default() };
    let reference = format!("{}/app:1", front.address).parse().unwrap();
    let error = with_settings(front.address, plain.clone()).resolve(&reference).unwrap_err();
    assert!(matches!(error, Error::SpeaksHttps { .. }), "{error:?}");

    let body = "Client sent an HTTP request to an HTTPS server.\n".to_owned();
    registry.fail("HEAD", "", 0, 9, Fault::Status { status: 400, retry_after: None, body: body.clone() });
    registry.fail("GET", "", 0, 9, Fault::Status { status: 400, retry_after: None, body });
    let error = with_settings(registry.host().parse().unwrap(), plain)
        .resolve(&registry.reference("app:1"))
        .unwrap_err();
    assert!(matches!(error, Error::SpeaksHttps { .. }), "{error:?}");
}

#[test]
fn files_that_hold_no_certificates_are_named() {
    let address: SocketAddr = "127.0.0.1:1".parse().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    let settings = || RegistryConfig { ca: Some(path.clone()), ..RegistryConfig::default() };
    let reference = format!("{address}/app:1").parse().unwrap();
    let error = with_settings(address, settings()).resolve(&reference).unwrap_err();
    assert!(matches!(error, Error::CertificateFile { .. }), "{error:?}");
    std::fs::write(&path, "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n").unwrap();
    let error = with_settings(address, settings()).resolve(&reference).unwrap_err();
    assert!(matches!(error, Error::CertificateFormat { .. } | Error::Setup { .. }), "{error:?}");
}
