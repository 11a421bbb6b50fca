//! One copy of the program in a user namespace.
//!
//! The copy is told what it is by its arguments: give it [`copy_marker`] as the first one and look for it with
//! [`copy_identity`] at the start of `main`. Inside it is root of its namespace and has mounts of its own.

use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, Signal, pidfd_send_signal};

use crate::child::{ExitStatus, wait_pidfd};
use crate::error::{NoEntry, SandboxError, Stage};
use crate::ladder::{Facts, Ladder, Obstacle, Rung};
use crate::program::{Operation, Program};
use crate::step::Identity;
use crate::subordinate::map_arguments;
use crate::sys::signals::Signals;
use crate::sys::spawn::{Pending, Started};

const MARKER: &str = "--in-user-namespace=";

/// What the copy is started with.
#[derive(Debug)]
pub struct Enter {
    /// The program, usually `/proc/self/exe`.
    pub program: PathBuf,
    /// All arguments, the name of the program first. Put [`copy_marker`] second.
    pub argv: Vec<OsString>,
    /// The whole environment.
    pub env: Vec<(OsString, OsString)>,
    /// Descriptors the copy gets, each with its number there. Standard input, output and error are kept as they are.
    pub descriptors: Vec<(OwnedFd, RawFd)>,
}

/// The argument that tells a copy that it is one.
pub fn copy_marker(identity: Identity) -> OsString {
    let name = match identity {
        Identity::Host => "host",
        Identity::Mapped => "mapped",
        Identity::Emulated => "emulated",
    };
    format!("{MARKER}{name}").into()
}

/// What an argument says about the process: how ids are mapped if it is a copy, nothing otherwise.
pub fn copy_identity(argument: &OsStr) -> Option<Identity> {
    match argument.to_str()?.strip_prefix(MARKER)? {
        "mapped" => Some(Identity::Mapped),
        "emulated" => Some(Identity::Emulated),
        _ => None,
    }
}

/// Makes the root of a copy's namespace a plain user again, whose id is `uid`, as it is outside: programs that ask who they
/// are for then find that user's home and files. Call it at the start of a program, before any thread, in front of `exec`.
pub fn become_user(uid: u32) -> io::Result<()> {
    crate::sys::user::enter_as(uid)
}

/// Starts one copy of the program in a user namespace, passes signals on to it, and gives how it ended.
///
/// The copy stays in the caller's session and process group, so that the terminal's signals reach it by themselves; a
/// signal that a process sends to the caller is sent on. The copy dies with the caller. While this runs, handlers of
/// INT, TERM, HUP, QUIT, USR1, USR2 and WINCH are replaced.
pub fn enter(ladder: &Ladder, copy: Enter) -> Result<ExitStatus, SandboxError> {
    let reason = match ladder.rung {
        Rung::Root => Some(NoEntry::Root),
        Rung::Unavailable => Some(NoEntry::Unavailable),
        Rung::SubordinateIds { .. } | Rung::SingleId => None,
    };
    if let Some(reason) = reason {
        return Err(SandboxError::NothingToEnter { reason });
    }
    let signals = Signals::new().map_err(|source| SandboxError::Start { source })?;
    let started = start_copy(ladder, copy)?;
    wait_and_forward(&started, &signals)
}

fn start_copy(ladder: &Ladder, copy: Enter) -> Result<Started, SandboxError> {
    let failed = |source: io::Error| SandboxError::Start { source };
    let (wait_for, ready) =
        rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).map_err(|errno| failed(errno.into()))?;
    let mut program = namespace_program(wait_for, libc::CLONE_NEWUSER | libc::CLONE_NEWNS);
    program.candidates = vec![c_string(copy.program.as_os_str())?];
    program.argv = copy.argv.iter().map(|text| c_string(text)).collect::<Result<_, _>>()?;
    for (key, value) in &copy.env {
        let mut entry = key.clone();
        entry.push("=");
        entry.push(value);
        program.env.push(c_string(&entry)?);
    }
    let first_free = copy.descriptors.iter().map(|(_, target)| target + 1).fold(3, RawFd::max);
    let mut pairs = Vec::with_capacity(copy.descriptors.len());
    for (descriptor, target) in copy.descriptors {
        let high =
            rustix::io::fcntl_dupfd_cloexec(&descriptor, first_free).map_err(|errno| failed(errno.into()))?;
        pairs.push((high.as_raw_fd(), target));
        program.descriptors.push(high);
    }
    let close_from = first_free.cast_unsigned();
    program.push(Stage::Descriptors, Operation::Descriptors { pairs, close_from });
    program.push(Stage::PrivateMounts, Operation::PrivateMounts);
    let groups = matches!(ladder.rung, Rung::SubordinateIds { .. }).then(Vec::new);
    program.push(Stage::Ids, Operation::Ids { uid: 0, gid: 0, groups });
    let pending = Pending::begin(program).map_err(refused)?;
    if let Err(error) = write_maps(pending.pid, &ladder.rung, &ladder.facts) {
        pending.abandon();
        return Err(error);
    }
    rustix::io::write(&ready, &[1]).map_err(|errno| failed(errno.into()))?;
    pending.finish()
}

