//! What a build is asked for, and what it says in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use plimsoll_diagnostics::{Diagnostic, SourceFile};
use plimsoll_executor::{LocalContext, SecretSource, SshAgent, StepLimits};
use plimsoll_export::ImageSet;
use plimsoll_graph::{ArchiveOp, GitSource, NetworkMode};
use plimsoll_oci::{Digest, ImageConfig, Platform};
use plimsoll_store::{LayerId, Timestamp};

use crate::image_options::ImageOptions;
use crate::lock::LockFile;
use crate::sizes::LayerSize;

/// What a build is asked for.
pub struct BuildRequest {
    /// The Dockerfile's text, under the name that messages use.
    pub dockerfile: SourceFile,
    /// The main context; none when the Dockerfile came alone.
    pub context: Option<ContextSource>,
    /// `--build-context`: by name; `NAME::PLATFORM` is for one platform only.
    pub named_contexts: BTreeMap<String, ContextSource>,
    /// `--target`.
    pub target: Option<String>,
    /// `--build-arg`.
    pub build_args: BTreeMap<String, String>,
    /// `--label`.
    pub labels: Vec<(String, String)>,
    /// `--platform`; empty for the host's, or that of the base image.
    pub platforms: Vec<Platform>,
    /// `--no-cache`.
    pub no_cache: bool,
    /// `--no-cache-filter`: names of stages whose steps run again.
    pub no_cache_stages: Vec<String>,
    /// `--pull`: ask for every base image again.
    pub pull: bool,
    /// What names of base images are locked to.
    pub lock: Option<LockFile>,
    /// Whether the result says how large each layer is.
    pub layer_sizes: bool,
    /// `--network`.
    pub network: NetworkMode,
    /// `--tag`: names of the image, made whole, for messages; whoever exports gives them.
    pub tags: Vec<String>,
    /// The ways in which the image is wanted; none when only root file systems are, and then nothing is compressed.
    pub images: Vec<ImageOptions>,
    /// `--secret`.
    pub secrets: BTreeMap<String, SecretSource>,
    /// `--ssh`.
    pub ssh_agents: BTreeMap<String, SshAgent>,
    /// `--add-host`.
    pub extra_hosts: Vec<(String, String)>,
    /// `--allow`: what steps may ask for.
    pub entitlements: Entitlements,
    /// What steps may use.
    pub limits: StepLimits,
    /// The build's id: the name of its log folder.
    pub id: plimsoll_store::BuildId,
}

/// What the caller allows steps to ask for (`--allow`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entitlements {
    /// `network.host`.
    pub host_network: bool,
    /// `security.insecure`.
    pub insecure: bool,
    /// `device`: every device.
    pub all_devices: bool,
    /// `device=NAME`.
    pub devices: BTreeSet<String>,
}

/// What a context is.
#[derive(Clone, Debug)]
pub enum ContextSource {
    /// A directory.
    Directory(LocalContext),
    /// A git repository.
    Git(GitSource),
    /// An archive; a main context that is none is a Dockerfile.
    Archive(ArchiveOp),
    /// An image, or a base to be composed (`debian://…`), by its address.
    Image(String),
    /// An image in a directory with an OCI layout.
    Layout {
        /// The directory.
        directory: PathBuf,
        /// The image's tag in the layout; without it `latest`, or the only image.
        tag: Option<String>,
        /// What the image's digest must be.
        digest: Option<Digest>,
    },
    /// What another build made, in the same process and store (`target:` of bake); one for each platform.
    Target {
        /// The target's name, for messages.
        name: String,
        /// What was made.
        built: Vec<BuiltTarget>,
    },
}

/// What a build made, to be the context of another one: its root file system and its config.
#[derive(Clone, Debug)]
pub struct BuiltTarget {
    /// The platform it is for.
    pub platform: Platform,
    /// The config; its history says what the layers are.
    pub config: ImageConfig,
    /// The layers, bottom first.
    pub chain: Vec<LayerId>,
}

/// A base image that was used, for the summary.
#[derive(Clone, Debug)]
pub struct BaseUse {
    /// The name in the Dockerfile.
    pub name: String,
    /// What it was taken to be, when that is another name.
    pub reference: String,
    /// When it was last asked for; none when it was asked for just now.
    pub resolved: Option<Timestamp>,
    /// The digest that the lock gave it; of a composed base, that of the image.
    pub locked: Option<Digest>,
}

/// A root file system that was built.
#[derive(Clone, Debug)]
pub struct PlatformResult {
    /// What it is for.
    pub platform: Platform,
    /// Its layers, bottom first.
    pub chain: Vec<LayerId>,
    /// Bytes of the files of all layers, unpacked; none when a base was never unpacked.
    pub unpacked_bytes: Option<u64>,
    /// Its layers with their sizes, when that was asked for.
    pub layers: Vec<LayerSize>,
}

/// A step that ran for another processor than this machine's.
#[derive(Clone, Debug)]
pub struct EmulatedStep {
    /// Its name.
    pub name: String,
    /// The platform.
    pub platform: Platform,
    /// How long it ran.
    pub seconds: f64,
}

/// What came of a build.
pub struct BuildResult {
    /// The root file systems, one a platform, in the order in which they were asked for.
    pub platforms: Vec<PlatformResult>,
    /// Several platforms were asked for, or an index in any case (`BUILDKIT_MULTI_PLATFORM`).
    pub is_multi_platform: bool,
    /// The image in each of the ways that were asked for.
    pub images: Vec<ImageSet>,
    /// What was made, to be a context of other builds: one a platform.
    pub targets: Vec<BuiltTarget>,
    /// Remarks about the Dockerfile.
    pub warnings: Vec<Diagnostic>,
    /// The base images.
    pub bases: Vec<BaseUse>,
    /// Steps that ran.
    pub steps_run: usize,
    /// Steps that were known.
    pub steps_cached: usize,
    /// Steps that ran under an emulator.
    pub emulated: Vec<EmulatedStep>,
}
