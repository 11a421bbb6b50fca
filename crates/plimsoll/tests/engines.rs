//! Images that go to an engine: at sockets, behind ssh, with certificates.

use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;

use crate::support::{Engine, Lab, is_root, user_with_subordinate_ids};

type Requests = Vec<(String, Vec<u8>)>;

fn loads(requests: &Requests) -> Vec<&[u8]> {
    let loads = requests.iter().filter(|(line, _)| line.contains("/images/load"));
    loads.map(|(_, body)| body.as_slice()).collect()
}

/// Names of the blobs in an archive.
fn blobs(archive: &[u8]) -> usize {
    let mut archive = tar::Archive::new(archive);
    let names = archive.entries().unwrap().map(|e| e.unwrap().path().unwrap().display().to_string());
    names.filter(|name| name.starts_with("blobs/sha256/") && name.len() > 60).count()
}

#[test]
fn an_engine_gets_an_image_once_and_then_only_names() {
    for is_containerd in [false, true] {
        let lab = Lab::new();
        lab.write("Dockerfile", "FROM scratch\nARG TARGETARCH\nCOPY busybox /bin-$TARGETARCH\n");
        let arguments = ["--platform", "linux/amd64,linux/arm64"];
        let socket = lab.beside("engine.sock");
        let engine = Engine::at_socket(&socket, is_containerd);
        let host = format!("unix://{}", socket.display());
        let build = || lab.build().args(arguments).args(["-t", "app:1", "--load"]).env("DOCKER_HOST", &host);
        build().ok();
        build().ok();
        let requests = engine.end();
        let loads = loads(&requests);
        assert_eq!(loads.len(), 1, "{is_containerd}");
        let tag = requests.iter().find(|(line, _)| line.contains("/tag?")).unwrap();
        assert!(tag.0.contains("repo=docker.io%2Flibrary%2Fapp&tag=1"), "{}", tag.0);
        // One platform is manifest, config and layer; an index is one more.
        assert_eq!(blobs(loads[0]), if is_containerd { 7 } else { 3 });
    }
}

#[test]
fn an_engine_that_is_not_there_is_said_before_anything_is_built() {
    let lab = Lab::new();
    lab.write("Dockerfile", "FROM scratch\nCOPY busybox /\n");
    let outcome = lab.build().arg("--load").env("DOCKER_HOST", "ssh://-oProxyCommand=x").run_as_typed();
    assert_eq!(outcome.code, 2, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("not the name of a host"), "{}", outcome.stderr);
    let outcome = lab.build().args(["-o", "type=docker,context=nowhere"]).run_as_typed();
    assert!(outcome.stderr.contains("no context `nowhere`"), "{}", outcome.stderr);
    let host = format!("unix://{}", lab.beside("nobody.sock").display());
    let outcome = lab.build().arg("--load").env("DOCKER_HOST", host).run_as_typed();
    assert_eq!(outcome.code, 2, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("cannot reach the Docker engine"), "{}", outcome.stderr);
}

