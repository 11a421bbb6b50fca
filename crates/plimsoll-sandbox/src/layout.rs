//! Compiling a step: which mounts, which limits, in which order.
//!
//! The order is that of trust: mounts while the old root is still there (the kernel gives a fresh `/proc` only to a
//! process that still sees a whole one), then the change of root, then the loss of rights, last the ids.

use std::ffi::{CString, OsStr};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rustix::fs::FileType;
use rustix::io::Errno;
use rustix::mount::MountAttrFlags;

use crate::error::{SandboxError, Stage};
use crate::helpers::{Capabilities, number};
use crate::mounts::{self, DataFiles};
use crate::overlay::{Overlay, Stack, host_path};
use crate::program::{ClassicOverlay, Operation, Program};
use crate::seccomp;
use crate::step::{Identity, MountSource, Network, Security, Stdio, Step, StepMount};
use crate::sys::mount::{NO_DEVICES, NO_EXECUTION, NO_SUID, READ_ONLY, restrict};

/// What Docker hides from a container.
const MASKED: [&str; 12] = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
];

/// What Docker makes read-only in a container.
const READ_ONLY_PATHS: [&str; 5] = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/// Where the kernel stops searching: the first number above standard error.
const FIRST_FREE: RawFd = 3;

/// What a step has as standard input, output and error.
pub(crate) enum Streams {
    /// Three descriptors.
    Given(Stdio),
    /// A terminal of its own.
    Terminal,
}

/// Turns a step into what the child does. `doors` lead into the step's control groups.
pub(crate) fn compile(step: &Step, streams: Streams, doors: Vec<OwnedFd>) -> Result<Program, SandboxError> {
    compile_with(step, streams, doors, best)
}

fn best(stack: &Stack<'_>) -> Result<Overlay, SandboxError> {
    stack.prepare()
}

/// Makes an overlay from a stack: as the kernel likes best, or as older ones do.
type Prepare = fn(&Stack<'_>) -> Result<Overlay, SandboxError>;

fn compile_with(
    step: &Step,
    streams: Streams,
    doors: Vec<OwnedFd>,
    prepare: Prepare,
) -> Result<Program, SandboxError> {
    let mut compiler = Compiler::new(step, prepare)?;
    let permitted = Capabilities::permitted().map_err(|source| SandboxError::Start { source })?;
    let has_terminal = matches!(streams, Streams::Terminal);
    compiler.begin(streams, doors)?;
    compiler.root()?;
    compiler.system_mounts()?;
    compiler.mounts()?;
    compiler.masks()?;
    if has_terminal {
        compiler.terminal();
    }
    compiler.world()?;
    compiler.confinement(permitted)?;
    Ok(compiler.program)
}

struct Compiler<'a> {
    step: &'a Step,
    prepare: Prepare,
    program: Program,
    data: Option<DataFiles>,
    /// Targets of earlier mounts, so that a target below one can be made. The last that fits wins.
    made: Vec<Made>,
}

/// A mount that later targets may lie below.
struct Made {
    target: PathBuf,
    mount: Option<OwnedFd>,
    inner: PathBuf,
}

impl<'a> Compiler<'a> {
    fn new(step: &'a Step, prepare: Prepare) -> Result<Self, SandboxError> {
        let name = step.argv.first().ok_or(SandboxError::EmptyArguments)?;
        let argv = step.argv.iter().map(|text| c_string(text)).collect::<Result<Vec<_>, _>>()?;
        let mut env = Vec::with_capacity(step.env.len());
        for (key, value) in &step.env {
            let mut entry = key.as_bytes().to_vec();
            entry.push(b'=');
            entry.extend_from_slice(value.as_bytes());
            env.push(c_string(OsStr::from_bytes(&entry))?);
        }
        let mut namespaces = libc::CLONE_NEWNS | libc::CLONE_NEWPID | libc::CLONE_NEWIPC | libc::CLONE_NEWUTS;
        if step.network == Network::None {
            namespaces |= libc::CLONE_NEWNET;
        }
        let program = Program {
            operations: Vec::new(),
            candidates: candidates(name, &step.env)?,
            argv,
            env,
            namespaces: u64::from(namespaces.cast_unsigned()),
            descriptors: Vec::new(),
        };
        Ok(Self { step, prepare, program, data: None, made: Vec::new() })
    }

    /// Keeps a descriptor for the child and gives its number.
    fn keep(&mut self, descriptor: OwnedFd) -> RawFd {
        let number = descriptor.as_raw_fd();
        self.program.descriptors.push(descriptor);
        number
    }

