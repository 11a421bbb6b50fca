//! A running step: waiting, killing, and the owners it asked for.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, pidfd_send_signal, waitid};

use crate::control::ControlGroup;
use crate::emulate::Supervisor;
use crate::error::SandboxError;
use crate::layout::Streams;
use crate::step::{Stdio, Step};

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    /// It exited with this code.
    Code(i32),
    /// This signal ended it. A step of a user other than root that may gain privileges gives
    /// [`ExitStatus::Code`] with 128 and the signal's number instead, unless the builder killed it.
    Signal(i32),
}

impl ExitStatus {
    /// The code a shell gives: 128 and the signal's number for a signal.
    pub fn code(self) -> i32 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => 128 + signal,
        }
    }

    /// Whether the process exited with code 0.
    pub fn success(self) -> bool {
        self == Self::Code(0)
    }
}

/// A device node a step asked for and could not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Device {
    /// Whether it is a block device.
    pub block: bool,
    /// Major number.
    pub major: u32,
    /// Minor number.
    pub minor: u32,
}

/// Owners and devices that the file system could not take, by path relative to the root.
///
/// Regular files and directories carry theirs themselves: see [`OWNER_XATTR`](crate::OWNER_XATTR) and
/// [`DEVICE_XATTR`](crate::DEVICE_XATTR).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnerTable {
    /// User and group id of symbolic links, sockets and pipes.
    pub owners: BTreeMap<PathBuf, (u32, u32)>,
    /// Device nodes; an empty regular file stands in the layer.
    pub devices: BTreeMap<PathBuf, Device>,
}

/// A running step. Dropping it kills and reaps it.
#[derive(Debug)]
pub struct Child {
    pid: Pid,
    pidfd: OwnedFd,
    status: Option<ExitStatus>,
    supervisor: Option<Supervisor>,
    /// Removed when this is dropped, which is behind the end of the process.
    group: Option<ControlGroup>,
}

impl Child {
    /// Becomes readable when the process has ended.
    pub fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    /// Process id in the builder's pid namespace.
    pub fn id(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Waits until the process, and with it everything it started, has ended.
    pub fn wait(&mut self) -> Result<ExitStatus, SandboxError> {
        if let Some(status) = self.status {
            return Ok(status);
        }
        let status = wait_pidfd(self.pidfd.as_fd()).map_err(|source| SandboxError::Wait { source })?;
        self.status = Some(status);
        Ok(status)
    }

    /// Ends the process, and with it everything it started, at once. Nothing happens if it has ended.
    pub fn kill(&self) {
        if self.status.is_none() {
            // The only possible failure is that there is no such process any more.
            let _ = pidfd_send_signal(&self.pidfd, Signal::KILL);
        }
    }

    /// Whether the kernel ended a process because the step's limit of memory was reached. Never without such a limit.
    pub fn ran_out_of_memory(&self) -> bool {
        self.group.as_ref().is_some_and(ControlGroup::ran_out_of_memory)
    }

    /// Owners and devices recorded with [`Identity::Emulated`](crate::Identity::Emulated); empty otherwise. Waits for
    /// the process.
    pub fn owners(mut self) -> Result<OwnerTable, SandboxError> {
        self.wait()?;
        Ok(self.supervisor.take().map_or_else(OwnerTable::default, Supervisor::finish))
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.status.is_none() {
            self.kill();
            let _ = wait_pidfd(self.pidfd.as_fd());
        }
    }
}

/// Waits for the process behind a pidfd and reaps it.
pub(crate) fn wait_pidfd(pidfd: BorrowedFd<'_>) -> std::io::Result<ExitStatus> {
    loop {
        match waitid(WaitId::PidFd(pidfd), WaitIdOptions::EXITED) {
            Ok(Some(status)) => {
                if let Some(code) = status.exit_status() {
                    return Ok(ExitStatus::Code(code));
                }
                if let Some(signal) = status.terminating_signal() {
                    return Ok(ExitStatus::Signal(signal));
                }
            }
            Ok(None) | Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// Compiles the step, starts it, and waits until its program runs.
pub(crate) fn spawn(step: &Step, stdio: Stdio) -> Result<Child, SandboxError> {
    start(step, Streams::Given(stdio)).map(|(child, _)| child)
}

/// The same with a terminal of its own.
pub(crate) fn spawn_in_terminal(step: &Step) -> Result<(Child, OwnedFd), SandboxError> {
    let (child, terminal) = start(step, Streams::Terminal)?;
    Ok((child, terminal.ok_or(SandboxError::Lost)?))
}

fn start(step: &Step, streams: Streams) -> Result<(Child, Option<OwnedFd>), SandboxError> {
    let group = ControlGroup::create(&step.control_limits)?;
    let doors = group.as_ref().map_or_else(|| Ok(Vec::new()), ControlGroup::doors)?;
    let program = crate::layout::compile(step, streams, doors)?;
    let started = crate::sys::spawn::start(program)?;
    let supervisor = started.asking.map(|asking| Supervisor::start(asking, started.pid, step)).transpose()?;
    let child = Child { pid: started.pid, pidfd: started.pidfd, status: None, supervisor, group };
    Ok((child, started.terminal))
}