/// Puts a program called `ssh` in front of all others; gives the `PATH`.
fn fake_ssh(lab: &Lab, script: &str) -> String {
    let folder = lab.beside("bin");
    std::fs::create_dir(&folder).unwrap();
    let path = folder.join("ssh");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    for path in [&folder, &path] {
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", folder.display())
}

/// A script that notes who calls it with which arguments, and leads to a port of this machine.
fn leading(lab: &Lab, port: u16) -> String {
    format!(
        "echo $(id -u) \"$@\" >> {}/calls\nexec {} nc 127.0.0.1 {port}",
        lab.beside("home").display(),
        lab.path("busybox").display()
    )
}

/// What [`leading`] noted.
fn calls(lab: &Lab) -> Vec<String> {
    let text = std::fs::read_to_string(lab.beside("home/calls")).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn runnable_busybox(lab: &Lab) {
    std::fs::set_permissions(lab.path("busybox"), std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .unwrap();
}

#[test]
fn an_engine_behind_ssh_is_reached_as_dockers_client_does() {
    let lab = Lab::new();
    runnable_busybox(&lab);
    lab.write("Dockerfile", "FROM scratch\nCOPY busybox /\n");
    let engine = Engine::at_port();
    let path = fake_ssh(&lab, &leading(&lab, engine.port()));
    let build = lab.build().args(["-t", "app:1", "--load"]).env("PATH", path);
    build.clone().env("DOCKER_HOST", "ssh://me@far:2222/run/other.sock").ok();
    let second = calls(&lab).len();
    build.env("CONTAINER_HOST", "ssh://far").env("CONTAINER_SSHKEY", "/key").ok();
    let calls = calls(&lab);
    let docker = "-l me -p 2222 -- far docker --host 'unix:///run/other.sock' system dial-stdio";
    assert!(calls[..second].iter().all(|call| call.ends_with(docker)), "{calls:?}");
    let podman = "-i /key -- far podman system dial-stdio";
    assert!(calls[second..].iter().all(|call| call.ends_with(podman)), "{calls:?}");
    assert!(calls.iter().all(|call| call.contains(" -T -o BatchMode=yes ")), "{calls:?}");
    let requests = engine.end();
    assert_eq!(loads(&requests).len(), 1, "the second build only names it");
    assert_eq!(blobs(loads(&requests)[0]), 3);
}

#[test]
fn ssh_runs_as_the_user_although_steps_run_in_a_namespace() {
    if !is_root("ssh_runs_as_the_user_although_steps_run_in_a_namespace") {
        return;
    }
    let user = user_with_subordinate_ids();
    let lab = Lab::of(Some(std::sync::Arc::clone(&user)));
    runnable_busybox(&lab);
    lab.dockerfile("RUN echo in the namespace > /file\n");
    let engine = Engine::at_port();
    let path = fake_ssh(&lab, &leading(&lab, engine.port()));
    lab.build().args(["-t", "app:1", "--load"]).env("PATH", path).env("DOCKER_HOST", "ssh://far").ok();
    assert_eq!(loads(&engine.end()).len(), 1);
    let own = format!("{} ", user.uid);
    let calls = calls(&lab);
    assert!(calls.iter().all(|call| call.starts_with(&own)), "{calls:?}");
}

#[test]
fn what_ssh_says_is_told_with_a_way_out() {
    let lab = Lab::new();
    lab.write("Dockerfile", "FROM scratch\nCOPY busybox /\n");
    let path = fake_ssh(&lab, "echo 'me@far: Permission denied (publickey).' >&2; exit 255");
    let build = lab.build().arg("--load").env("DOCKER_HOST", "ssh://me@far");
    let outcome = build.clone().env("PATH", path).run_as_typed();
    assert_eq!(outcome.code, 2, "{}", outcome.stderr);
    for part in ["`ssh://me@far`: me@far: Permission denied (publickey).", "hint: ", "ssh-add"] {
        assert!(outcome.stderr.contains(part), "{part}: {}", outcome.stderr);
    }
    let outcome = build.env("PATH", "bin:.").run_as_typed();
    assert!(outcome.stderr.contains("`ssh` is not on the PATH"), "{}", outcome.stderr);
}

/// Certificates of an engine and of a client, from one authority.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap();
        Self { issuer }
    }

    fn certificate(&self) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let parameters = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        (parameters.signed_by(&key, &self.issuer).unwrap(), key)
    }

    /// An engine that takes clients of this authority only.
    fn engine(&self) -> Engine {
        rustls::crypto::ring::default_provider().install_default().ok();
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        let verifier = WebPkiClientVerifier::builder(roots.into()).build().unwrap();
        let (certificate, key) = self.certificate();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder().with_client_cert_verifier(verifier);
        Engine::with_tls(config.with_single_cert(vec![certificate.der().clone()], key).unwrap())
    }

    /// A client's files, as Docker names them.
    fn write_client(&self, folder: &Path) {
        std::fs::create_dir_all(folder).unwrap();
        let (certificate, key) = self.certificate();
        std::fs::write(folder.join("ca.pem"), self.issuer.pem()).unwrap();
        std::fs::write(folder.join("cert.pem"), certificate.pem()).unwrap();
        std::fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
    }
}

#[test]
fn an_engine_with_certificates_takes_those_of_docker_cert_path() {
    let lab = Lab::new();
    lab.write("Dockerfile", "FROM scratch\nCOPY busybox /\n");
    let authority = Authority::new();
    let folder = lab.beside("certificates");
    authority.write_client(&folder);
    let engine = authority.engine();
    let host = format!("tcp://127.0.0.1:{}", engine.port());
    let build = lab.build().args(["-t", "app:1", "--load"]).env("DOCKER_HOST", host);
    let with = |folder: &Path| {
        build.clone().env("DOCKER_TLS_VERIFY", "1").env("DOCKER_CERT_PATH", folder.to_str().unwrap())
    };
    with(&folder).ok();

    // A client without a certificate, an engine of another authority, and neither.
    for name in ["cert.pem", "key.pem"] {
        std::fs::remove_file(folder.join(name)).unwrap();
    }
    with(&folder).fails(2);
    let other = lab.beside("other");
    Authority::new().write_client(&other);
    let outcome = with(&other).fails(2);
    assert!(outcome.stderr.contains("invalid peer certificate"), "{}", outcome.stderr);
    assert_eq!(loads(&engine.end()).len(), 1);
}

#[test]
fn a_context_of_docker_brings_its_certificates() {
    let lab = Lab::new();
    lab.write("Dockerfile", "FROM scratch\nCOPY busybox /\n");
    let authority = Authority::new();
    let engine = authority.engine();
    // `docker context create` names folders by the digest of the context's name.
    let digest = plimsoll_oci::Digest::of("far").hex();
    let folder = lab.beside("home/.docker");
    let meta = folder.join("contexts/meta").join(&digest);
    std::fs::create_dir_all(&meta).unwrap();
    let text = format!(
        r#"{{"Name":"far","Metadata":{{}},"Endpoints":{{"docker":{{"Host":"tcp://127.0.0.1:{}","SkipTLSVerify":false}}}}}}"#,
        engine.port()
    );
    std::fs::write(meta.join("meta.json"), text).unwrap();
    authority.write_client(&folder.join("contexts/tls").join(&digest).join("docker"));
    let build = lab.build().args(["-t", "app:1", "--load"]);
    build.clone().env("DOCKER_CONTEXT", "far").ok();
    std::fs::write(folder.join("config.json"), r#"{"currentContext":"far"}"#).unwrap();
    build.ok();
    let requests = engine.end();
    assert_eq!(loads(&requests).len(), 1);
    assert!(requests.iter().any(|(line, _)| line.contains("/tag?")), "the second build found it too");
}
