//! Why a base could not be composed, with the way out where there is one.

use std::io;
use std::path::PathBuf;

use plimsoll_oci::Digest;
use thiserror::Error;

/// Why a base could not be composed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ComposeError {
    /// No source of the host, and no configured mirror, has the suite's archive.
    #[error(
        "no apt source for suite `{suite}`: the host's sources name no archive of the distribution; \
         set a mirror in the configuration"
    )]
    NoSource {
        /// The suite.
        suite: String,
    },
    /// The mirror has no such suite.
    #[error("`{uri}` has no suite `{suite}`")]
    UnknownSuite {
        /// The archive's address.
        uri: String,
        /// The suite.
        suite: String,
    },
    /// The suite is not made for the architecture.
    #[error("suite `{suite}` has no packages for `{arch}`, only for: {}", available.join(", "))]
    UnknownArchitecture {
        /// The suite.
        suite: String,
        /// The architecture asked for.
        arch: String,
        /// What the release file names.
        available: Vec<String>,
    },
    /// Debian has no port for the platform.
    #[error("no Debian architecture is known for platform `{platform}`")]
    NoArchitecture {
        /// The platform.
        platform: String,
    },
    /// There is no keyring to verify with.
    #[error(
        "no keyring to verify `{suite}` with, looked at: {}; install the archive's keyring package \
         or name a keyring in the configuration",
        paths(looked_at)
    )]
    KeyringMissing {
        /// The suite.
        suite: String,
        /// Files and directories that were looked at.
        looked_at: Vec<PathBuf>,
    },
    /// A keyring file is none.
    #[error("cannot read keyring `{}`", path.display())]
    Keyring {
        /// The file.
        path: PathBuf,
        /// What the `OpenPGP` reader says.
        #[source]
        source: Box<pgp::errors::Error>,
    },
    /// A release file is not clear-signed text.
    #[error(
        "`{uri}` is not a signed release file; a proxy or login page may have answered instead of the mirror"
    )]
    NotSigned {
        /// The address.
        uri: String,
        /// What the `OpenPGP` reader says.
        #[source]
        source: Box<pgp::errors::Error>,
    },
    /// No signature is good.
    #[error("the signature of `{uri}` is not valid: {}", signatures.join("; "))]
    BadSignature {
        /// The address.
        uri: String,
        /// One line a signature: its key and why it does not count.
        signatures: Vec<String>,
    },
    /// The release file is older than it may be.
    #[error(
        "the release file `{uri}` expired on {valid_until}: the mirror is outdated or a snapshot; \
         for a snapshot, turn off `Check-Valid-Until`"
    )]
    Expired {
        /// The address.
        uri: String,
        /// The date in the file.
        valid_until: String,
    },
    /// The release file's date lies in the future.
    #[error("the release file `{uri}` is dated {date}, in the future: is this machine's clock right?")]
    FromTheFuture {
        /// The address.
        uri: String,
        /// The date in the file.
        date: String,
    },
    /// A release file or index lacks something it must have, or has it in a broken form.
    #[error("`{place}` is malformed: {problem}")]
    Malformed {
        /// The file or address.
        place: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// The release file lists no index that could be used.
    #[error("the release file of `{suite}` lists no package index of component `{component}` for `{arch}`")]
    NoIndex {
        /// The suite.
        suite: String,
        /// The component.
        component: String,
        /// The architecture.
        arch: String,
    },
    /// A named package does not exist.
    #[error("`{suite}` has no package `{package}` for `{arch}`{}", did_you_mean(suggestion.as_deref()))]
    UnknownPackage {
        /// The name as written.
        package: String,
        /// The suite.
        suite: String,
        /// The architecture.
        arch: String,
        /// The nearest name, if one is near.
        suggestion: Option<String>,
    },
    /// A named package exists only as something that others provide.
    #[error("`{package}` is a virtual package, name one that provides it: {}", providers.join(", "))]
    VirtualPackage {
        /// The name as written.
        package: String,
        /// Packages that provide it.
        providers: Vec<String>,
    },
    /// A dependency cannot be met.
    #[error("`{dependency}` cannot be met, wanted by {}{}", chain.join(" ← "), found_instead(found.as_deref()))]
    Unmet {
        /// The dependency as written.
        dependency: String,
        /// The package that asks, the one that wanted that, and so on up to a named package.
        chain: Vec<String>,
        /// What there is instead.
        found: Option<String>,
    },
    /// Two packages of the set exclude each other.
    #[error("`{package}` and `{other}` cannot be installed together: `{package}` {relation} `{clause}`")]
    Conflict {
        /// The package that excludes.
        package: String,
        /// The excluded package.
        other: String,
        /// `conflicts with` or `breaks`.
        relation: &'static str,
        /// The relation as written.
        clause: String,
    },
    /// A stored plan is for something else.
    #[error("the pin is for `{pinned}`, not for `{wanted}`")]
    PinMismatch {
        /// What the pin was made for.
        pinned: String,
        /// What is asked for.
        wanted: String,
    },
    /// A stored plan has another form.
    #[error("the pin has format {found}, this program reads format {known}: make it again")]
    PinFormat {
        /// The format found.
        found: u32,
        /// The format known.
        known: u32,
    },
    /// A stored plan names something that no plan does.
    #[error("the pin is malformed: {problem}")]
    PinMalformed {
        /// What is wrong.
        problem: &'static str,
    },
    /// The mirror no longer has a package of the plan.
    #[error("the mirror has no `{package}` in version `{version}` any more: `{uri}` answers {status}")]
    PackageGone {
        /// The package.
        package: String,
        /// Its version in the plan.
        version: String,
        /// The address, without credentials.
        uri: String,
        /// The HTTP status.
        status: u16,
    },
    /// The mirror does not answer.
    #[error("cannot reach `{uri}`; check the network and the proxy settings, or set another mirror")]
    Unreachable {
        /// The address, without credentials.
        uri: String,
        /// What the HTTP client says.
        #[source]
        source: Box<reqwest::Error>,
    },
    /// The mirror answers with something else than the file.
    #[error("`{uri}` answers {status}{}", gone_hint(*status))]
    Status {
        /// The address, without credentials.
        uri: String,
        /// The HTTP status.
        status: u16,
    },
    /// An address that cannot be used.
    #[error("`{uri}` is not an http or https address")]
    BadAddress {
        /// The address as written.
        uri: String,
    },
    /// A file is needed that is not in the cache, and the network is off.
    #[error("`{what}` is not in the cache and this run is offline")]
    Offline {
        /// What is needed.
        what: String,
    },
    /// The HTTP client could not be made: a proxy or CA bundle is malformed.
    #[error("cannot set up the network client; check the proxy address and the CA bundle")]
    Client {
        /// What the HTTP client says.
        #[source]
        source: Box<reqwest::Error>,
    },
    /// A file has other bytes than the signed index says.
    #[error(
        "`{uri}` has digest {found} instead of {expected}; the mirror is inconsistent or tampered with, try again later"
    )]
    WrongDigest {
        /// The address, without credentials.
        uri: String,
        /// The digest in the signed index.
        expected: Digest,
        /// The digest of what came.
        found: Digest,
    },
    /// A file has another size than the signed index says.
    #[error("`{uri}` has {found} bytes instead of {expected}")]
    WrongSize {
        /// The address, without credentials.
        uri: String,
        /// Bytes by the signed index.
        expected: u64,
        /// Bytes that came.
        found: u64,
    },
    /// A package file is another package than the plan says.
    #[error("the file that is pinned for package `{package}` in version `{version}` is `{found}`")]
    WrongPackage {
        /// The package.
        package: String,
        /// Its version in the plan.
        version: String,
        /// Name and version that the file gives itself.
        found: String,
    },
    /// A package file cannot be read.
    #[error("package `{package}` cannot be read: {problem}")]
    BadPackage {
        /// The package.
        package: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// A package file cannot be read.
    #[error("package `{package}` cannot be read")]
    PackageData {
        /// The package.
        package: String,
        /// What the decoder says.
        #[source]
        source: io::Error,
    },
    /// Two packages bring one path.
    #[error("`/{path}` is in both `{first}` and `{second}`, and neither replaces the other")]
    FileConflict {
        /// The path, without the leading slash.
        path: String,
        /// The package that came first.
        first: String,
        /// The package that came second.
        second: String,
    },
    /// The base cannot be made from these packages.
    #[error("the packages lack `/{path}`, which a base of variant `{variant}` needs")]
    Incomplete {
        /// The path, without the leading slash.
        path: String,
        /// The variant.
        variant: &'static str,
    },
    /// The file system refused something.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// What was attempted.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
    /// The packages' files do not fit together, or the layer could not be written.
    #[error("cannot make a layer of the packages")]
    Layer {
        /// What the layer writer says.
        #[source]
        source: Box<plimsoll_layer::LayerError>,
    },
}

impl ComposeError {
    /// Whether a pin cannot be used any more, so that it has to be made again.
    pub fn is_stale_pin(&self) -> bool {
        matches!(
            self,
            Self::PackageGone { .. }
                | Self::PinMismatch { .. }
                | Self::PinFormat { .. }
                | Self::PinMalformed { .. }
                | Self::WrongPackage { .. }
        )
    }
}

fn paths(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| format!("`{}`", path.display())).collect::<Vec<_>>().join(", ")
}

fn did_you_mean(suggestion: Option<&str>) -> String {
    suggestion.map(|word| format!(", did you mean `{word}`?")).unwrap_or_default()
}

fn found_instead(found: Option<&str>) -> String {
    found.map(|found| format!("; there is {found}")).unwrap_or_default()
}

fn gone_hint(status: u16) -> &'static str {
    match status {
        404 | 410 => ": the mirror has moved on to newer versions, resolve the base again",
        401 | 403 => ": the mirror or a proxy asks for credentials",
        407 => ": the proxy asks for credentials",
        _ => "",
    }
}
