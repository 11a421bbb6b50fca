//! Owners, devices and ids for a step that has a single id; devices for every step in a user namespace.
//!
//! A thread answers the calls the step's filter asks about. Owner changes succeed: the wanted owner is kept with the
//! inode, as the extended attribute [`OWNER_XATTR`] of regular files and directories, so that it follows renames and is
//! copied up by overlay; other types take no such attribute and go into the [`OwnerTable`] by path. Device nodes become
//! empty regular files with [`DEVICE_XATTR`]. The answered call has a real part too: an owner change to id 0, which
//! makes overlay copy the file up and clears set-user-ID bits as the kernel does.
//!
//! `stat` is not answered: a program sees everything owned by 0.
//!
//! The thread has no more rights than the step: memory that a process changes while it is read can only make the
//! thread do what the process could have asked for anyway. What must not happen is acting for another process that got
//! the number of one that died, which is why the question is checked again after `/proc` entries are opened
//! (`seccomp_unotify(2)`, "NOTES").

mod files;
mod identities;

use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::thread::JoinHandle;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{CWD, Mode, OFlags};
use rustix::process::Pid;

use crate::child::OwnerTable;
use crate::emulate::files::Files;
use crate::emulate::identities::Identities;
use crate::error::SandboxError;
use crate::seccomp::{Question, question};
use crate::step::Step;
use crate::sys::notify::{self, Answer, Notification};
use crate::sys::spawn::Asking;

/// Extended attribute of a regular file or directory whose owner is not the one on disk: `uid:gid`, decimal. Without
/// it the owner is 0:0. The layer writer reads it and leaves it out; the unpacker sets it.
pub const OWNER_XATTR: &str = "user.plimsoll.owner";

/// Extended attribute of an empty regular file that stands for a device node: `c:major:minor` or `b:major:minor`,
/// decimal. The mode is that of the file.
pub const DEVICE_XATTR: &str = "user.plimsoll.device";

/// The thread that answers.
#[derive(Debug)]
pub(crate) struct Supervisor {
    thread: JoinHandle<OwnerTable>,
    upper: PathBuf,
}

impl Supervisor {
    /// Starts answering for the step whose first process is `pid`.
    pub(crate) fn start(asking: Asking, pid: Pid, step: &Step) -> Result<Self, SandboxError> {
        let failed = |source: std::io::Error| SandboxError::Start { source };
        let proc = rustix::fs::openat(
            CWD,
            "/proc",
            OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )
        .map_err(|errno| failed(errno.into()))?;
        let first = pid.as_raw_nonzero().get().unsigned_abs();
        let mut identities = Identities::new(proc.try_clone().map_err(failed)?);
        let files = Files::new(proc, asking.root).map_err(failed)?;
        // With mapped ids nothing about ids is asked.
        if step.uid != 0 || step.gid != 0 || !step.groups.is_empty() {
            identities.set_first(first, step.uid, step.gid, &step.groups);
        }
        let mut worker = Worker { listener: asking.listener, files, identities };
        let thread = std::thread::Builder::new()
            .name("plimsoll-owners".into())
            .spawn(move || {
                worker.run();
                worker.files.into_table()
            })
            .map_err(failed)?;
        Ok(Self { thread, upper: step.upper.clone() })
    }

    /// Waits until every process of the step has ended and gives what was recorded.
    pub(crate) fn finish(self) -> OwnerTable {
        let mut table = self.thread.join().unwrap_or_default();
        // Not in the thread, whose root is that of the step.
        files::forget_missing(&mut table, &self.upper);
        table
    }
}

struct Worker {
    listener: OwnedFd,
    files: Files,
    identities: Identities,
}

impl Worker {
    /// Answers until no process has the filter any more.
    fn run(&mut self) {
        if notify::unshare_directories().is_err() {
            // Without directories of its own the thread would move the whole program. Closing the listener makes
            // every question fail with ENOSYS, which the step sees.
            return;
        }
        loop {
            let mut polled = [PollFd::new(&self.listener, PollFlags::IN)];
            match poll(&mut polled, None) {
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => continue,
                Err(_) => return,
            }
            let events = polled[0].revents();
            if events.contains(PollFlags::IN) {
                // ENOENT: who asked was killed in between.
                if let Ok(asked) = notify::receive(self.listener.as_fd()) {
                    let answer = self.consider(&asked);
                    let _ = notify::answer(self.listener.as_fd(), asked.id, answer);
                }
            } else if !events.is_empty() {
                return;
            }
        }
    }

    fn consider(&mut self, asked: &Notification) -> Answer {
        let Some((what, narrow)) = question(asked.processor, asked.number) else {
            return Answer::Continue;
        };
        if is_whiteout(what, asked.arguments) {
            // What overlay uses itself: the kernel has its own answer.
            return Answer::Continue;
        }
        let valid = || notify::still_valid(self.listener.as_fd(), asked.id);
        match what {
            Question::Chown
            | Question::LinkChown
            | Question::DescriptorChown
            | Question::ChownAt
            | Question::MakeNode
            | Question::MakeNodeAt => match self.files.answer(what, narrow, asked, &valid) {
                Ok(()) => Answer::Value(0),
                Err(errno) => Answer::Error(errno.raw_os_error()),
            },
            _ => self.identities.answer(what, narrow, asked),
        }
    }
}

/// Whether a device node is asked for that has the number of no device.
fn is_whiteout(what: Question, arguments: [u64; 6]) -> bool {
    let device = match what {
        Question::MakeNode => arguments[2],
        Question::MakeNodeAt => arguments[3],
        _ => return false,
    };
    device.trailing_zeros() >= u32::BITS
}
