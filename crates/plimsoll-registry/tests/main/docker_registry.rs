//! The client against a real registry: Debian's package `docker-registry`, started on a free loopback port. Skipped, with a word about it, where
//! it is neither installed nor installable.

use std::collections::BTreeMap;
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use bytes::Bytes;
use plimsoll_oci::{Descriptor, Digest, Manifest, Platform, Reference, media_type};
use plimsoll_registry::{
    BlobOutcome, BlobSink, BlockingClient, ClientOptions, Error, NoProgress, PushImage, PushManifest,
    RegistriesConfig, RegistryConfig,
};
use tempfile::TempDir;

use crate::support::{Store, bytes, client, client_with, descriptor, options, password, push_blob};

const PROGRAM: &str = "docker-registry";

/// A running registry; it ends with the test.
struct RealRegistry {
    child: Child,
    address: SocketAddr,
    _folder: TempDir,
}

impl RealRegistry {
    /// Starts one with some more settings; none where there is no program.
    fn start(more: &str) -> Option<Self> {
        if !installed() {
            eprintln!("SKIPPED: the program `{PROGRAM}` is not installed and could not be installed");
            return None;
        }
        let folder = TempDir::new().unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let storage = folder.path().join("storage");
        let config = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage:\n  filesystem: {{rootdirectory: '{}'}}\nhttp: {{addr: '{address}'}}\n{more}",
            storage.display()
        );
        let path = folder.path().join("config.yml");
        fs::write(&path, config).unwrap();
        fs::write(folder.path().join("htpasswd"), HTPASSWD).unwrap();
        let child = Command::new(PROGRAM)
            .args(["serve".as_ref(), path.as_os_str()])
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let started = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(started.elapsed() < Duration::from_secs(20), "the registry does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(Self { child, address, _folder: folder })
    }

    fn reference(&self, rest: &str) -> Reference {
        format!("{}/{rest}", self.address).parse().unwrap()
    }
}

