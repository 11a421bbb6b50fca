//! The composer: from a request to a layer and its image config.

use std::path::PathBuf;

use futures_util::{StreamExt, TryStreamExt, stream};
use plimsoll_oci::{Digest, Hasher, Platform};

use crate::assemble::{self, Assembled};
use crate::error::ComposeError;
use crate::events::{Event, Events};
use crate::net::{self, Cache, Client, Wanted};
use crate::plan::{Pin, Plan, SCHEMA};
use crate::planning::{self, Planner};
use crate::sources::AptSource;
use crate::spec::{DebianSpec, Variant, is_package_name};

/// How the network is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Proxy {
    /// The proxies that the process environment names.
    #[default]
    System,
    /// None at all.
    Direct,
    /// These, by the address's scheme; the system's where one is `None`.
    Urls {
        /// For `http` addresses.
        http: Option<String>,
        /// For `https` addresses.
        https: Option<String>,
    },
}

/// What a composer needs to know of the host and the user's configuration.
#[derive(Debug, Clone)]
pub struct ComposerOptions {
    /// Apt's sources: the host's, or the configured ones.
    pub sources: Vec<AptSource>,
    /// Address of a mirror that is used instead of the sources.
    pub mirror: Option<String>,
    /// Address of a mirror of the security archive, used with `mirror`.
    pub security_mirror: Option<String>,
    /// Keyring files, or directories of which the `*-archive-keyring` files count; for sources that name no
    /// keyring.
    pub keyrings: Vec<PathBuf>,
    /// Whether an outdated release file is refused; off for snapshots.
    pub check_valid_until: bool,
    /// Where fetched files are kept, for all bases. Several processes may share it.
    pub cache_dir: PathBuf,
    /// How the network is reached.
    pub proxy: Proxy,
    /// Further CA certificates to trust for `https`, as PEM text.
    pub ca_certificates: Option<Vec<u8>>,
    /// How many downloads run at once, and how many packages are read at once; at least 1.
    pub jobs: usize,
    /// Never ask the network: use what the cache holds.
    pub offline: bool,
    /// Keep manual pages, documentation and translations in distroless bases.
    pub keep_documentation: bool,
}

impl ComposerOptions {
    /// Options with a cache directory and nothing else.
    pub fn new(cache_dir: impl Into<PathBuf>) -> Self {
        Self {
            sources: Vec::new(),
            mirror: None,
            security_mirror: None,
            keyrings: Vec::new(),
            check_valid_until: true,
            cache_dir: cache_dir.into(),
            proxy: Proxy::System,
            ca_certificates: None,
            jobs: 8,
            offline: false,
            keep_documentation: false,
        }
    }
}

/// Composes bases.
#[derive(Debug)]
pub struct Composer {
    options: ComposerOptions,
    client: Client,
    cache: Cache,
}

impl Composer {
    /// Makes a composer; creates nothing on disk yet.
    pub fn new(options: ComposerOptions) -> Result<Self, ComposeError> {
        let client = Client::new(&options)?;
        let cache = Cache::new(&options.cache_dir);
        Ok(Self { options, client, cache })
    }

    /// Resolves a request to exact packages. A request without architecture is for this machine's.
    ///
    /// With a pin the network is not asked: the pin is checked against the request and returned.
    pub async fn plan(
        &self,
        spec: &DebianSpec,
        pin: Option<&Pin>,
        events: Events<'_>,
    ) -> Result<Plan, ComposeError> {
        let arch = match spec.arch() {
            Some(arch) => arch.to_owned(),
            None => debian_architecture(&Platform::host())?.to_owned(),
        };
        if let Some(pin) = pin {
            return check_pin(pin, &spec.clone().with_default_arch(&arch)).cloned();
        }
        let planner = Planner { options: &self.options, client: &self.client, cache: &self.cache, events };
        planner.plan(spec, &arch).await
    }

    /// Brings the plan's packages into the cache; those that are there are not asked for again.
    pub async fn fetch(&self, plan: &Plan, events: Events<'_>) -> Result<(), ComposeError> {
        self.cache.prepare()?;
        let mut wanted = planning::wanted(&self.options, plan)?;
        let all = wanted.len();
        wanted.retain(|file| !self.cache.has(&file.digest, file.size_bytes));
        // The largest first: what is left at the end is small and spreads evenly.
        wanted.sort_by_key(|file| std::cmp::Reverse(file.size_bytes));
        events(Event::FetchStarted {
            packages: wanted.len(),
            total_bytes: wanted.iter().map(|file| file.size_bytes).sum(),
            cached: all - wanted.len(),
        });
        stream::iter(wanted)
            .map(async |file: Wanted| {
                let downloaded = net::download(&self.client, &self.cache, &file, events).await;
                downloaded.map_err(|error| gone(plan, file.package.as_deref(), error))?;
                events(Event::Fetched { package: file.package.unwrap_or_default() });
                Ok(())
            })
            .buffer_unordered(self.options.jobs.max(1))
            .try_collect()
            .await
    }

