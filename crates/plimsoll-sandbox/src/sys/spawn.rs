//! Cloning a step from one long-lived thread, and hearing how far it got.

use std::convert::Infallible;
use std::ffi::{CString, c_char};
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, OnceLock, PoisonError};

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SocketFlags, SocketType,
};
use rustix::process::Pid;

use super::child;
use super::raw::call;
use crate::error::{SandboxError, Stage};
use crate::program::Program;

/// A process whose program runs.
pub(crate) struct Started {
    pub(crate) pid: Pid,
    pub(crate) pidfd: OwnedFd,
    /// Given if its filter asks.
    pub(crate) asking: Option<Asking>,
    /// The other end of its terminal, if it has one.
    pub(crate) terminal: Option<OwnedFd>,
}

/// What is needed to answer a filter that asks.
pub(crate) struct Asking {
    /// Where questions arrive.
    pub(crate) listener: OwnedFd,
    /// The root directory of the process.
    pub(crate) root: OwnedFd,
}

/// `struct clone_args` of clone3(2), its first version.
#[repr(C)]
#[derive(Default)]
pub(super) struct CloneArguments {
    pub(super) flags: u64,
    pub(super) pidfd: u64,
    pub(super) child_tid: u64,
    pub(super) parent_tid: u64,
    pub(super) exit_signal: u64,
    pub(super) stack: u64,
    pub(super) stack_size: u64,
    pub(super) tls: u64,
}

/// Strings and the null-terminated array of their addresses that `execve` takes.
pub(super) struct PointerArray {
    pointers: Vec<*const c_char>,
}

impl PointerArray {
    /// The strings must outlive the array.
    pub(super) fn new(strings: &[CString]) -> Self {
        let mut pointers: Vec<_> = strings.iter().map(|text| text.as_ptr()).collect();
        pointers.push(std::ptr::null());
        Self { pointers }
    }

    pub(super) fn as_ptr(&self) -> *const *const c_char {
        self.pointers.as_ptr()
    }
}

/// All signals blocked while this lives, so that no handler of the parent runs in the child.
struct BlockedSignals {
    before: libc::sigset_t,
}

impl BlockedSignals {
    fn new() -> Self {
        // SAFETY: signal sets are plain data; both calls write only to the sets they are given.
        unsafe {
            let mut all: libc::sigset_t = std::mem::zeroed();
            let mut before: libc::sigset_t = std::mem::zeroed();
            libc::sigfillset(&raw mut all);
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
            Self { before }
        }
    }
}

impl Drop for BlockedSignals {
    fn drop(&mut self) {
        // SAFETY: the set was filled by the call that blocked the signals.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.before, std::ptr::null_mut()) };
    }
}

#[expect(unreachable_code, reason = "the child never comes back, and the compiler knows")]
/// Clones the calling thread. The child runs `body`, which must never return, in a copy of this address space.
pub(super) fn clone_process(
    namespaces: u64,
    body: impl FnOnce() -> Infallible,
) -> io::Result<(Pid, OwnedFd)> {
    let mut pidfd: i32 = -1;
    let arguments = CloneArguments {
        flags: namespaces | libc::CLONE_PIDFD as u64,
        pidfd: &raw mut pidfd as u64,
        exit_signal: libc::SIGCHLD as u64,
        ..CloneArguments::default()
    };
    let blocked = BlockedSignals::new();
    // SAFETY: without CLONE_VM the child has its own copy of memory, and with no stack given it goes on on the copy of
    // this one, as after fork. The structure is alive and of the size given. The child only runs `body`.
    let result = unsafe { call!(SYS_clone3, &raw const arguments, std::mem::size_of::<CloneArguments>()) };
    match result {
        Ok(0) => match body() {},
        Ok(pid) => {
            drop(blocked);
            let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidData)?;
            // SAFETY: the kernel has just made this descriptor for us.
            Ok((pid, unsafe { OwnedFd::from_raw_fd(pidfd) }))
        }
        Err(errno) => Err(io::Error::from_raw_os_error(errno)),
    }
}

type Job = Box<dyn FnOnce() + Send>;

/// Runs `work` on the thread that clones all steps of this process, and gives its result.
///
/// The death signal of a child is sent when the *thread* that cloned it ends, so that thread has to live as long as
/// the process does.
fn on_spawner<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    static SPAWNER: OnceLock<Mutex<Option<Sender<Job>>>> = OnceLock::new();
    let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
    let (answer, wait) = channel();
    let job: Job = Box::new(move || {
        // The caller waits for the answer; if it is gone nobody needs it.
        let _ = answer.send(work());
    });
    {
        let mut sender =
            SPAWNER.get_or_init(|| Mutex::new(None)).lock().unwrap_or_else(PoisonError::into_inner);
        if sender.is_none() {
            let (jobs, queue) = channel::<Job>();
            std::thread::Builder::new().name("plimsoll-spawner".into()).spawn(move || {
                for job in queue {
                    job();
                }
            })?;
            *sender = Some(jobs);
        }
        sender.as_ref().ok_or_else(gone)?.send(job).map_err(|_| gone())?;
    }
    wait.recv().map_err(|_| gone())
}

