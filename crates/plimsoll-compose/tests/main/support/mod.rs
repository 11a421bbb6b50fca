//! What the tests share: an archive made by code, a loopback server, and a composer that uses both.

pub(crate) mod archive;
pub(crate) mod server;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;

use plimsoll_compose::{
    AptSource, Assembled, ComposeError, Composer, ComposerOptions, DebianSpec, Event, Plan, Proxy, SignedBy,
};
use tempfile::TempDir;

use archive::{Key, Package, ReleaseFields};
use server::Server;

/// An archive that is served, and a directory for everything a composer writes.
pub(crate) struct World {
    pub(crate) key: Key,
    pub(crate) server: Server,
    pub(crate) directory: TempDir,
    pub(crate) events: Mutex<Vec<Event>>,
}

impl World {
    /// Serves the distroless base and these packages.
    pub(crate) fn new(packages: &[Package]) -> Self {
        let all: Vec<Package> =
            archive::distroless_base().into_iter().chain(packages.iter().cloned()).collect();
        Self::of(&all, Key::generate(), &ReleaseFields::default())
    }

    pub(crate) fn of(packages: &[Package], key: Key, fields: &ReleaseFields) -> Self {
        let server = Server::start(archive::files(packages, &key, fields));
        let directory = TempDir::new().unwrap();
        fs::write(directory.path().join("test-archive-keyring.gpg"), key.public()).unwrap();
        Self { key, server, directory, events: Mutex::default() }
    }

    pub(crate) fn keyring(&self) -> PathBuf {
        self.directory.path().join("test-archive-keyring.gpg")
    }

    pub(crate) fn source(&self) -> AptSource {
        AptSource {
            types: vec!["deb".into()],
            uris: vec![self.server.uri()],
            suites: vec!["test".into()],
            components: vec!["main".into()],
            signed_by: Some(SignedBy { files: vec![self.keyring()], ..SignedBy::default() }),
            ..AptSource::default()
        }
    }

    pub(crate) fn options(&self) -> ComposerOptions {
        let mut options = ComposerOptions::new(self.directory.path().join("cache"));
        options.sources = vec![self.source()];
        options.proxy = Proxy::Direct;
        options
    }

    pub(crate) fn composer(&self) -> Composer {
        Composer::new(self.options()).unwrap()
    }

    pub(crate) fn plan(&self, composer: &Composer, spec: &str) -> Result<Plan, ComposeError> {
        let spec = spec_of(spec);
        runtime().block_on(composer.plan(&spec, None, &self.record()))
    }

    pub(crate) fn fetch(&self, composer: &Composer, plan: &Plan) -> Result<(), ComposeError> {
        runtime().block_on(composer.fetch(plan, &self.record()))
    }

    pub(crate) fn compose_with(&self, composer: &Composer, spec: &str) -> Result<Assembled, ComposeError> {
        let plan = self.plan(composer, spec)?;
        self.fetch(composer, &plan)?;
        composer.assemble(&plan, &self.record())
    }

    pub(crate) fn compose(&self, spec: &str) -> Result<Assembled, ComposeError> {
        self.compose_with(&self.composer(), spec)
    }

    pub(crate) fn record(&self) -> impl Fn(Event) + Send + Sync + '_ {
        |event| self.events.lock().unwrap().push(event)
    }
}

pub(crate) fn spec_of(text: &str) -> DebianSpec {
    DebianSpec::parse(text).unwrap().with_default_arch("amd64")
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// The layer's bytes.
pub(crate) fn layer(assembled: &Assembled) -> Vec<u8> {
    let mut bytes = Vec::new();
    assembled.write_layer(&mut bytes).unwrap();
    bytes
}

/// What the layer holds: `path` to a line of type, mode, owner and target or content, read back from its tar.
pub(crate) fn listing(assembled: &Assembled) -> BTreeMap<String, String> {
    let bytes = layer(assembled);
    let mut archive = tar::Archive::new(&bytes[..]);
    let mut lines = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_string_lossy().trim_end_matches('/').to_owned();
        let link = entry.link_name().unwrap().map(|link| link.to_string_lossy().into_owned());
        let header = entry.header();
        let owner =
            format!("{:o} {}:{}", header.mode().unwrap(), header.uid().unwrap(), header.gid().unwrap());
        let line = match header.entry_type() {
            tar::EntryType::Directory => format!("dir {owner}"),
            tar::EntryType::Symlink => format!("-> {}", link.unwrap()),
            tar::EntryType::Link => format!("= {}", link.unwrap()),
            _ => {
                let mut content = Vec::new();
                std::io::Read::read_to_end(&mut entry, &mut content).unwrap();
                format!("file {owner} {}", String::from_utf8_lossy(&content))
            }
        };
        lines.insert(path, line);
    }
    lines
}