    fn begin(&mut self, streams: Streams, doors: Vec<OwnedFd>) -> Result<(), SandboxError> {
        let given = match streams {
            Streams::Given(stdio) => vec![(stdio.stdin, 0), (stdio.stdout, 1), (stdio.stderr, 2)],
            Streams::Terminal => Vec::new(),
        };
        let doors: Vec<RawFd> = doors.into_iter().map(|door| self.keep(door)).collect();
        let mut pairs = Vec::with_capacity(3);
        for (descriptor, target) in given {
            give_pipe(&descriptor, self.step);
            // Above the numbers they are copied to, so that none is overwritten before it is copied.
            let high = rustix::io::fcntl_dupfd_cloexec(&descriptor, FIRST_FREE)
                .map_err(|errno| SandboxError::Start { source: errno.into() })?;
            pairs.push((self.keep(high), target));
        }
        let program = &mut self.program;
        program.push(Stage::ParentDeathSignal, Operation::ParentDeathSignal);
        program.push(Stage::Session, Operation::Signals);
        for door in doors {
            program.push(Stage::ControlGroup, Operation::EnterGroup { door });
        }
        if self.step.uid != 0 && !self.step.no_new_privileges && self.step.identity != Identity::Emulated {
            // A set-user-ID program, such as sudo, loses the tie to its parent when it is executed.
            program.push(Stage::Guard, Operation::Guard);
        }
        program.push(Stage::Session, Operation::Session);
        program.push(Stage::Descriptors, Operation::Descriptors { pairs, close_from: 3 });
        program.push(Stage::PrivateMounts, Operation::PrivateMounts);
        Ok(())
    }

    fn root(&mut self) -> Result<(), SandboxError> {
        let step = self.step;
        let stack = Stack {
            lowers: &step.lowers,
            upper: &step.upper,
            work: &step.work,
            user_xattr: step.identity.user_xattr(),
        };
        let at = host_path(&step.upper)?;
        let operation = match (self.prepare)(&stack)? {
            Overlay::Detached(mount) => {
                self.forbid_devices(&mount, &step.upper)?;
                Operation::Root { mount: self.keep(mount), at }
            }
            Overlay::Classic(overlay) => Operation::ClassicRoot { overlay: self.classic(overlay), at },
        };
        self.program.push(Stage::Root, operation);
        Ok(())
    }

    /// A step may make device nodes, as in Docker, but use only those that it is given: engines see to that with a
    /// control group, which not every builder may have.
    fn forbid_devices(&self, mount: &OwnedFd, path: &Path) -> Result<(), SandboxError> {
        if self.step.security == Security::Insecure {
            return Ok(());
        }
        restrict(mount.as_fd(), NO_DEVICES, true)
            .map_err(|source| SandboxError::MountSource { path: path.to_owned(), source })
    }

    /// The same for an overlay that the child mounts.
    fn classic(&self, overlay: ClassicOverlay) -> ClassicOverlay {
        let flags = if self.step.security == Security::Insecure { 0 } else { libc::MS_NODEV };
        ClassicOverlay { flags, ..overlay }
    }

    fn terminal(&mut self) {
        let step = self.step;
        let owner = (step.identity != Identity::Emulated && step.uid != 0).then_some(step.uid);
        self.program.push(Stage::Terminal, Operation::Terminal { owner });
    }

    fn attach(&mut self, mount: OwnedFd, target: &Path) -> Result<(), SandboxError> {
        let operation = Operation::Attach { mount: self.keep(mount), target: inner(target)? };
        self.program.push(Stage::Mount { target: target.to_owned() }, operation);
        Ok(())
    }

    fn kernel(
        &mut self,
        kind: &'static str,
        target: &str,
        attributes: u64,
        fallback: Option<OwnedFd>,
    ) -> Result<(), SandboxError> {
        let stage = if kind == "proc" { Stage::Proc } else { Stage::Mount { target: target.into() } };
        let fallback = fallback.map(|mount| self.keep(mount));
        let kind = c_string(OsStr::new(kind))?;
        let operation = Operation::Kernel { kind, target: inner(Path::new(target))?, attributes, fallback };
        self.program.push(stage, operation);
        Ok(())
    }

