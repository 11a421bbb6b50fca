//! Questions of a seccomp listener, and the memory of who asks: `seccomp_unotify(2)`,
//! `process_vm_readv(2)`.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use super::raw::call;

/// `_IOWR('!', 0, struct seccomp_notif)`.
const RECEIVE: u64 = 0xc050_2100;
/// `_IOWR('!', 1, struct seccomp_notif_resp)`.
const SEND: u64 = 0xc018_2101;
/// `_IOW('!', 2, __u64)`.
const STILL_VALID: u64 = 0x4008_2102;
const FLAG_CONTINUE: u32 = 1;

/// A system call that waits for an answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Notification {
    pub(crate) id: u64,
    /// The thread, in the pid namespace of who reads this.
    pub(crate) thread: u32,
    pub(crate) number: u32,
    pub(crate) processor: u32,
    pub(crate) arguments: [u64; 6],
}

/// `struct seccomp_notif`, with room for what later kernels add.
#[repr(C)]
struct RawNotification {
    id: u64,
    pid: u32,
    flags: u32,
    number: i32,
    processor: u32,
    instruction_pointer: u64,
    arguments: [u64; 6],
    room: [u64; 32],
}

/// `struct seccomp_notif_resp`, with room for what later kernels read.
#[repr(C)]
struct RawAnswer {
    id: u64,
    value: i64,
    error: i32,
    flags: u32,
    room: [u64; 32],
}

/// What a call gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It returns this.
    Value(i64),
    /// It fails with this error number.
    Error(i32),
    /// The kernel does it.
    Continue,
}

/// Takes the next question.
pub(crate) fn receive(listener: BorrowedFd<'_>) -> io::Result<Notification> {
    let mut raw = RawNotification {
        id: 0,
        pid: 0,
        flags: 0,
        number: 0,
        processor: 0,
        instruction_pointer: 0,
        arguments: [0; 6],
        room: [0; 32],
    };
    // SAFETY: the structure is alive, zeroed as the kernel asks, and at least as large as it fills.
    unsafe { call!(SYS_ioctl, listener.as_raw_fd(), RECEIVE, &raw mut raw) }
        .map_err(io::Error::from_raw_os_error)?;
    Ok(Notification {
        id: raw.id,
        thread: raw.pid,
        number: raw.number.cast_unsigned(),
        processor: raw.processor,
        arguments: raw.arguments,
    })
}

/// Answers a question.
pub(crate) fn answer(listener: BorrowedFd<'_>, id: u64, answer: Answer) -> io::Result<()> {
    let (value, error, flags) = match answer {
        Answer::Value(value) => (value, 0, 0),
        Answer::Error(errno) => (0, -errno, 0),
        Answer::Continue => (0, 0, FLAG_CONTINUE),
    };
    let raw = RawAnswer { id, value, error, flags, room: [0; 32] };
    // SAFETY: the structure is alive and at least as large as the kernel reads.
    unsafe { call!(SYS_ioctl, listener.as_raw_fd(), SEND, &raw const raw) }
        .map(drop)
        .map_err(io::Error::from_raw_os_error)
}

/// Whether who asked still waits: only then what was opened by its number is its own.
pub(crate) fn still_valid(listener: BorrowedFd<'_>, id: u64) -> bool {
    // SAFETY: the id is alive.
    unsafe { call!(SYS_ioctl, listener.as_raw_fd(), STILL_VALID, &raw const id) }.is_ok()
}

/// Reads memory of another process; gives how many bytes there were.
pub(crate) fn read_memory(thread: u32, address: u64, into: &mut [u8]) -> io::Result<usize> {
    let local = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
    let remote = remote(address, into.len());
    // SAFETY: the local part is writable and of the length given; the remote part is checked by the kernel.
    unsafe { call!(SYS_process_vm_readv, thread, &raw const local, 1, &raw const remote, 1, 0) }
        .map_err(io::Error::from_raw_os_error)
}

/// Writes memory of another process, all of it or nothing that counts.
pub(crate) fn write_memory(thread: u32, address: u64, from: &[u8]) -> io::Result<()> {
    let local = libc::iovec { iov_base: from.as_ptr().cast_mut().cast(), iov_len: from.len() };
    let remote = remote(address, from.len());
    // SAFETY: the local part is only read and of the length given; the remote part is checked by the kernel.
    let written =
        unsafe { call!(SYS_process_vm_writev, thread, &raw const local, 1, &raw const remote, 1, 0) }
            .map_err(io::Error::from_raw_os_error)?;
    if written == from.len() { Ok(()) } else { Err(io::Error::from_raw_os_error(libc::EFAULT)) }
}

#[expect(clippy::cast_possible_truncation, reason = "addresses have 64 bits on both targets")]
fn remote(address: u64, length: usize) -> libc::iovec {
    libc::iovec { iov_base: address as usize as *mut libc::c_void, iov_len: length }
}

/// Gives the calling thread a root and working directory of its own.
pub(crate) fn unshare_directories() -> io::Result<()> {
    // SAFETY: no pointers. Other threads keep the directories they share; this one gets a copy.
    unsafe { call!(SYS_unshare, libc::CLONE_FS) }.map(drop).map_err(io::Error::from_raw_os_error)
}
