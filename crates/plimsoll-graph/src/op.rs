//! The ops: what a vertex asks to be done, and nothing of how.
//!
//! Ops serialise to canonical JSON (fields in declaration order, no maps without order); that text, behind its
//! schema version, is what cache keys are made of and what `exec-step` takes. A field that must not be in a key
//! is marked with `#[serde(skip)]` and says why.

use plimsoll_diagnostics::Span;
use plimsoll_oci::{Digest, ImageConfig, Platform};
use serde::{Deserialize, Serialize};

use crate::git::GitSource;

/// The version of the op encoding; a change of meaning bumps it, and with it every key.
pub const OP_SCHEMA: u32 = 2;

/// A vertex's place in [`Graph::vertices`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VertexId(pub usize);

/// What one build needs, and only that: vertices come after all their inputs.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// All vertices, inputs first.
    pub vertices: Vec<Vertex>,
    /// The images to make, one a platform.
    pub images: Vec<ImagePlan>,
}

/// One thing to do.
#[derive(Clone, Debug)]
pub struct Vertex {
    /// What is done.
    pub op: Op,
    /// Whose outputs it uses. For exec and file ops the first one is the root file system it starts from.
    pub inputs: Vec<VertexId>,
    /// For people: `[builder 2/5] RUN npm ci`.
    pub name: String,
    /// The instruction in the Dockerfile; none for what the graph added itself, or for triggers of a base image.
    pub span: Option<Span>,
    /// The name of the stage, or its index.
    pub stage: Option<String>,
    /// The platform it is done for.
    pub platform: Platform,
    /// Never taken from the cache (`--no-cache`).
    pub no_cache: bool,
}

/// What is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case")]
pub enum Op {
    /// The empty root file system.
    Scratch,
    /// A base image.
    Image(ImageOp),
    /// A directory given by the caller under this name; `context` is the main one.
    Local {
        /// The context's name.
        name: String,
    },
    /// Files of a git repository, by commit.
    Git(GitSource),
    /// What an archive holds, or a file that is none.
    Archive(ArchiveOp),
    /// A command.
    Exec(ExecOp),
    /// Files copied or written.
    Copy(CopyOp),
    /// A directory made if it is missing, with its parents.
    MakeDir(MakeDirOp),
}

impl Op {
    /// Whether it only brings files in: it is no step of a Dockerfile.
    pub fn is_source(&self) -> bool {
        match self {
            Self::Scratch | Self::Image(_) | Self::Local { .. } | Self::Git(_) | Self::Archive(_) => true,
            Self::Exec(_) | Self::Copy(_) | Self::MakeDir(_) => false,
        }
    }
}

/// A base image, pinned to the manifest of one platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageOp {
    /// The manifest's digest: the only part that is in a key.
    pub manifest: Digest,
    /// The reference as it was asked for. Not in a key: two names of one image are one image.
    #[serde(skip)]
    pub reference: String,
}

/// An archive as a tree of files. What is no archive is a tree of one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveOp {
    /// Where its bytes are.
    pub source: ArchiveSource,
    /// The name of the one file, if it is no archive or is not to be unpacked.
    pub name: String,
    /// An archive is unpacked.
    pub unpack: bool,
}

/// Where the bytes of an archive are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ArchiveSource {
    /// At an address, resolved to content before the key is made.
    Url(String),
    /// In the store.
    Blob(Digest),
}

/// A command in a root file system (`RUN`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecOp {
    /// The program and its arguments; the shell is already in front.
    pub args: Vec<String>,
    /// The environment, in order: `ENV`, declared `ARG`s, default `PATH`.
    pub env: Vec<(String, String)>,
    /// Predefined proxy variables that were given but not declared. Not in a key.
    #[serde(skip)]
    pub proxy_env: Vec<(String, String)>,
    /// The working directory.
    pub cwd: String,
    /// `user[:group]` by name or number; empty is root.
    pub user: String,
    /// Which network the command sees.
    pub network: NetworkMode,
    /// How far the command is confined.
    pub security: SecurityMode,
    /// The mounts, in order.
    pub mounts: Vec<ExecMount>,
    /// The host name that the command sees, when it is not the default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// The devices that it is given, in order.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub devices: Vec<DeviceRequest>,
    /// Scripts of here-documents that are run as files: bytes of a file that the command finds at this path.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub files: Vec<InlineFile>,
}

/// A small file written in the Dockerfile itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InlineFile {
    /// Where the command finds it.
    pub path: String,
    /// Its text.
    pub text: String,
    /// Its permission bits.
    pub mode: u32,
}

/// A device of the machine that a command is given (`RUN --device`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRequest {
    /// Its name: `vendor/kind=name`, `vendor/kind=*`, `vendor/kind`, or a class.
    pub name: String,
    /// Its absence is an error.
    pub required: bool,
}

/// Which network a command sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NetworkMode {
    /// The default; the host's.
    #[default]
    Default,
    /// Only a loopback of its own.
    None,
    /// The host's, asked for in the Dockerfile (needs `--allow network.host`).
    Host,
}

/// How far a command is confined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecurityMode {
    /// Docker's default capabilities and system calls.
    #[default]
    Sandbox,
    /// Not at all (needs `--allow security.insecure`).
    Insecure,
}

/// A mount of one `RUN`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecMount {
    /// What is mounted.
    pub kind: MountKind,
    /// Where: an absolute path. Empty for a secret that is only a variable.
    pub target: String,
}

