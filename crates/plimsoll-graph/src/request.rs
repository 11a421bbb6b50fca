//! What a caller asks for, and what comes back.

use std::collections::BTreeMap;

use plimsoll_diagnostics::{Diagnostic, SourceFile, Span};
use plimsoll_dockerfile::Dockerfile;
use plimsoll_oci::{Digest, ImageConfig, Platform};

use crate::{ArchiveOp, GitSource, Graph, NetworkMode};

/// Everything that decides what a Dockerfile means. [`Request::new`] fills in the usual values.
pub struct Request<'a> {
    /// The parsed file; it has no diagnostic of severity error.
    pub dockerfile: &'a Dockerfile,
    /// The text it was parsed from.
    pub source: &'a SourceFile,
    /// The stage to build, by name (case does not matter) or index; without it the last one.
    pub target: Option<&'a str>,
    /// `--build-arg`. Proxy variables and `BUILDKIT_*` arguments are understood without being declared.
    pub build_args: &'a BTreeMap<String, String>,
    /// What the image is for.
    pub target_platform: Platform,
    /// Whether that platform was asked for (`--platform`). If not, the image's config names the platform that its base has.
    pub platform_requested: bool,
    /// What the build runs on.
    pub build_platform: Platform,
    /// Several platforms are built: vertex names carry theirs.
    pub multi_platform: bool,
    /// `--label`: set at the end, later ones win.
    pub labels: &'a [(String, String)],
    /// What the build context is.
    pub main_context: NamedContext,
    /// Named contexts (`--build-context`), by name as it was given; `NAME::PLATFORM` is for one platform only.
    pub contexts: &'a BTreeMap<String, NamedContext>,
    /// `--network`: what a `RUN` without `--network` gets.
    pub network: NetworkMode,
    /// `--no-cache`: no step is taken from the cache.
    pub no_cache: bool,
    /// `--no-cache-filter`: names of stages whose steps are not taken from the cache.
    pub no_cache_stages: &'a [String],
    /// The host name that commands see; without it the build argument `BUILDKIT_SANDBOX_HOSTNAME`, if there is one.
    pub hostname: Option<&'a str>,
    /// What stands before the ids of cache mounts; without it the build argument `BUILDKIT_CACHE_MOUNT_NS`, if there is one.
    pub cache_mount_namespace: Option<&'a str>,
    /// Answers what is known of base images.
    pub bases: &'a dyn Fn(&BaseRequest) -> Option<BaseImage>,
}

impl<'a> Request<'a> {
    /// A request for the last stage on one platform, without arguments, labels and contexts of its own.
    pub fn new(
        dockerfile: &'a Dockerfile,
        source: &'a SourceFile,
        build_args: &'a BTreeMap<String, String>,
        contexts: &'a BTreeMap<String, NamedContext>,
        platform: Platform,
        bases: &'a dyn Fn(&BaseRequest) -> Option<BaseImage>,
    ) -> Self {
        Self {
            dockerfile,
            source,
            target: None,
            build_args,
            target_platform: platform.clone(),
            platform_requested: false,
            build_platform: platform,
            multi_platform: false,
            labels: &[],
            main_context: NamedContext::Directory,
            contexts,
            network: NetworkMode::Default,
            no_cache: false,
            no_cache_stages: &[],
            hostname: None,
            cache_mount_namespace: None,
            bases,
        }
    }
}

/// What a context is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamedContext {
    /// A directory; the graph asks for it with [`crate::Op::Local`] under the name it was given.
    Directory,
    /// A git repository.
    Git(GitSource),
    /// An archive.
    Archive(ArchiveOp),
    /// An image; [`Request::bases`] is asked for this reference (an image reference, or an address such as `debian://…`).
    Image {
        /// The reference.
        reference: String,
    },
}

/// A base image that the graph needs to know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BaseRequest {
    /// The reference: made whole (`docker.io/library/node:latest`), or a named context's as it was given.
    pub name: String,
    /// The platform it is needed for.
    pub platform: Platform,
}

/// What is known of a base image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseImage {
    /// The digest of the platform's manifest.
    pub manifest: Digest,
    /// How to name it to people and to whoever fetches it.
    pub reference: String,
    /// Its config.
    pub config: ImageConfig,
}

/// A base image that is not known yet, and where it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingBase {
    /// What to find out.
    pub request: BaseRequest,
    /// The name in the Dockerfile; for triggers of a base image the name of that image.
    pub span: Span,
    /// What to say if there is no such image: a stage with nearly this name, or one that is defined too late.
    pub hint: Option<String>,
}

/// What [`crate::lower()`] makes of a request.
#[derive(Clone, Debug)]
pub enum Lowered {
    /// The graph, with remarks on the way it was reached.
    Graph {
        /// The graph.
        graph: Graph,
        /// Nothing of severity error.
        warnings: Vec<Diagnostic>,
    },
    /// Images that have to be known first: all that can be named by now, each once. Triggers of one may need more.
    NeedsBases(Vec<MissingBase>),
}