    fn system_mounts(&mut self) -> Result<(), SandboxError> {
        let quiet = NO_SUID | NO_DEVICES | NO_EXECUTION;
        self.kernel("proc", "/proc", quiet, None)?;
        let sysfs_attributes =
            if self.step.security == Security::Insecure { quiet } else { quiet | READ_ONLY };
        // A fresh one shows the network devices of a namespace, and is given only to who owns that namespace.
        let sys = mounts::bind(Path::new("/sys"), false)?.mount;
        restrict(sys.as_fd(), sysfs_attributes, true)
            .map_err(|source| SandboxError::MountSource { path: "/sys".into(), source })?;
        self.kernel("sysfs", "/sys", sysfs_attributes, Some(sys))?;
        if Path::new("/sys/fs/cgroup").is_dir() {
            // Read only: runtimes look up how much memory and how many processors they may use.
            let read_only = self.step.security == Security::Sandbox;
            let groups = mounts::bind(Path::new("/sys/fs/cgroup"), read_only)?.mount;
            self.attach(groups, Path::new("/sys/fs/cgroup"))?;
        }
        let devices = mounts::devices()?;
        self.forbid_devices(&devices, Path::new("/dev"))?;
        let again = devices.try_clone().map_err(|source| SandboxError::Start { source })?;
        self.attach(devices, Path::new("/dev"))?;
        self.made.push(Made { target: "/dev".into(), mount: Some(again), inner: "/".into() });
        for name in mounts::DEVICES {
            let path = Path::new("/dev").join(name);
            let device = mounts::bind(&path, false)?.mount;
            self.attach(device, &path)?;
        }
        if self.step.security == Security::Insecure && self.step.identity == Identity::Host {
            for path in mounts::machine_devices() {
                self.device(&path, &path, None, None)?;
            }
        }
        self.attach(mounts::terminals(self.step.identity)?, Path::new("/dev/pts"))?;
        let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID
            | MountAttrFlags::MOUNT_ATTR_NODEV
            | MountAttrFlags::MOUNT_ATTR_NOEXEC;
        let shm = Path::new("/dev/shm");
        let memory = mounts::tmpfs(Some(self.step.shm_size), 0o1777, attributes, shm)?;
        self.attach(memory, shm)?;
        self.kernel("mqueue", "/dev/mqueue", quiet, None)
    }

    fn mounts(&mut self) -> Result<(), SandboxError> {
        let step = self.step;
        for mount in &step.mounts {
            self.mount(mount)?;
        }
        // Parked before anything takes a part of it, which is why it is not done where the first file is added.
        if let Some(data) = self.data.take() {
            let number = self.keep(data.into_mount());
            let at = host_path(&step.work)?;
            let position = self.program.operations.iter().position(
                |labelled| matches!(labelled.operation, Operation::AttachPart { mount, .. } if mount == number),
            );
            let park = crate::program::Labelled {
                operation: Operation::Park { mount: number, at },
                stage: Stage::Mount { target: "/run/secrets".into() },
            };
            self.program.operations.insert(position.unwrap_or(self.program.operations.len()), park);
        }
        Ok(())
    }

    fn mount(&mut self, mount: &StepMount) -> Result<(), SandboxError> {
        let target = mount.target.as_path();
        match &mount.source {
            MountSource::Device { path, mode, owner } => self.device(path, target, *mode, *owner),
            MountSource::Bind(path) | MountSource::Socket(path) => {
                let bound = mounts::bind(path, mount.read_only)?;
                self.forbid_devices(&bound.mount, path)?;
                self.prepare_target(target, bound.directory)?;
                self.remember(target, &bound.mount, Path::new("/"), bound.directory)?;
                self.attach(bound.mount, target)
            }
            MountSource::Tmpfs { size, mode } => {
                self.prepare_target(target, true)?;
                let attributes = if mount.read_only {
                    MountAttrFlags::MOUNT_ATTR_RDONLY
                } else {
                    MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV
                };
                let memory = mounts::tmpfs(*size, *mode, attributes, target)?;
                self.remember(target, &memory, Path::new("/"), true)?;
                self.attach(memory, target)
            }
            MountSource::Overlay { lowers, upper, work, path } => {
                self.overlay_part(mount, lowers, upper, work, path)
            }
            MountSource::Data { bytes, mode, uid, gid } => {
                self.prepare_target(target, false)?;
                let owner = (self.step.identity != Identity::Emulated).then_some((*uid, *gid));
                if self.data.is_none() {
                    self.data = Some(DataFiles::new(target)?);
                }
                let data = self.data.as_mut().expect("made just above");
                let name = data.add(bytes, *mode, owner, target)?;
                let number = data.mount().as_raw_fd();
                let quiet = NO_SUID | NO_DEVICES | NO_EXECUTION;
                let attributes = if mount.read_only { quiet | READ_ONLY } else { quiet };
                self.attach_part(number, name, target, attributes)
            }
        }
    }