/// What is mounted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum MountKind {
    /// A part of another vertex's output, in the key by content.
    Bind {
        /// Its place in [`Vertex::inputs`].
        input: usize,
        /// The path inside it, relative to its root; `.` is the root itself.
        source: String,
        /// Writes are allowed, and thrown away.
        read_write: bool,
    },
    /// A directory that outlives the build; its content is never in a key.
    Cache {
        /// Its name, with the namespace in front.
        id: String,
        /// Who may use it at the same time.
        sharing: CacheSharing,
        /// What a new one starts with: the place of a vertex in [`Vertex::inputs`].
        input: Option<usize>,
        /// The path inside that input, relative to its root; `.` is the root itself.
        source: String,
        /// Permission bits of a new one.
        mode: u32,
        /// Owner of a new one.
        uid: u32,
        /// Group of a new one.
        gid: u32,
        /// The command may only read it.
        read_only: bool,
    },
    /// Memory.
    Tmpfs {
        /// Its limit in bytes.
        size: Option<u64>,
    },
    /// A value that must not stay anywhere; how it is shown to the command is in a key, the value never is.
    Secret {
        /// Its name.
        id: String,
        /// The variable that holds it.
        variable: Option<String>,
        /// Its absence is an error.
        required: bool,
        /// Permission bits.
        mode: u32,
        /// Owner.
        uid: u32,
        /// Group.
        gid: u32,
    },
    /// The socket of an ssh agent.
    Ssh {
        /// Which of the caller's agents.
        id: String,
        /// Its absence is an error.
        required: bool,
        /// Permission bits.
        mode: u32,
        /// Owner.
        uid: u32,
        /// Group.
        gid: u32,
    },
}

/// Who may use a cache mount at the same time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CacheSharing {
    /// Everybody.
    #[default]
    Shared,
    /// Each its own, when several want it.
    Private,
    /// One after the other.
    Locked,
}

/// Files copied into a root file system (`COPY`, `ADD`); input 0 is that root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyOp {
    /// What is copied, in order.
    pub sources: Vec<CopySource>,
    /// Where to: an absolute path; a `/` at its end says that it is a directory.
    pub destination: String,
    /// The new owner; without it 0:0 from a context, and the source's from another vertex.
    pub owner: Option<OwnerSpec>,
    /// New permission bits: octal, or symbolic as `chmod` takes them.
    pub mode: Option<String>,
    /// Keep the sources' parent directories (`--parents`).
    pub parents: bool,
    /// Patterns of what is left out (`--exclude`).
    pub exclude: Vec<String>,
    /// Independent of what lies below (`--link`).
    pub link: bool,
    /// Sources that are archives are unpacked (`ADD` of local files). Remote sources say it for themselves
    /// ([`AddSource::unpack`]), files written in the Dockerfile are never unpacked.
    pub unpack: bool,
}

impl CopyOp {
    /// Copies to the root, and changes nothing.
    pub fn to_root(sources: Vec<CopySource>) -> Self {
        Self {
            sources,
            destination: "/".to_owned(),
            owner: None,
            mode: None,
            parents: false,
            exclude: Vec::new(),
            link: false,
            unpack: false,
        }
    }
}

/// An owner as it was written; names are looked up in the destination's `/etc/passwd` and `/etc/group`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerSpec {
    /// Name or number.
    pub user: String,
    /// Name or number; without it the user's primary group (named users) or the user's number.
    pub group: Option<String>,
}

/// One source of a [`CopyOp`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "kebab-case")]
pub enum CopySource {
    /// Paths in another vertex's output.
    Path {
        /// Its place in [`Vertex::inputs`].
        input: usize,
        /// A path or a wildcard, relative to that output's root, without `/` in front; `.` is the root itself.
        /// With [`CopyOp::parents`] it may hold the pivot `/./`: what is in front of it is not kept.
        pattern: String,
    },
    /// A file written in the Dockerfile.
    Inline {
        /// The file's name when the destination is a directory.
        name: String,
        /// Its text.
        text: String,
    },
    /// A remote file.
    Remote(AddSource),
}

/// A file from an address (`ADD https://…`), resolved to its content before the key is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddSource {
    /// The address.
    pub url: String,
    /// The file's name when the destination is a directory.
    pub name: String,
    /// What its bytes must be.
    pub checksum: Option<Digest>,
    /// It is unpacked if it is an archive (`ADD --unpack`).
    #[serde(default)]
    pub unpack: bool,
}

/// A directory made if it is missing (`WORKDIR`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MakeDirOp {
    /// The absolute path.
    pub path: String,
    /// Permission bits of what is made.
    pub mode: u32,
    /// Who owns what is made: `user[:group]`; empty is root.
    pub user: String,
}

/// An image to be made: what the last vertex leaves, and the config around it.
#[derive(Clone, Debug)]
pub struct ImagePlan {
    /// The platform it is for.
    pub platform: Platform,
    /// The vertex whose root file system it is.
    pub root: VertexId,
    /// The config, complete but for layers, history and times. `created` is the base's, if it has one.
    pub config: ImageConfig,
    /// One entry an instruction after the base's own history.
    pub history: Vec<HistoryEntry>,
    /// The base's history as its config has it.
    pub base_history: Vec<plimsoll_oci::History>,
}

/// What one instruction adds to the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryEntry {
    /// The instruction as Docker words it.
    pub created_by: String,
    /// Who wrote it. The lowering leaves it empty, as Docker does: the author is in the config.
    pub author: Option<String>,
    /// The vertex that made its layer; none for an instruction without one.
    pub vertex: Option<VertexId>,
    /// It is there because a layer had no entry, and stands for no instruction.
    pub fills_in: bool,
}
