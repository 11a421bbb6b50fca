//! The only unsafe code: raw system calls, and the child between clone and exec.
//!
//! Why it is needed: no safe interface has `clone3`, `mount_setattr`, seccomp with a listener, or a fork whose child
//! is known to take no lock. Why it is sound: each block says so.
#![expect(
    unsafe_code,
    reason = "raw system calls, and the child between clone and exec, have no safe interface"
)]

pub(crate) mod child;
pub(crate) mod mount;
pub(crate) mod notify;
pub(crate) mod raw;
pub(crate) mod signals;
pub(crate) mod spawn;
pub(crate) mod user;
