//! `mount_setattr`, which rustix lacks.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};

use super::raw::{Errno, call};

pub(crate) const READ_ONLY: u64 = 0x1;
pub(crate) const NO_SUID: u64 = 0x2;
pub(crate) const NO_DEVICES: u64 = 0x4;
pub(crate) const NO_EXECUTION: u64 = 0x8;

/// `struct mount_attr` of `mount_setattr(2)`.
#[repr(C)]
struct MountAttributes {
    set: u64,
    clear: u64,
    propagation: u64,
    user_namespace: u64,
}

/// Adds attributes to the mount behind a descriptor; to those below it too when `recursive`.
pub(super) fn add_attributes(mount: RawFd, attributes: u64, recursive: bool) -> Result<(), Errno> {
    let value = MountAttributes { set: attributes, clear: 0, propagation: 0, user_namespace: 0 };
    let flags = libc::AT_EMPTY_PATH | if recursive { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: the path is a constant, the structure is alive and of the size given.
    unsafe {
        call!(SYS_mount_setattr, mount, c"", flags, &raw const value, std::mem::size_of::<MountAttributes>())
    }?;
    Ok(())
}

/// As [`add_attributes`], for the parent.
pub(crate) fn restrict(mount: BorrowedFd<'_>, attributes: u64, recursive: bool) -> io::Result<()> {
    add_attributes(mount.as_raw_fd(), attributes, recursive).map_err(io::Error::from_raw_os_error)
}