    /// Gives the step a device: the host's node, or one of its own where that has another mode or owner.
    fn device(
        &mut self,
        path: &Path,
        target: &Path,
        mode: Option<u32>,
        owner: Option<(u32, u32)>,
    ) -> Result<(), SandboxError> {
        self.prepare_target(target, false)?;
        let node = match (self.step.identity, mode, owner) {
            (Identity::Host, Some(_), _) | (Identity::Host, _, Some(_)) => mounts::node(path, mode, owner)?,
            _ => mounts::bind(path, false)?.mount,
        };
        self.attach(node, target)
    }

    fn overlay_part(
        &mut self,
        mount: &StepMount,
        lowers: &[PathBuf],
        upper: &Path,
        work: &Path,
        path: &Path,
    ) -> Result<(), SandboxError> {
        let target = mount.target.as_path();
        let stack = Stack { lowers, upper, work, user_xattr: self.step.identity.user_xattr() };
        let at = host_path(upper)?;
        let stage = Stage::Mount { target: target.to_owned() };
        let part = c_string(path.as_os_str())?;
        let attributes = if mount.read_only { READ_ONLY } else { 0 };
        let number = match (self.prepare)(&stack)? {
            Overlay::Detached(overlay) => {
                self.forbid_devices(&overlay, upper)?;
                let directory = mounts::part_is_directory(overlay.as_fd(), path)
                    .map_err(|source| SandboxError::MountSource { path: path.to_owned(), source })?;
                self.prepare_target(target, directory)?;
                self.remember(target, &overlay, path, directory)?;
                let number = self.keep(overlay);
                self.program.push(stage, Operation::Park { mount: number, at });
                number
            }
            Overlay::Classic(overlay) => {
                let overlay = self.classic(overlay);
                self.program.push(stage, Operation::ClassicPark { overlay, at });
                Operation::LAST_PARKED
            }
        };
        self.attach_part(number, part, target, attributes)
    }

    fn attach_part(
        &mut self,
        mount: RawFd,
        path: CString,
        target: &Path,
        attributes: u64,
    ) -> Result<(), SandboxError> {
        let operation = Operation::AttachPart { mount, path, target: inner(target)?, attributes };
        self.program.push(Stage::Mount { target: target.to_owned() }, operation);
        Ok(())
    }

    /// Makes the target if it lies below an earlier mount.
    fn prepare_target(&mut self, target: &Path, directory: bool) -> Result<(), SandboxError> {
        let refuse = |source: io::Error| SandboxError::MountTarget { target: target.to_owned(), source };
        if !target.is_absolute() || target.components().any(|part| part == std::path::Component::ParentDir) {
            return Err(refuse(Errno::INVAL.into()));
        }
        let Some((below, rest)) =
            self.made.iter().rev().find_map(|made| Some((made, target.strip_prefix(&made.target).ok()?)))
        else {
            return Ok(());
        };
        let Some(mount) = &below.mount else { return Ok(()) };
        if rest.as_os_str().is_empty() {
            return Ok(());
        }
        let path = below.inner.join(rest);
        mounts::ensure_target(mount.as_fd(), &path, directory).map_err(refuse)
    }

    fn remember(
        &mut self,
        target: &Path,
        mount: &OwnedFd,
        inner: &Path,
        directory: bool,
    ) -> Result<(), SandboxError> {
        let mount = if directory {
            Some(mount.try_clone().map_err(|source| SandboxError::Start { source })?)
        } else {
            None
        };
        self.made.push(Made { target: target.to_owned(), mount, inner: inner.to_owned() });
        Ok(())
    }

    fn masks(&mut self) -> Result<(), SandboxError> {
        if self.step.security == Security::Insecure {
            return Ok(());
        }
        for path in READ_ONLY_PATHS {
            let operation = Operation::ReadOnly { target: inner(Path::new(path))? };
            self.program.push(Stage::Mask { target: path.into() }, operation);
        }
        for path in MASKED {
            let operation = Operation::Mask { target: inner(Path::new(path))? };
            self.program.push(Stage::Mask { target: path.into() }, operation);
        }
        Ok(())
    }

    /// What the process sees around it, and where it stands.
    fn world(&mut self) -> Result<(), SandboxError> {
        let name = c_string(OsStr::new(&self.step.hostname))?;
        self.program.push(Stage::HostName, Operation::HostName { name });
        if self.step.network == Network::None {
            self.program.push(Stage::Loopback, Operation::Loopback);
        }
        self.program.push(Stage::Root, Operation::Pivot);
        let path = c_string(self.step.cwd.as_os_str())?;
        let stage = Stage::WorkingDirectory { path: self.step.cwd.clone() };
        self.program.push(stage, Operation::Directory { path });
        Ok(())
    }

