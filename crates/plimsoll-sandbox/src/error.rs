//! What can go wrong, by what was attempted.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::control::Controller;

/// A step or a user namespace that could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// The program of a step is in no directory of `PATH`, or the path given does not exist.
    #[error("executable not found: `{}`", .name.display())]
    ExecutableNotFound {
        /// `argv[0]` as given.
        name: OsString,
    },
    /// The program, or the interpreter its first line names, cannot be executed.
    #[error("cannot execute `{}`", .name.display())]
    NotExecutable {
        /// `argv[0]` as given.
        name: OsString,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// A step without arguments.
    #[error("a step needs a program to run")]
    EmptyArguments,
    /// A string with a zero byte in it.
    #[error("`{}` holds a zero byte", .text.display())]
    ZeroByte {
        /// The string.
        text: OsString,
    },
    /// An overlay with no lower directory, or with more than the kernel takes.
    #[error("{count} layers cannot be stacked: the kernel takes from 1 to {limit}")]
    LayerCount {
        /// Number of lower directories.
        count: usize,
        /// Largest number.
        limit: usize,
    },
    /// A lower, upper or work directory cannot be opened.
    #[error("cannot open layer directory `{}`", .path.display())]
    LayerDirectory {
        /// The directory.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// The kernel refused the overlay.
    #[error("cannot mount an overlay of {layers} layers on `{}`{}", .upper.display(), Message(.message))]
    Overlay {
        /// Number of lower directories.
        layers: usize,
        /// The upper directory.
        upper: PathBuf,
        /// The kernel's own words, when it had any.
        message: Option<String>,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// The kernel is too old for option lists of this length.
    #[error(
        "{layers} layers need {bytes} bytes of mount options and this kernel takes 4095; Linux 6.8 has no such limit"
    )]
    OverlayOptions {
        /// Number of lower directories.
        layers: usize,
        /// Length of the options in bytes.
        bytes: usize,
    },
    /// What is to be mounted cannot be opened.
    #[error("cannot open mount source `{}`", .path.display())]
    MountSource {
        /// Path on the host.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// A file system in memory or of the kernel cannot be made.
    #[error("cannot make a `{kind}` file system for `{}`", .target.display())]
    FileSystem {
        /// Kind of the file system.
        kind: &'static str,
        /// Where it was to be mounted.
        target: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// A mount target is not absolute, or cannot be made below an earlier mount.
    #[error("cannot use mount target `{}`", .target.display())]
    MountTarget {
        /// Path inside the root.
        target: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// The new process could not be prepared.
    #[error("cannot {stage}")]
    Prepare {
        /// What it attempted.
        stage: Stage,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// The new process could not be made, or not be spoken to.
    #[error("cannot start a process")]
    Start {
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// The process ended before it said why.
    #[error("the process was ended before it ran its program")]
    Lost,
    /// Waiting for or signalling a process failed.
    #[error("cannot wait for a process")]
    Wait {
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// No filter is known for this processor.
    #[error("no system-call filter is known for the processor `{name}`")]
    Architecture {
        /// Name of the processor.
        name: &'static str,
    },
    /// A user namespace cannot be made.
    #[error("cannot make a user namespace; `plimsoll doctor` says what forbids it")]
    UserNamespace {
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// The rung found has no user namespace to enter.
    #[error("there is no user namespace to enter: {reason}")]
    NothingToEnter {
        /// Whether because none is needed or because none can be had.
        reason: NoEntry,
    },
    /// A program that writes the id map cannot be started.
    #[error("cannot start `{}`", .program.display())]
    MapperStart {
        /// `newuidmap` or `newgidmap`.
        program: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// A program that writes the id map refused.
    #[error("`{}` refused the id map: {}", .program.display(), .output.trim_end())]
    MapperRefused {
        /// `newuidmap` or `newgidmap`.
        program: PathBuf,
        /// What it printed.
        output: String,
    },
    /// The id map of a single id cannot be written.
    #[error("cannot write `{}`", .path.display())]
    IdMap {
        /// The file under `/proc`.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// A limit that no control group here can keep.
    #[error("this machine cannot limit {controller} here: {reason}")]
    NoControl {
        /// What was to be limited.
        controller: Controller,
        /// Why not.
        #[source]
        reason: NoControl,
    },
    /// A control group cannot be made.
    #[error("cannot make the control group `{}`", .path.display())]
    ControlGroup {
        /// Its directory.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// A value of a control group cannot be set.
    #[error("cannot write `{value}` into `{}`", .path.display())]
    ControlValue {
        /// The file.
        path: PathBuf,
        /// The value.
        value: String,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// The name of a parent group that is none.
    #[error(
        "`{parent}` is not the name of a control group: it is a path from the top, or a slice of systemd"
    )]
    ControlParent {
        /// The name as given.
        parent: String,
    },
    /// A file cannot be read or written.
    #[error("cannot {attempt} `{}`", .path.display())]
    File {
        /// What was attempted.
        attempt: &'static str,
        /// The file.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
}

impl SandboxError {
    /// Exit code Docker gives a step that fails like this: 127 for a missing program, 126 for one that cannot be
    /// executed. Everything else is a failure of the builder and has none.
    pub fn exit_code(&self) -> Option<i32> {
        match self {
            Self::ExecutableNotFound { .. } => Some(127),
            Self::NotExecutable { .. } => Some(126),
            _ => None,
        }
    }

    /// Whether the kernel knows no way to run a program: it is for another processor, or no program at all.
    pub fn is_unknown_format(&self) -> bool {
        let unknown = Some(rustix::io::Errno::NOEXEC.raw_os_error());
        matches!(self, Self::NotExecutable { source, .. } if source.raw_os_error() == unknown)
    }
}

/// Why a limit cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum NoControl {
    /// The kernel's controller is not there, or not visible here.
    #[error("its controller is in no control group hierarchy that is mounted here")]
    Absent,
    /// There is a controller, and no group of this user that has it.
    #[error(
        "no group around this process may be divided by this user; start it in one that is delegated: \
         `systemd-run --user --scope --property=Delegate=yes plimsoll build …`"
    )]
    NotDelegated {
        /// What the nearest group said.
        #[source]
        source: Box<SandboxError>,
    },
}

/// Why there is no user namespace to enter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoEntry {
    /// The program runs as root.
    Root,
    /// This user can have none.
    Unavailable,
}

impl fmt::Display for NoEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Root => "root needs none",
            Self::Unavailable => "this user can have none",
        })
    }
}

/// What a new process attempts before it executes its program.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// Die with the thread that started it.
    ParentDeathSignal,
    /// Leave a process behind that stays tied to the builder.
    Guard,
    /// Leave the session and reset signals.
    Session,
    /// Put standard input, output and error in their places.
    Descriptors,
    /// Make its mounts its own.
    PrivateMounts,
    /// Put the new root in its place.
    Root,
    /// Mount something in the root.
    Mount {
        /// Path inside the root.
        target: PathBuf,
    },
    /// Mount a fresh `/proc`.
    Proc,
    /// Hide or protect a path.
    Mask {
        /// Path inside the root.
        target: PathBuf,
    },
    /// Set the host name.
    HostName,
    /// Bring up the loopback interface.
    Loopback,
    /// Change to the working directory.
    WorkingDirectory {
        /// Path inside the root.
        path: PathBuf,
    },
    /// Give up capabilities.
    Capabilities,
    /// Load the system-call filter.
    Filter,
    /// Take the user and group ids.
    Ids,
    /// Enter the control group.
    ControlGroup,
    /// Set a limit of the process.
    Limit {
        /// Its name on the command line.
        name: &'static str,
    },
    /// Open a terminal of its own.
    Terminal,
    /// Set `no_new_privs`.
    NoNewPrivileges,
    /// Wait for the id map of the user namespace.
    AwaitMap,
    /// Mount an overlay with a writable upper directory.
    Overlay,
    /// Execute the program.
    Execute,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ParentDeathSignal => f.write_str("tie the process to its parent"),
            Self::Guard => f.write_str("start a process in a second pid namespace"),
            Self::Session => f.write_str("start a session"),
            Self::Descriptors => f.write_str("pass standard input and output"),
            Self::PrivateMounts => f.write_str("make mounts private"),
            Self::Root => f.write_str("change the root directory"),
            Self::Mount { target } => write!(f, "mount `{}`", target.display()),
            Self::Proc => f.write_str(
                "mount a fresh `/proc`: in a container whose `/proc` is masked the kernel refuses that \
                 (start it with `--security-opt systempaths=unconfined`)",
            ),
            Self::Mask { target } => write!(f, "protect `{}`", target.display()),
            Self::HostName => f.write_str("set the host name"),
            Self::Loopback => f.write_str("bring up the loopback interface"),
            Self::WorkingDirectory { path } => {
                write!(f, "change to the working directory `{}`", path.display())
            }
            Self::Capabilities => f.write_str("give up capabilities"),
            Self::Filter => f.write_str("load the system-call filter"),
            Self::Ids => f.write_str("take the user and group ids"),
            Self::ControlGroup => f.write_str("enter the control group"),
            Self::Limit { name } => {
                write!(f, "set the limit `{name}`: only root may raise a hard limit")
            }
            Self::Terminal => f.write_str("open a terminal"),
            Self::NoNewPrivileges => f.write_str("set `no_new_privs`"),
            Self::Overlay => f.write_str("mount an overlay"),
            Self::AwaitMap => f.write_str("wait for the id map"),
            Self::Execute => f.write_str("execute the program"),
        }
    }
}

/// A message of the kernel behind a colon, or nothing.
struct Message<'a>(&'a Option<String>);

impl fmt::Display for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_ref().map_or(Ok(()), |text| write!(f, ": {text}"))
    }
}
