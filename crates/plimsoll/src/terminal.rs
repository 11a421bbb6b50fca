//! This process's terminal, joined to that of a step.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use plimsoll_sandbox::{Child, ExitStatus, SandboxError};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr, tcsetwinsize};

/// The terminal as it was, put back when this is dropped.
struct Raw<'t> {
    terminal: BorrowedFd<'t>,
    before: Termios,
}

impl<'t> Raw<'t> {
    /// Passes every key on as it is typed, interrupts included: they are for the step.
    fn new(terminal: BorrowedFd<'t>) -> io::Result<Self> {
        let before = tcgetattr(terminal)?;
        let mut raw = before.clone();
        raw.make_raw();
        // What was typed ahead stays.
        tcsetattr(terminal, OptionalActions::Now, &raw)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Raw<'_> {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing.
        let _gone = tcsetattr(self.terminal, OptionalActions::Flush, &self.before);
    }
}

/// Serves the other end of a step's terminal until the step has ended.
pub(crate) fn serve(child: &mut Child, theirs: &OwnedFd) -> Result<ExitStatus, SandboxError> {
    let joined = join(child, theirs);
    if joined.is_err() {
        child.kill();
    }
    let status = child.wait()?;
    joined.map_err(|source| SandboxError::Start { source })?;
    Ok(status)
}

fn join(child: &Child, theirs: &OwnedFd) -> io::Result<()> {
    let (input, output) = (io::stdin(), io::stdout());
    let (input, output) = (input.as_fd(), output.as_fd());
    let resized = Arc::new(AtomicBool::new(true));
    let signal = signal_hook::flag::register(signal_hook::consts::SIGWINCH, Arc::clone(&resized))?;
    let raw = Raw::new(input)?;
    let result = copy(child, theirs, input, output, &resized);
    drop(raw);
    signal_hook::low_level::unregister(signal);
    result
}

fn copy(
    child: &Child,
    theirs: &OwnedFd,
    input: BorrowedFd<'_>,
    output: BorrowedFd<'_>,
    resized: &AtomicBool,
) -> io::Result<()> {
    let mut buffer = [0; 16 << 10];
    let mut input_open = true;
    loop {
        if resized.swap(false, Ordering::Relaxed)
            && let Ok(size) = tcgetwinsize(output)
        {
            tcsetwinsize(theirs, size)?;
        }
        let typed = if input_open { PollFlags::IN } else { PollFlags::empty() };
        let mut ready = [
            PollFd::new(theirs, PollFlags::IN),
            PollFd::from_borrowed_fd(input, typed),
            PollFd::from_borrowed_fd(child.pidfd(), PollFlags::IN),
        ];
        match poll(&mut ready, None) {
            // A change of size interrupts the wait.
            Err(rustix::io::Errno::INTR) => continue,
            result => result.map(drop)?,
        }
        let [shown, typed, ended] = ready.map(|one| !one.revents().is_empty());
        if shown {
            match rustix::io::read(theirs, &mut buffer) {
                Ok(read @ 1..) => write(output, &buffer[..read])?,
                Err(rustix::io::Errno::INTR) => {}
                // Nobody has the other end any more.
                Ok(_) | Err(_) => return Ok(()),
            }
        } else if ended {
            // Everything that was written before the end has been shown.
            return Ok(());
        }
        if typed {
            match rustix::io::read(input, &mut buffer) {
                Ok(read @ 1..) => write(theirs.as_fd(), &buffer[..read])?,
                Err(rustix::io::Errno::INTR) => {}
                Ok(_) | Err(_) => input_open = false,
            }
        }
    }
}

fn write(to: BorrowedFd<'_>, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(to, bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(())
}

/// Keeps a key from stopping this process, for as long as this lives.
pub(crate) struct NoStop {
    before: Option<Termios>,
}

impl NoStop {
    /// Standard input as it is now, without a key that stops. Nothing happens where it is no terminal.
    pub(crate) fn new() -> Self {
        let Ok(before) = tcgetattr(io::stdin()) else { return Self { before: None } };
        let mut without = before.clone();
        without.special_codes[rustix::termios::SpecialCodeIndex::VSUSP] = 0;
        let set = tcsetattr(io::stdin(), OptionalActions::Now, &without);
        Self { before: set.is_ok().then_some(before) }
    }
}

impl Drop for NoStop {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // A terminal that is gone needs nothing.
            let _gone = tcsetattr(io::stdin(), OptionalActions::Now, before);
        }
    }
}

/// Reads one line as it is typed; none at the end.
pub(crate) fn line() -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let mut byte = [0];
    loop {
        match io::stdin().lock().read(&mut byte) {
            Ok(0) => return Ok((!line.is_empty()).then_some(line)),
            Ok(_) if byte == *b"\n" => return Ok(Some(line)),
            Ok(_) => line.extend(byte),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Shows a text at once.
pub(crate) fn show(text: &[u8]) -> io::Result<()> {
    let mut output = io::stdout().lock();
    output.write_all(text)?;
    output.flush()
}