    /// The filter is loaded while the process may still do so without `no_new_privs`, and after everything it forbids.
    fn confinement(&mut self, permitted: Capabilities) -> Result<(), SandboxError> {
        let step = self.step;
        let sandboxed = step.security == Security::Sandbox;
        let capabilities = if sandboxed { granted(step).intersection(permitted) } else { permitted };
        let program = &mut self.program;
        if sandboxed {
            program.push(Stage::Capabilities, Operation::Bounding { keep: capabilities.bits() });
        }
        if step.no_new_privileges {
            program.push(Stage::NoNewPrivileges, Operation::NoNewPrivileges);
        }
        if sandboxed {
            let instructions = seccomp::container_filter(capabilities)?;
            program.push(Stage::Filter, Operation::Filter { instructions });
        }
        let asking = match step.identity {
            Identity::Host => None,
            Identity::Mapped => Some(seccomp::device_filter()?),
            Identity::Emulated => Some(seccomp::owner_filter()?),
        };
        if let Some(instructions) = asking {
            program.push(Stage::Filter, Operation::Listener { instructions });
        }
        for limit in &step.resource_limits {
            let stage = Stage::Limit { name: limit.resource.name() };
            let resource = limit.resource.number();
            // No limit is the largest number.
            let (soft, hard) = (limit.soft.unwrap_or(u64::MAX), limit.hard.unwrap_or(u64::MAX));
            program.push(stage, Operation::Limit { resource, soft, hard });
        }
        let emulated = step.identity == Identity::Emulated;
        if !sandboxed {
            program.push(Stage::Capabilities, Operation::KeepCapabilities);
        }
        if !emulated {
            let groups = Some(step.groups.clone());
            program.push(Stage::Ids, Operation::Ids { uid: step.uid, gid: step.gid, groups });
        }
        if !sandboxed {
            let keep = capabilities.bits();
            program.push(Stage::Capabilities, Operation::AmbientCapabilities { keep });
        }
        if sandboxed && (emulated || step.uid == 0) {
            program.push(Stage::Capabilities, Operation::Capabilities { keep: capabilities.bits() });
        }
        Ok(())
    }
}

/// On the network of the host a step that is root could listen to everything.
fn granted(step: &Step) -> Capabilities {
    match step.network {
        Network::Host => Capabilities::CONTAINER.without(number::NET_RAW),
        Network::None => Capabilities::CONTAINER,
    }
}

/// A pipe belongs to who made it: without this, `echo > /dev/stdout` of another user is refused.
fn give_pipe(descriptor: &OwnedFd, step: &Step) {
    if step.uid == 0 || step.identity == Identity::Emulated {
        return;
    }
    let is_pipe = rustix::fs::fstat(descriptor)
        .is_ok_and(|found| FileType::from_raw_mode(found.st_mode) == FileType::Fifo);
    if is_pipe {
        let (uid, gid) = (rustix::fs::Uid::from_raw(step.uid), rustix::fs::Gid::from_raw(step.gid));
        // A pipe of somebody else stays as it is; writing to the descriptor works all the same.
        let _ = rustix::fs::fchown(descriptor, Some(uid), Some(gid));
    }
}

fn c_string(text: &OsStr) -> Result<CString, SandboxError> {
    CString::new(text.as_bytes()).map_err(|_| SandboxError::ZeroByte { text: text.to_owned() })
}

/// An absolute path of the container, relative to its root.
fn inner(target: &Path) -> Result<CString, SandboxError> {
    let relative = target.strip_prefix("/").map_err(|_| SandboxError::MountTarget {
        target: target.to_owned(),
        source: io::ErrorKind::InvalidInput.into(),
    })?;
    c_string(relative.as_os_str())
}

/// Where a program may be. An empty element of `PATH` would be the working directory, and is left out.
fn candidates(
    name: &OsStr,
    env: &[(std::ffi::OsString, std::ffi::OsString)],
) -> Result<Vec<CString>, SandboxError> {
    if name.as_bytes().contains(&b'/') {
        return Ok(vec![c_string(name)?]);
    }
    // As with getenv, and unlike a map, the first of two counts.
    let path = env.iter().find(|(key, _)| key == "PATH").map_or(&[][..], |(_, value)| value.as_bytes());
    path.split(|byte| *byte == b':')
        .filter(|directory| !directory.is_empty() && !name.is_empty())
        .map(|directory| {
            let mut candidate = directory.to_vec();
            candidate.push(b'/');
            candidate.extend_from_slice(name.as_bytes());
            c_string(&std::ffi::OsString::from_vec(candidate))
        })
        .collect()
}

#[cfg(test)]
mod tests;