/// What a child sends before it executes its program: how far it got, or that its listener is in this message.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Report {
    /// Index of the operation; the constants are special.
    pub(super) operation: u32,
    pub(super) errno: i32,
}

impl Report {
    pub(super) const EXECUTE: u32 = u32::MAX;
    pub(super) const LISTENER: u32 = u32::MAX - 1;
    pub(super) const TERMINAL: u32 = u32::MAX - 2;

    fn parse(bytes: &[u8]) -> Option<Self> {
        let operation = u32::from_ne_bytes(bytes.get(0..4)?.try_into().ok()?);
        let errno = i32::from_ne_bytes(bytes.get(4..8)?.try_into().ok()?);
        Some(Self { operation, errno })
    }
}

/// A process that has been cloned and has not yet executed its program.
pub(crate) struct Pending {
    pub(crate) pid: Pid,
    pidfd: OwnedFd,
    channel: OwnedFd,
    program: Program,
}

impl Pending {
    /// Clones a process that goes through `program`.
    pub(crate) fn begin(program: Program) -> Result<Self, SandboxError> {
        let failed = |source: io::Error| SandboxError::Start { source };
        let (channel, theirs) =
            rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
                .map_err(|errno| failed(errno.into()))?;
        let (program, cloned) = on_spawner(move || {
            let cloned = {
                let argv = PointerArray::new(&program.argv);
                let env = PointerArray::new(&program.env);
                let report_to = theirs.as_raw_fd();
                clone_process(program.namespaces, || child::run(&program, &argv, &env, report_to))
            };
            (program, cloned)
        })
        .map_err(failed)?;
        let (pid, pidfd) = cloned.map_err(failed)?;
        Ok(Self { pid, pidfd, channel, program })
    }

    /// Waits until the program runs. If it never does, the process is ended and reaped.
    pub(crate) fn finish(self) -> Result<Started, SandboxError> {
        match hear(&self.channel, &self.program) {
            Ok(Heard { asking, terminal }) => {
                Ok(Started { pid: self.pid, pidfd: self.pidfd, asking, terminal })
            }
            Err(error) => {
                self.abandon();
                Err(error)
            }
        }
    }

    /// Ends and reaps the process.
    pub(crate) fn abandon(self) {
        // Either may fail only because the process has ended.
        let _ = rustix::process::pidfd_send_signal(&self.pidfd, rustix::process::Signal::KILL);
        let _ = crate::child::wait_pidfd(self.pidfd.as_fd());
    }
}

/// Starts a compiled step and waits until its program runs.
pub(crate) fn start(program: Program) -> Result<Started, SandboxError> {
    Pending::begin(program)?.finish()
}

/// What a child sent on the way to its program.
#[derive(Default)]
struct Heard {
    asking: Option<Asking>,
    terminal: Option<OwnedFd>,
}

/// Reads reports until the child's end is closed by exec.
fn hear(channel: &OwnedFd, program: &Program) -> Result<Heard, SandboxError> {
    let mut heard = Heard::default();
    loop {
        let mut bytes = [0u8; 8];
        let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let received = rustix::net::recvmsg(
            channel,
            &mut [io::IoSliceMut::new(&mut bytes)],
            &mut ancillary,
            RecvFlags::CMSG_CLOEXEC,
        );
        let length = match received {
            Ok(message) => message.bytes,
            Err(rustix::io::Errno::INTR) => continue,
            Err(errno) => return Err(SandboxError::Start { source: errno.into() }),
        };
        let descriptors: Vec<OwnedFd> = ancillary
            .drain()
            .filter_map(|message| match message {
                RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
                _ => None,
            })
            .flatten()
            .collect();
        if length == 0 {
            return Ok(heard);
        }
        let report = Report::parse(&bytes[..length]).ok_or(SandboxError::Lost)?;
        let mut descriptors = descriptors.into_iter();
        match report.operation {
            Report::LISTENER => {
                let pair = descriptors.next().zip(descriptors.next());
                heard.asking = pair.map(|(listener, root)| Asking { listener, root });
            }
            Report::TERMINAL => heard.terminal = descriptors.next(),
            _ => return Err(explain(report, program)),
        }
    }
}

/// Turns a report into an error.
fn explain(report: Report, program: &Program) -> SandboxError {
    let source = io::Error::from_raw_os_error(report.errno);
    if report.operation == Report::EXECUTE {
        let name = program
            .argv
            .first()
            .map(|name| std::os::unix::ffi::OsStringExt::from_vec(name.as_bytes().to_vec()));
        let name: std::ffi::OsString = name.unwrap_or_default();
        return match report.errno {
            libc::ENOENT | libc::ENOTDIR => SandboxError::ExecutableNotFound { name },
            _ => SandboxError::NotExecutable { name, source },
        };
    }
    let stage = usize::try_from(report.operation)
        .ok()
        .and_then(|index| program.operations.get(index))
        .map_or(Stage::Execute, |labelled| labelled.stage.clone());
    SandboxError::Prepare { stage, source }
}
