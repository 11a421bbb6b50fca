//! Being one's own user again inside of a user namespace.

use std::fs;
use std::io;

use super::raw::call;

/// Puts this process into one more user namespace in which its user has the id `uid`, and its group the id 0.
///
/// Fails in a process with threads.
pub(crate) fn enter_as(uid: u32) -> io::Result<()> {
    // SAFETY: the flags are plain numbers; the kernel refuses the call when there are other threads.
    unsafe { call!(SYS_unshare, libc::CLONE_NEWUSER) }.map_err(io::Error::from_raw_os_error)?;
    for (name, text) in
        [("setgroups", "deny".to_owned()), ("uid_map", format!("{uid} 0 1")), ("gid_map", "0 0 1".to_owned())]
    {
        // One write with the whole map is what the kernel takes.
        fs::write(format!("/proc/self/{name}"), text)?;
    }
    Ok(())
}
