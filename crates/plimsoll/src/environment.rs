//! What every command needs: the store, the configuration, clients; opened only when a command asks.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use plimsoll_build::{Environment, GitProgram, RegistryFetcher};
use plimsoll_compose::{ComposerOptions, HostSources, Proxy};
use plimsoll_executor::{Settings, StepLimits};
use plimsoll_layer::{Owners, XattrNamespace};
use plimsoll_registry::{BlockingClient, ClientOptions, DockerConfig};
use plimsoll_sandbox::Identity;
use plimsoll_snapshot::{BlobFetcher, SnapshotOptions, Snapshots};
use plimsoll_solver::{Cancel, EventSink};
use plimsoll_store::{Store, StoreLimits};

use crate::config::{UserConfig, parse_size};
use crate::namespace::Standing;
use crate::variables;

/// What stays free on the store's file system unless the configuration says otherwise, in bytes.
const DEFAULT_RESERVE: u64 = 256 << 20;

/// Options that stand before or after every command.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct GlobalArgs {
    /// Directory of the store [default: /var/lib/plimsoll as root, else $XDG_DATA_HOME/plimsoll]
    #[arg(long, global = true, value_name = "DIR", env = variables::ROOT, hide_env_values = true)]
    pub(crate) root: Option<PathBuf>,
    /// The user's configuration [default: $XDG_CONFIG_HOME/plimsoll/config.toml]
    #[arg(long, global = true, value_name = "FILE", env = variables::CONFIG, hide_env_values = true)]
    pub(crate) config: Option<PathBuf>,
}

/// What a command works with.
pub(crate) struct Host {
    /// Where this process stands.
    pub(crate) standing: Standing,
    /// The store.
    pub(crate) store: Store,
    /// The user's configuration.
    pub(crate) config: UserConfig,
    /// How much the store may take.
    pub(crate) limits: StoreLimits,
}

impl Host {
    /// Reads the configuration and opens the store.
    pub(crate) fn open(global: &GlobalArgs, standing: Standing) -> Result<Self> {
        let config = UserConfig::load(global.config.as_deref())?;
        let root = root(global, &standing)?;
        let store = Store::open(&root, standing.owner.clone())
            .with_context(|| format!("cannot use the store in `{}`", root.display()))?;
        let size = |text: &Option<String>| text.as_deref().map(parse_size).transpose();
        let limits = StoreLimits {
            max_bytes: size(&config.store.max_size).context("`store.max-size` of the configuration")?,
            reserve_free_bytes: size(&config.store.reserve)
                .context("`store.reserve` of the configuration")?
                .unwrap_or(DEFAULT_RESERVE),
        };
        store.keep_to(limits);
        Ok(Self { standing, store, config, limits })
    }

    /// The registry client; nothing is connected or read before its first request.
    pub(crate) fn client(&self, ca_bundle: Option<&[u8]>) -> Arc<BlockingClient> {
        let mut options =
            ClientOptions { registries: self.config.registries.clone(), ..ClientOptions::default() };
        options.extra_roots_pem.extend(ca_bundle.map(<[u8]>::to_vec));
        if let Some(credentials) = docker_config() {
            options.credentials = Arc::new(credentials);
        }
        Arc::new(BlockingClient::new(options))
    }

    /// The layers of the store.
    pub(crate) fn snapshots(&self, client: Arc<BlockingClient>, events: Arc<dyn EventSink>) -> Snapshots {
        self.snapshots_with(Arc::new(RegistryFetcher { store: self.store.clone(), client, events }))
    }

    /// The layers of the store, with what gets blobs that are not in it.
    pub(crate) fn snapshots_with(&self, fetcher: Arc<dyn BlobFetcher>) -> Snapshots {
        let options = SnapshotOptions {
            owners: self.owners(),
            xattr_namespace: self.xattr_namespace(),
            may_unpack: self.standing.may_run,
            threads: threads(),
            limits: self.limits,
        };
        Snapshots::new(self.store.clone(), options, fetcher)
    }