    /// Names the bytes of the base: equal keys make equal layers.
    ///
    /// The plan's digest and the options that the layer depends on; a `minbase` holds apt's sources, so its
    /// mirrors count too.
    pub fn key(&self, plan: &Plan) -> Result<Digest, ComposeError> {
        let mut hasher = Hasher::new();
        hasher.field(plan.digest().as_bytes());
        hasher.field([u8::from(self.options.keep_documentation)]);
        if plan.spec.variant() == Variant::Minbase {
            for archive in planning::archives(&self.options, plan.spec.suite())? {
                hasher.field(archive.suite);
                hasher.field(archive.uris.iter().map(|uri| net::shown(uri)).collect::<Vec<_>>().join(" "));
                hasher.field(archive.components.join(" "));
                hasher.field(format!("{:?}", archive.signed_by));
                let check = archive.check_valid_until.unwrap_or(true) && self.options.check_valid_until;
                hasher.field([u8::from(check)]);
            }
        }
        Ok(hasher.finish())
    }

    /// Turns fetched packages into a layer; blocks, reads the cache only.
    pub fn assemble(&self, plan: &Plan, events: Events<'_>) -> Result<Assembled, ComposeError> {
        self.cache.prepare()?;
        assemble::assemble(&self.options, &self.cache, plan, events)
    }
}

/// A package that the mirror does not have, by its name and version.
fn gone(plan: &Plan, package: Option<&str>, error: ComposeError) -> ComposeError {
    match (error, package.and_then(|name| plan.package(name))) {
        (ComposeError::Status { uri, status: status @ (404 | 410) }, Some(package)) => {
            let (package, version) = (package.name.clone(), package.version.clone());
            ComposeError::PackageGone { package, version, uri, status }
        }
        (error, _) => error,
    }
}

fn check_pin<'a>(pin: &'a Pin, wanted: &DebianSpec) -> Result<&'a Pin, ComposeError> {
    if pin.schema != SCHEMA {
        return Err(ComposeError::PinFormat { found: pin.schema, known: SCHEMA });
    }
    if pin.spec != *wanted || wanted.arch() != Some(pin.architecture.as_str()) {
        return Err(ComposeError::PinMismatch { pinned: pin.spec.to_string(), wanted: wanted.to_string() });
    }
    if pin.packages.iter().any(|package| !is_package_name(&package.name)) {
        return Err(ComposeError::PinMalformed { problem: "a name is no package name" });
    }
    if !pin.packages.is_sorted_by(|left, right| left.name < right.name) {
        return Err(ComposeError::PinMalformed { problem: "its packages are not sorted" });
    }
    if wanted.packages().iter().any(|name| pin.package(name).is_none()) {
        return Err(ComposeError::PinMalformed { problem: "it lacks a package that is asked for" });
    }
    Ok(pin)
}

/// Debian's names of architectures beside the image specification's architecture and variant.
const ARCHITECTURES: [(&str, &str, &str); 11] = [
    ("amd64", "amd64", ""),
    ("arm64", "arm64", ""),
    ("i386", "386", ""),
    ("armhf", "arm", "v7"),
    ("armel", "arm", "v6"),
    ("armel", "arm", "v5"),
    ("riscv64", "riscv64", ""),
    ("ppc64el", "ppc64le", ""),
    ("s390x", "s390x", ""),
    ("loong64", "loong64", ""),
    ("mips64el", "mips64le", ""),
];

/// Debian's name of a platform's architecture.
pub fn debian_architecture(platform: &Platform) -> Result<&'static str, ComposeError> {
    let variant = platform.variant.as_deref().unwrap_or_default();
    let by_variant = |(_, architecture, own): &&(&str, &str, &str)| {
        *architecture == platform.architecture && (own.is_empty() || variant.is_empty() || *own == variant)
    };
    let found = ARCHITECTURES.iter().find(by_variant).filter(|_| platform.os == "linux");
    found
        .map(|(debian, ..)| *debian)
        .ok_or_else(|| ComposeError::NoArchitecture { platform: platform.to_string() })
}

/// The platform that Debian's architecture stands for.
pub fn platform_of(debian_architecture: &str) -> Platform {
    let known = ARCHITECTURES.iter().find(|(debian, ..)| *debian == debian_architecture);
    let (_, architecture, variant) = known.copied().unwrap_or(("", debian_architecture, ""));
    Platform::normalized("linux", architecture, Some(variant).filter(|variant| !variant.is_empty()))
}
