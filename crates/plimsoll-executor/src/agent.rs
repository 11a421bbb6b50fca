//! Agents of ssh, reached through a socket of the step's own.
//!
//! The caller's socket belongs to the caller, and its agent answers nobody else. A step's socket has the owner and the mode
//! that the mount asks for; what comes over it is passed on by this process, which is the caller's.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use plimsoll_layer::Owners;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{Gid, Mode, Uid};

mod keys;
mod openssh;

pub use keys::{SshKeyError, SshKeys};

/// Who signs.
#[derive(Clone, Debug)]
pub enum SshAgent {
    /// The agent that listens at a socket.
    Socket(PathBuf),
    /// Keys that this process has.
    Keys(Arc<SshKeys>),
}

/// A socket that leads to an agent until this is dropped.
#[derive(Debug)]
pub struct Passage {
    stop: Option<OwnedFd>,
    thread: Option<JoinHandle<()>>,
}

impl Passage {
    /// Listens at `path` for connections, and passes each on to `agent`.
    pub fn open(
        path: &Path,
        agent: SshAgent,
        mode: u32,
        owner: (u32, u32),
        owners: Owners,
    ) -> io::Result<Self> {
        let listener = bind(path)?;
        if owners == Owners::Real {
            let (uid, gid) = owner;
            rustix::fs::chown(path, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))?;
        }
        rustix::fs::chmod(path, Mode::from_raw_mode(mode & 0o777))?;
        let (stopped, stop) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
        let serve = move || {
            loop {
                let mut ready = [PollFd::new(&listener, PollFlags::IN), PollFd::new(&stopped, PollFlags::IN)];
                match poll(&mut ready, None) {
                    Err(rustix::io::Errno::INTR) => continue,
                    Err(_) => return,
                    Ok(_) if !ready[1].revents().is_empty() => return,
                    Ok(_) => {}
                }
                if let Ok((theirs, _)) = listener.accept() {
                    let agent = agent.clone();
                    // Ends with the connection, whose other end is in the step.
                    std::thread::spawn(move || match agent {
                        SshAgent::Socket(agent) => connect(theirs, &agent),
                        SshAgent::Keys(keys) => keys.serve(theirs),
                    });
                }
            }
        };
        let thread = std::thread::Builder::new().name("ssh agent".to_owned()).spawn(serve)?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It ends at once: its pipe is closed.
            let _ended = thread.join();
        }
    }
}

/// A socket's address is short; a path that is too long for one is reached through its directory.
fn bind(path: &Path) -> io::Result<UnixListener> {
    use std::os::fd::AsRawFd;
    const LONGEST: usize = 100;
    if path.as_os_str().len() < LONGEST {
        return UnixListener::bind(path);
    }
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let directory = std::fs::File::open(directory)?;
    UnixListener::bind(Path::new(&format!("/proc/self/fd/{}", directory.as_raw_fd())).join(name))
}

/// Passes one conversation on. An agent that is gone ends it.
fn connect(theirs: UnixStream, agent: &Path) {
    let Ok(ours) = UnixStream::connect(agent) else { return };
    let (Ok(from_theirs), Ok(to_ours)) = (theirs.try_clone(), ours.try_clone()) else { return };
    let questions = std::thread::spawn(move || pass(from_theirs, to_ours));
    pass(ours, theirs);
    let _ended = questions.join();
}

/// Copies to the end, and passes that on too.
fn pass(mut from: UnixStream, mut to: UnixStream) {
    let mut buffer = [0; 16 << 10];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    // Either side may be gone already.
    let _gone = to.shutdown(Shutdown::Write);
    let _gone = from.shutdown(Shutdown::Read);
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_is_said_reaches_the_agent_and_comes_back() {
        let directory = tempfile::tempdir().unwrap();
        let long = directory.path().join("a".repeat(120));
        std::fs::create_dir(&long).unwrap();
        let agent = directory.path().join("agent");
        let listener = UnixListener::bind(&agent).unwrap();
        let echo = std::thread::spawn(move || {
            for _ in 0..2 {
                let (mut connection, _) = listener.accept().unwrap();
                let mut text = String::new();
                connection.read_to_string(&mut text).unwrap();
                connection.write_all(text.to_uppercase().as_bytes()).unwrap();
            }
        });
        let path = long.join("socket");
        let passage = Passage::open(&path, SshAgent::Socket(agent), 0o620, (0, 0), Owners::Recorded).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o620);
        let there = std::fs::File::open(&long).unwrap();
        let short = format!("/proc/self/fd/{}/socket", std::os::fd::AsRawFd::as_raw_fd(&there));
        for _ in 0..2 {
            let mut connection = UnixStream::connect(&short).unwrap();
            connection.write_all(b"question").unwrap();
            connection.shutdown(Shutdown::Write).unwrap();
            let mut answer = String::new();
            connection.read_to_string(&mut answer).unwrap();
            assert_eq!(answer, "QUESTION");
        }
        echo.join().unwrap();
        drop(passage);
        assert!(UnixStream::connect(&short).is_err());
    }
}
