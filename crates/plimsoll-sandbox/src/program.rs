//! A step, compiled: what the child does, with every string, descriptor and filter made beforehand.

use std::ffi::CString;
use std::os::fd::{OwnedFd, RawFd};

use crate::error::Stage;

/// One instruction of a classic BPF program, as the kernel takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct FilterInstruction {
    pub(crate) code: u16,
    pub(crate) jump_true: u8,
    pub(crate) jump_false: u8,
    pub(crate) value: u32,
}

/// An overlay for mount(2). The child opens the directories, because the kernel takes only those of its own mount
/// namespace, and names them by number, which is short and has nothing to escape.
#[derive(Debug)]
pub(crate) struct ClassicOverlay {
    pub(crate) lowers: Vec<CString>,
    pub(crate) upper: CString,
    pub(crate) work: CString,
    /// Further options, each behind a comma.
    pub(crate) options: CString,
    /// Flags of mount(2).
    pub(crate) flags: u64,
}

/// What the child does, in order, before it executes the program.
///
/// Paths named `at` are paths of the host that the child opens itself: a descriptor opened by the parent would belong
/// to a mount of the parent's namespace, on which nothing can be mounted.
#[derive(Debug)]
pub(crate) enum Operation {
    /// Die with the thread that cloned.
    ParentDeathSignal,
    /// Default signal actions, nothing blocked.
    Signals,
    /// Go on in a second process, in a pid namespace of its own; the first one only waits for it. It never changes its
    /// ids and so stays tied to the builder, and the kernel ends everything below it.
    Guard,
    /// New session, umask 0022, a keyring of its own.
    Session,
    /// Wait until the parent writes a byte; it is an error if it closes its end instead.
    AwaitByte { from: RawFd },
    /// Duplicate the first of each pair onto the second; mark everything from `close_from` on as close-on-exec.
    Descriptors { pairs: Vec<(RawFd, RawFd)>, close_from: u32 },
    /// Nothing mounted here is seen elsewhere.
    PrivateMounts,
    /// Mount the detached `mount` on the directory `at`; it is the new root.
    Root { mount: RawFd, at: CString },
    /// Mount an overlay by mount(2); it is the new root.
    ClassicRoot { overlay: ClassicOverlay, at: CString },
    /// Mount the detached `mount` on the directory `at`, to be taken apart by `AttachPart`.
    Park { mount: RawFd, at: CString },
    /// As `ClassicRoot`, to be taken apart by the next `AttachPart`, which names [`Operation::LAST_PARKED`].
    ClassicPark { overlay: ClassicOverlay, at: CString },
    /// Mount the detached `mount` on `target` inside the new root.
    Attach { mount: RawFd, target: CString },
    /// Mount what `path` is in the parked `mount` on `target` inside the new root.
    AttachPart { mount: RawFd, path: CString, target: CString, attributes: u64 },
    /// Make a file system that belongs to a namespace of the child and mount it. `fallback` is mounted where the
    /// kernel refuses that.
    Kernel { kind: CString, target: CString, attributes: u64, fallback: Option<RawFd> },
    /// Hide `target`, if it exists, with `/dev/null` or with an empty read-only directory.
    Mask { target: CString },
    /// Make `target`, if it exists, read-only.
    ReadOnly { target: CString },
    /// Set the host name.
    HostName { name: CString },
    /// Bring up the loopback interface.
    Loopback,
    /// Make the new root `/` and let go of the old one.
    Pivot,
    /// Change directory.
    Directory { path: CString },
    /// Remove every capability that is not in `keep` from the bounding set.
    Bounding { keep: u64 },
    /// Set `no_new_privs`.
    NoNewPrivileges,
    /// Load a filter.
    Filter { instructions: Vec<FilterInstruction> },
    /// Load a filter that asks, and send its listener to the parent.
    Listener { instructions: Vec<FilterInstruction> },
    /// Enter the control group whose `cgroup.procs` this is.
    EnterGroup { door: RawFd },
    /// Set a limit of this process.
    Limit { resource: u32, soft: u64, hard: u64 },
    /// Open a terminal in the new root's `/dev/pts`, take it as standard input, output and error and as the session's,
    /// and send its other end to the parent.
    Terminal { owner: Option<u32> },
    /// Keep capabilities over a change of ids.
    KeepCapabilities,
    /// As `Capabilities`, and programs that are executed get them too, whoever runs them.
    AmbientCapabilities { keep: u64 },
    /// Take ids. `groups` is absent where the kernel allows no change.
    Ids { uid: u32, gid: u32, groups: Option<Vec<u32>> },
    /// Set the permitted and effective capabilities.
    Capabilities { keep: u64 },
    /// Mount an overlay on memory, attached to nothing.
    ProbeOverlay,
    /// Mount a `/proc`, attached to nothing.
    ProbeProc,
    /// End with success instead of executing a program.
    Stop,
}

impl Operation {
    /// Stands for a mount whose number only the child knows.
    pub(crate) const LAST_PARKED: RawFd = -1;
}

/// An operation and what it is called when it fails.
#[derive(Debug)]
pub(crate) struct Labelled {
    pub(crate) operation: Operation,
    pub(crate) stage: Stage,
}

/// Everything the child needs.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) operations: Vec<Labelled>,
    /// Paths that are tried in order.
    pub(crate) candidates: Vec<CString>,
    pub(crate) argv: Vec<CString>,
    pub(crate) env: Vec<CString>,
    /// Namespaces to make, as `CLONE_NEW*`.
    pub(crate) namespaces: u64,
    /// Descriptors the operations name by number.
    pub(crate) descriptors: Vec<OwnedFd>,
}

impl Program {
    pub(crate) fn push(&mut self, stage: Stage, operation: Operation) {
        self.operations.push(Labelled { operation, stage });
    }
}