    /// Everything that a build needs.
    pub(crate) fn build_environment(
        &self,
        ca_bundle: Option<Vec<u8>>,
        events: Arc<dyn EventSink>,
        cancel: Cancel,
    ) -> Result<Environment> {
        let client = self.client(ca_bundle.as_deref());
        let snapshots = self.snapshots(Arc::clone(&client), Arc::clone(&events));
        let settings = Settings {
            identity: self.standing.identity,
            owners: self.owners(),
            xattr_namespace: self.xattr_namespace(),
            may_run: self.standing.may_run,
            threads: threads(),
            resolv_conf: std::fs::read("/etc/resolv.conf").unwrap_or_default(),
            extra_hosts: Vec::new(),
            ca_bundle: ca_bundle.clone(),
            limits: StepLimits::default(),
            ssh_agents: std::collections::BTreeMap::new(),
            secrets: std::collections::BTreeMap::new(),
            device_directories: self.config.devices.directories(),
            archive_entries: self.config.store.archive_entries()?,
            logs: PathBuf::new(),
            epoch: None,
        };
        let composer = self.composer(ca_bundle)?;
        let git = git_program();
        Ok(Environment { snapshots, client, composer, git, settings, events, cancel })
    }

    fn composer(&self, ca_certificates: Option<Vec<u8>>) -> Result<ComposerOptions> {
        let debian = &self.config.debian;
        let host = HostSources::read(Path::new("/etc/apt")).context("cannot read the host's apt sources")?;
        let mut options = ComposerOptions::new(self.store.root().join("packages-v0"));
        options.check_valid_until = debian.check_valid_until.unwrap_or(host.check_valid_until);
        options.sources = host.sources;
        options.mirror.clone_from(&debian.mirror);
        options.security_mirror.clone_from(&debian.security_mirror);
        options.keyrings.clone_from(&debian.keyrings);
        if options.keyrings.is_empty() {
            options.keyrings.push("/usr/share/keyrings".into());
        }
        if host.http_proxy.is_some() || host.https_proxy.is_some() {
            options.proxy = Proxy::Urls { http: host.http_proxy, https: host.https_proxy };
        }
        options.ca_certificates = ca_certificates;
        Ok(options)
    }

    fn owners(&self) -> Owners {
        if self.standing.identity == Identity::Emulated { Owners::Recorded } else { Owners::Real }
    }

    fn xattr_namespace(&self) -> XattrNamespace {
        match self.standing.owner.xattr_namespace {
            plimsoll_store::XattrNamespace::Trusted => XattrNamespace::Trusted,
            plimsoll_store::XattrNamespace::User => XattrNamespace::User,
        }
    }

    /// The bundle of certificates that was named on the command line, in the environment or in the configuration.
    pub(crate) fn ca_bundle(&self, named: Option<&Path>) -> Result<Option<Vec<u8>>> {
        let Some(path) = named.or(self.config.network.ca_certs.as_deref()) else { return Ok(None) };
        let bytes = std::fs::read(path)
            .with_context(|| format!("cannot read the bundle of certificates `{}`", path.display()))?;
        Ok(Some(bytes))
    }
}

/// Where git is. Directories that are named relative to the current one are not searched: what lies there came with the sources.
fn git_program() -> Option<GitProgram> {
    let search_path: Vec<PathBuf> =
        variables::search_path().into_iter().filter(|path| path.is_absolute()).collect();
    let path = search_path.iter().map(|directory| directory.join("git")).find(|path| path.is_file())?;
    let proxies =
        ["http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"];
    let proxies =
        proxies.into_iter().filter_map(|name| Some((name.to_owned(), variables::text(name)?))).collect();
    Some(GitProgram {
        path,
        search_path: std::env::join_paths(search_path).ok()?,
        proxies,
        known_hosts: variables::home().map(|home| home.join(".ssh/known_hosts")),
        host_certificates: Some("/etc/ssl/certs/ca-certificates.crt".into()),
    })
}

/// Docker's credentials, and podman's.
pub(crate) fn docker_config() -> Option<DockerConfig> {
    let config = DockerConfig::new(variables::docker_config()?);
    Some(match variables::path("REGISTRY_AUTH_FILE") {
        Some(path) => config.and_file(path),
        None => config,
    })
}

/// Where the store is.
pub(crate) fn root(global: &GlobalArgs, standing: &Standing) -> Result<PathBuf> {
    if let Some(root) = &global.root {
        return Ok(root.clone());
    }
    if standing.owner.uid == 0 {
        return Ok("/var/lib/plimsoll".into());
    }
    let home = variables::data_home()
        .context("neither HOME nor XDG_DATA_HOME is set; say where the store is with `--root`")?;
    Ok(home.join("plimsoll"))
}

/// Threads for work that a processor does.
pub(crate) fn threads() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}