impl Drop for RealRegistry {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// `ann` with the password `secret`; bcrypt of the lowest cost, made for this test.
const HTPASSWD: &str = "ann:$2b$04$QWewipZwx3WJIKV80dmoSeIUm.RyPvKOD8XLW5h2eM8BkS4JaTQfW\n";

/// Installs the package once, if the test runs as root and apt knows it.
fn installed() -> bool {
    static INSTALLED: Mutex<Option<bool>> = Mutex::new(None);
    let found =
        || ["/usr/bin", "/usr/local/bin"].iter().any(|folder| Path::new(folder).join(PROGRAM).exists());
    *INSTALLED.lock().unwrap().get_or_insert_with(|| {
        if !found() && fs::read("/etc/shadow").is_ok() {
            let install = Command::new("apt-get")
                .args(["install", "--yes", "--no-install-recommends", PROGRAM])
                .env("DEBIAN_FRONTEND", "noninteractive")
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
            eprintln!("installing `{PROGRAM}`: {install:?}");
        }
        found()
    })
}

#[test]
fn an_image_goes_there_and_back_unchanged() {
    let Some(registry) = RealRegistry::start("") else { return };
    let (config, layers) = (b"{}".to_vec(), [bytes(5 << 20), bytes(1), bytes(300_000)]);
    let config_descriptor = Descriptor::new(media_type::OCI_CONFIG, Digest::of(&config), config.len() as u64);
    let manifest = Manifest::new(config_descriptor, layers.iter().map(|layer| descriptor(layer)).collect());
    // Not the form that any writer would choose: the bytes must come through as they are.
    let text = serde_json::to_string_pretty(&manifest).unwrap().replace('\n', "\n ");
    let image = PushImage {
        blobs: layers.iter().chain([&config]).map(|blob| push_blob(blob)).collect(),
        manifests: vec![PushManifest {
            media_type: media_type::OCI_MANIFEST.to_owned(),
            bytes: Bytes::from(text.clone()),
        }],
    };
    let reference = registry.reference("team/app:1");
    let pushed = client().push_image(&reference, &image, &NoProgress).unwrap();
    assert_eq!(pushed.digest, Digest::of(&text));
    assert_eq!(client().resolve(&reference).unwrap(), pushed);

    let stores = Mutex::new(BTreeMap::new());
    let sinks = |blob: &Descriptor| -> std::io::Result<Box<dyn BlobSink>> {
        let store = Store::default();
        stores.lock().unwrap().insert(blob.digest, store.clone());
        Ok(Box::new(store))
    };
    let pulled = client().pull_image(&reference, &Platform::host(), &|_| true, &sinks, &NoProgress).unwrap();
    assert_eq!(pulled.manifest_bytes, text);
    let stores = stores.into_inner().unwrap();
    assert_eq!(stores.len(), 4);
    for (digest, store) in stores {
        assert_eq!(Digest::of(&store.0.lock().unwrap().bytes), digest);
    }
    assert_eq!(client().tags(&reference).unwrap(), ["1"]);
}

#[test]
fn blobs_are_mounted_found_and_resumed() {
    let Some(registry) = RealRegistry::start("") else { return };
    let blob = bytes(2 << 20);
    let client = client();
    let (base, app) = (registry.reference("base"), registry.reference("app"));
    assert!(!client.blob_exists(&base, &descriptor(&blob)).unwrap());
    assert_eq!(client.push_blob(&base, &push_blob(&blob), &NoProgress).unwrap(), BlobOutcome::Transferred);
    assert_eq!(client.push_blob(&base, &push_blob(&blob), &NoProgress).unwrap(), BlobOutcome::Existed);
    let mut near = push_blob(&blob);
    near.mount_from = vec![registry.reference("nothing-here"), base.clone()];
    // A registry that cannot mount from the first repository has begun an upload, which is then used.
    let outcome = client.push_blob(&registry.reference("other"), &near, &NoProgress).unwrap();
    assert_eq!(outcome, BlobOutcome::Transferred);
    near.mount_from = vec![base];
    let outcome = client.push_blob(&app, &near, &NoProgress).unwrap();
    assert_eq!(outcome, BlobOutcome::Mounted { from: "base".to_owned() });
    let store = Store::default();
    store.0.lock().unwrap().bytes = blob[..1_000_000].to_vec();
    client.pull_blob(&app, &descriptor(&blob), store.clone(), &NoProgress).unwrap();
    assert!(store.0.lock().unwrap().bytes == blob);
    assert_eq!(store.0.lock().unwrap().restarts, 0);
    client.push_blob(&app, &push_blob(&[]), &NoProgress).unwrap();
}

#[test]
fn what_is_not_there_is_said_with_the_registrys_words() {
    let Some(registry) = RealRegistry::start("") else { return };
    let error = client().manifest(&registry.reference("nothing:1")).unwrap_err();
    assert!(error.is_not_found(), "{error}");
    assert_eq!(error.refusal().unwrap().codes, ["MANIFEST_UNKNOWN"]);
    let error = client().blob_bytes(&registry.reference("nothing"), &descriptor(b"x"), 9).unwrap_err();
    assert!(error.is_not_found(), "{error}");
    let config = Descriptor::new(media_type::OCI_CONFIG, Digest::of("x"), 1);
    let text = serde_json::to_vec(&Manifest::new(config, vec![descriptor(b"never pushed")])).unwrap().into();
    let error =
        client().push_manifest(&registry.reference("app:1"), media_type::OCI_MANIFEST, text).unwrap_err();
    assert_eq!(error.refusal().unwrap().codes, ["MANIFEST_BLOB_UNKNOWN", "MANIFEST_BLOB_UNKNOWN"]);
}

#[test]
fn http_where_https_was_expected_is_explained() {
    let Some(registry) = RealRegistry::start("") else { return };
    let mut registries = RegistriesConfig::default();
    let https = RegistryConfig { plain_http: Some(false), ..RegistryConfig::default() };
    registries.registries.insert(registry.address.to_string(), https);
    let client = BlockingClient::new(ClientOptions { registries, ..options() });
    let error = client.resolve(&registry.reference("app:1")).unwrap_err();
    assert!(matches!(error, Error::SpeaksHttp { .. }), "{error:?}");
    assert!(error.hint().unwrap().contains("plain-http = true"));
}

#[test]
fn a_password_is_asked_for_and_accepted() {
    let settings = "auth:\n  htpasswd: {realm: test, path: htpasswd}\n";
    let Some(registry) = RealRegistry::start(settings) else { return };
    let reference = registry.reference("app:1");
    let error = client().push_blob(&reference, &push_blob(b"x"), &NoProgress).unwrap_err();
    assert!(matches!(error, Error::Denied { authenticated: false, .. }), "{error}");
    let host = registry.address.to_string();
    let ann = client_with(&host, password("ann", "secret"));
    ann.push_blob(&reference, &push_blob(b"x"), &NoProgress).unwrap();
    ann.check_login(&host, &password("ann", "secret")).unwrap();
    ann.check_login(&host, &password("ann", "wrong")).unwrap_err();
}
