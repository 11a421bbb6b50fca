//! Hearing signals that another process should get.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicI32, Ordering};

use super::raw::call;

/// What is passed on. `SIGWINCH` and the stop signals reach the whole group from the terminal.
const FORWARDED: [i32; 7] =
    [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT, libc::SIGUSR1, libc::SIGUSR2, libc::SIGWINCH];

/// Where the handler writes; -1 when nobody listens.
static PIPE: AtomicI32 = AtomicI32::new(-1);

/// Puts signals that a process sent into a pipe. Signals of the terminal go to the whole group, the copy included, and
/// are dropped here.
pub(crate) struct Signals {
    read: OwnedFd,
    write: OwnedFd,
    before: Vec<(i32, libc::sigaction)>,
}

impl Signals {
    pub(crate) fn new() -> io::Result<Self> {
        let (read, write) =
            rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC | rustix::pipe::PipeFlags::NONBLOCK)?;
        PIPE.store(write.as_raw_fd(), Ordering::SeqCst);
        let mut signals = Self { read, write, before: Vec::new() };
        for signal in FORWARDED {
            // SAFETY: the structures are plain data and alive; the handler only writes to a pipe, which is allowed in
            // a handler.
            unsafe {
                let mut action: libc::sigaction = std::mem::zeroed();
                let mut before: libc::sigaction = std::mem::zeroed();
                action.sa_sigaction =
                    handle as extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void) as usize;
                action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
                if libc::sigaction(signal, &raw const action, &raw mut before) != 0 {
                    return Err(io::Error::last_os_error());
                }
                signals.before.push((signal, before));
            }
        }
        Ok(signals)
    }

    /// Becomes readable when a signal has come.
    pub(crate) fn readable(&self) -> BorrowedFd<'_> {
        self.read.as_fd()
    }

    /// The next signal, if there is one.
    pub(crate) fn next(&self) -> Option<i32> {
        let mut byte = [0u8; 1];
        match rustix::io::read(&self.read, &mut byte) {
            Ok(1) => Some(i32::from(byte[0])),
            _ => None,
        }
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        for (signal, before) in &self.before {
            // SAFETY: the action was given to us by the same call.
            unsafe { libc::sigaction(*signal, before, std::ptr::null_mut()) };
        }
        let _ = PIPE.compare_exchange(self.write.as_raw_fd(), -1, Ordering::SeqCst, Ordering::SeqCst);
    }
}

extern "C" fn handle(signal: i32, information: *mut libc::siginfo_t, _context: *mut libc::c_void) {
    let pipe = PIPE.load(Ordering::SeqCst);
    // SAFETY: the kernel gives a valid structure; the location of errno is that of the interrupted thread, and what
    // was there is put back; one byte that is alive is written.
    unsafe {
        let of_the_kernel = (*information).si_code > 0;
        if pipe < 0 || of_the_kernel {
            return;
        }
        let errno = libc::__errno_location();
        let before = *errno;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "signals are below 65")]
        let byte = signal as u8;
        let _ = call!(SYS_write, pipe, &raw const byte, 1);
        *errno = before;
    }
}
