//! What a step is: layers, mounts, identity and arguments of one process.
//!
//! Paths on the host are taken on trust (the executor made them); paths inside the root are not: they are opened below
//! the root without following symbolic links.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use crate::child::Child;
use crate::control::ControlLimits;
use crate::error::SandboxError;
use crate::limits::ResourceLimit;

/// One process to be run on a stack of layers.
///
/// `/proc`, `/sys`, `/dev`, every mount target and `cwd` must exist in the layers: the executor puts a lower directory
/// with the missing ones on top. See [`Step::SYSTEM_MOUNT_POINTS`].
#[derive(Debug, Clone)]
pub struct Step {
    /// Overlay lower directories, topmost first. At least one.
    pub lowers: Vec<PathBuf>,
    /// Directory that becomes the new layer.
    pub upper: PathBuf,
    /// Empty overlay work directory on the file system of `upper`; it cannot be used a second time.
    pub work: PathBuf,
    /// Mounts in the order in which they are made.
    pub mounts: Vec<StepMount>,
    /// Program and arguments. A program without `/` is searched in `PATH` of `env`, inside the root.
    pub argv: Vec<OsString>,
    /// The whole environment; nothing is inherited.
    pub env: Vec<(OsString, OsString)>,
    /// Absolute working directory inside the root.
    pub cwd: PathBuf,
    /// User id inside the container. With [`Identity::Emulated`] only 0 exists; others are shown by `get*id` only.
    pub uid: u32,
    /// Group id inside the container.
    pub gid: u32,
    /// Supplementary groups.
    pub groups: Vec<u32>,
    /// Host name inside the container, at most 64 bytes.
    pub hostname: String,
    /// Which network the step sees.
    pub network: Network,
    /// Whether the step is confined.
    pub security: Security,
    /// Set `no_new_privs`: set-user-ID programs and file capabilities give nothing.
    pub no_new_privileges: bool,
    /// Size of `/dev/shm` in bytes; Docker gives [`Step::DEFAULT_SHM_SIZE`].
    pub shm_size: u64,
    /// Limits of its processes, one by one.
    pub resource_limits: Vec<ResourceLimit>,
    /// Limits of all its processes together.
    pub control_limits: ControlLimits,
    /// How ids of the container are ids of the host.
    pub identity: Identity,
}

/// A mount inside the root.
#[derive(Debug, Clone)]
pub struct StepMount {
    /// What is mounted.
    pub source: MountSource,
    /// Absolute path inside the root that exists and holds no symbolic link. Below an earlier writable mount of the
    /// same step a missing target is made.
    pub target: PathBuf,
    /// Whether writing is refused, for everything mounted below the source too.
    pub read_only: bool,
}

/// What is mounted.
#[derive(Clone)]
pub enum MountSource {
    /// A directory or file of the host, with what is mounted below it. The last component must not be a symbolic link.
    Bind(PathBuf),
    /// An empty file system in memory; `size` in bytes.
    Tmpfs {
        /// Largest size in bytes; half of the memory when not given.
        size: Option<u64>,
        /// Permission bits of its root.
        mode: u32,
    },
    /// A snapshot; what is written goes to `upper`, which the caller throws away.
    Overlay {
        /// Lower directories, topmost first.
        lowers: Vec<PathBuf>,
        /// Empty directory for what is written.
        upper: PathBuf,
        /// Empty overlay work directory on the same file system.
        work: PathBuf,
        /// Directory inside the snapshot that is mounted, `/` for all of it. A file is allowed.
        path: PathBuf,
    },
    /// A file with these bytes, held in unswappable memory in the step's own mount namespace: it is on no disk and is
    /// gone with the step, however it ends.
    Data {
        /// Contents.
        bytes: Vec<u8>,
        /// Permission bits.
        mode: u32,
        /// Owner inside the container.
        uid: u32,
        /// Group inside the container.
        gid: u32,
    },
    /// A socket of the host, such as the one of an SSH agent.
    Socket(PathBuf),
    /// A device node of the host, which the step may use.
    Device {
        /// The node.
        path: PathBuf,
        /// Permission bits, where they are not the host's. Needs [`Identity::Host`].
        mode: Option<u32>,
        /// Owner and group, where they are not the host's. Needs [`Identity::Host`].
        owner: Option<(u32, u32)>,
    },
}

/// Contents of [`MountSource::Data`] are secrets and never shown.
impl std::fmt::Debug for MountSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bind(path) => f.debug_tuple("Bind").field(path).finish(),
            Self::Tmpfs { size, mode } => {
                f.debug_struct("Tmpfs").field("size", size).field("mode", mode).finish()
            }
            Self::Overlay { lowers, upper, work, path } => f
                .debug_struct("Overlay")
                .field("lowers", lowers)
                .field("upper", upper)
                .field("work", work)
                .field("path", path)
                .finish(),
            Self::Data { mode, uid, gid, .. } => f
                .debug_struct("Data")
                .field("mode", mode)
                .field("uid", uid)
                .field("gid", gid)
                .finish_non_exhaustive(),
            Self::Socket(path) => f.debug_tuple("Socket").field(path).finish(),
            Self::Device { path, mode, owner } => f
                .debug_struct("Device")
                .field("path", path)
                .field("mode", mode)
                .field("owner", owner)
                .finish(),
        }
    }
}

/// Which network a step sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// The one of the builder. `CAP_NET_RAW` is not given.
    Host,
    /// A loopback interface and nothing else.
    None,
}

/// Whether a step is confined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// Docker's fourteen capabilities, its system-call filter, its masked and read-only paths.
    Sandbox,
    /// All capabilities of the builder, no filter, no masks; `/sys` is writable, and root's builder gives the devices
    /// that programs for virtual machines and file systems need.
    Insecure,
}

/// How ids inside a step are ids of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// As they are: the builder is root.
    Host,
    /// Mapped to a range by the user namespace the builder runs in.
    Mapped,
    /// Only id 0 exists. Owner changes, device nodes and `set*id` are answered by the builder and recorded.
    Emulated,
}

impl Identity {
    /// Whether overlay keeps its marks in `user.overlay.*` attributes instead of `trusted.overlay.*`.
    pub fn user_xattr(self) -> bool {
        self != Self::Host
    }
}

/// Standard input, output and error of a step.
#[derive(Debug)]
pub struct Stdio {
    /// File descriptor 0.
    pub stdin: OwnedFd,
    /// File descriptor 1.
    pub stdout: OwnedFd,
    /// File descriptor 2.
    pub stderr: OwnedFd,
}

impl Step {
    /// Directories that every step is given and that must exist in the layers.
    pub const SYSTEM_MOUNT_POINTS: [&str; 3] = ["/dev", "/proc", "/sys"];

    /// Docker's size of `/dev/shm`, in bytes.
    pub const DEFAULT_SHM_SIZE: u64 = 64 * 1024 * 1024;

    /// Starts the process. It has been executed when this returns; a failure before that is an error.
    pub fn spawn(&self, stdio: Stdio) -> Result<Child, SandboxError> {
        crate::child::spawn(self, stdio)
    }

    /// Starts the process with a terminal of its own as standard input, output and error; gives the terminal's other
    /// end. The process leads the terminal's session, so that a shell in it has job control.
    pub fn spawn_in_terminal(&self) -> Result<(Child, OwnedFd), SandboxError> {
        crate::child::spawn_in_terminal(self)
    }
}
