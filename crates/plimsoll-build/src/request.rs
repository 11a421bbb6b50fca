//! What a build is asked for, and what it says in the end.

use std::collections::BTreeMap;
use std::path::PathBuf;

use plimsoll_diagnostics::{Diagnostic, SourceFile};
use plimsoll_executor::{LocalContext, SecretSource};
use plimsoll_export::Image;
use plimsoll_graph::NetworkMode;
use plimsoll_layer::Compression;
use plimsoll_oci::Platform;
use plimsoll_store::Timestamp;

/// What a build is asked for.
pub struct BuildRequest {
    /// The Dockerfile's text, under the name that messages use.
    pub dockerfile: SourceFile,
    /// The main context; none when the Dockerfile came alone.
    pub context: Option<LocalContext>,
    /// `--build-context`: by name.
    pub named_contexts: BTreeMap<String, NamedContextSource>,
    /// `--target`.
    pub target: Option<String>,
    /// `--build-arg`.
    pub build_args: BTreeMap<String, String>,
    /// `--label`.
    pub labels: Vec<(String, String)>,
    /// `--platform`; the host's when it was not given.
    pub platform: Option<Platform>,
    /// `--no-cache`.
    pub no_cache: bool,
    /// `--pull`: ask for every base image again.
    pub pull: bool,
    /// `--network`.
    pub network: NetworkMode,
    /// `--tag`: names of the image in the store, made whole.
    pub tags: Vec<String>,
    /// Whether the image itself is wanted; otherwise only its root file system, and nothing is compressed.
    pub wants_image: bool,
    /// How new layers are compressed.
    pub compression: Compression,
    /// `--secret`.
    pub secrets: BTreeMap<String, SecretSource>,
    /// `--ssh`.
    pub ssh_sockets: BTreeMap<String, PathBuf>,
    /// `--add-host`.
    pub extra_hosts: Vec<(String, String)>,
    /// `--allow network.host`.
    pub allow_host_network: bool,
    /// `--allow security.insecure`.
    pub allow_insecure: bool,
    /// The build's id: the name of its log folder.
    pub id: plimsoll_store::BuildId,
}

/// What a named context is.
#[derive(Clone, Debug)]
pub enum NamedContextSource {
    /// A directory.
    Directory(LocalContext),
    /// An image, or a base to be composed (`debian://…`), by its address.
    Image(String),
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
}

/// What came of a build.
pub struct BuildResult {
    /// The image; none when only the root file system was wanted.
    pub image: Option<Image>,
    /// The layers of the root file system, bottom first.
    pub chain: Vec<plimsoll_store::LayerId>,
    /// Remarks about the Dockerfile.
    pub warnings: Vec<Diagnostic>,
    /// The base images.
    pub bases: Vec<BaseUse>,
    /// Steps that ran.
    pub steps_run: usize,
    /// Steps that were known.
    pub steps_cached: usize,
    /// Bytes of the files of all layers, unpacked; none when a base was never unpacked.
    pub unpacked_bytes: Option<u64>,
    /// Bytes of all layers' blobs.
    pub compressed_bytes: u64,
}