/// The beginning of every program of a new user namespace: wait for the maps.
fn namespace_program(wait_for: OwnedFd, namespaces: i32) -> Program {
    let mut program = Program {
        operations: Vec::new(),
        candidates: Vec::new(),
        argv: Vec::new(),
        env: Vec::new(),
        namespaces: u64::from(namespaces.cast_unsigned()),
        descriptors: Vec::new(),
    };
    program.push(Stage::ParentDeathSignal, Operation::ParentDeathSignal);
    program.push(Stage::AwaitMap, Operation::Signals);
    program.push(Stage::AwaitMap, Operation::AwaitByte { from: wait_for.as_raw_fd() });
    program.descriptors.push(wait_for);
    program
}

/// A clone that fails failed because of the user namespace.
fn refused(error: SandboxError) -> SandboxError {
    match error {
        SandboxError::Start { source } => SandboxError::UserNamespace { source },
        other => other,
    }
}

fn write_maps(pid: Pid, rung: &Rung, facts: &Facts) -> Result<(), SandboxError> {
    match rung {
        Rung::SubordinateIds { uids, gids } => {
            let mappers = [
                (&facts.newuidmap, map_arguments(facts.user_id, uids)),
                (&facts.newgidmap, map_arguments(facts.group_id, gids)),
            ];
            for (program, arguments) in mappers {
                let program = program
                    .as_deref()
                    .ok_or(SandboxError::NothingToEnter { reason: NoEntry::Unavailable })?;
                run_mapper(program, pid, &arguments)?;
            }
            Ok(())
        }
        _ => write_single_map(pid, facts.user_id, facts.group_id),
    }
}

fn run_mapper(program: &Path, pid: Pid, arguments: &[String]) -> Result<(), SandboxError> {
    let output = Command::new(program)
        .arg(pid.as_raw_nonzero().to_string())
        .args(arguments)
        .env_clear()
        .stdin(Stdio::null())
        .output()
        .map_err(|source| SandboxError::MapperStart { program: program.to_owned(), source })?;
    if output.status.success() {
        return Ok(());
    }
    let output = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(SandboxError::MapperRefused { program: program.to_owned(), output })
}

fn write_single_map(pid: Pid, uid: u32, gid: u32) -> Result<(), SandboxError> {
    let files = [
        ("setgroups", "deny".to_owned()),
        ("uid_map", format!("0 {uid} 1")),
        ("gid_map", format!("0 {gid} 1")),
    ];
    for (name, text) in files {
        let path = PathBuf::from(format!("/proc/{}/{name}", pid.as_raw_nonzero()));
        // One write with the whole map is what the kernel takes.
        std::fs::write(&path, text).map_err(|source| SandboxError::IdMap { path, source })?;
    }
    Ok(())
}

fn wait_and_forward(started: &Started, signals: &Signals) -> Result<ExitStatus, SandboxError> {
    loop {
        let mut polled = [
            PollFd::new(&started.pidfd, PollFlags::IN),
            PollFd::from_borrowed_fd(signals.readable(), PollFlags::IN),
        ];
        match poll(&mut polled, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(SandboxError::Wait { source: errno.into() }),
        }
        let ended = !polled[0].revents().is_empty();
        while let Some(signal) = signals.next() {
            if let Some(signal) = Signal::from_named_raw(signal) {
                // It may have ended in between.
                let _ = pidfd_send_signal(&started.pidfd, signal);
            }
        }
        if ended {
            return wait_pidfd(started.pidfd.as_fd()).map_err(|source| SandboxError::Wait { source });
        }
    }
}

/// Makes a user namespace with a single id and mounts an overlay and a `/proc` in it; nothing is left of it.
pub(crate) fn probe(uid: u32, gid: u32) -> Result<(), Obstacle> {
    let unknown = |source: io::Error| Obstacle::Refused { source };
    let (wait_for, ready) =
        rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).map_err(|errno| unknown(errno.into()))?;
    let namespaces = libc::CLONE_NEWUSER | libc::CLONE_NEWNS | libc::CLONE_NEWPID | libc::CLONE_NEWIPC;
    let mut program = namespace_program(wait_for, namespaces);
    program.push(Stage::Ids, Operation::Ids { uid: 0, gid: 0, groups: None });
    program.push(Stage::PrivateMounts, Operation::PrivateMounts);
    program.push(Stage::Overlay, Operation::ProbeOverlay);
    program.push(Stage::Proc, Operation::ProbeProc);
    program.push(Stage::Execute, Operation::Stop);
    let outcome = Pending::begin(program).and_then(|pending| {
        if let Err(error) = write_single_map(pending.pid, uid, gid) {
            pending.abandon();
            return Err(error);
        }
        let written = rustix::io::write(&ready, &[1]);
        let started = pending.finish()?;
        wait_pidfd(started.pidfd.as_fd()).map_err(|source| SandboxError::Wait { source })?;
        written.map(drop).map_err(|errno| SandboxError::Start { source: errno.into() })
    });
    outcome.map_err(|error| match error {
        SandboxError::Prepare { stage, source } => Obstacle::RefusedInside { stage, source },
        SandboxError::Start { source } | SandboxError::IdMap { source, .. } => unknown(source),
        _ => unknown(io::ErrorKind::Other.into()),
    })
}

fn c_string(text: &OsStr) -> Result<CString, SandboxError> {
    CString::new(text.as_bytes()).map_err(|_| SandboxError::ZeroByte { text: text.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_says_how_ids_are_mapped() {
        for identity in [Identity::Mapped, Identity::Emulated] {
            assert_eq!(copy_identity(&copy_marker(identity)), Some(identity));
        }
        assert_eq!(copy_identity(OsStr::new("build")), None);
        assert_eq!(copy_identity(&copy_marker(Identity::Host)), None);
    }
}
