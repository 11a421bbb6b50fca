//! Steps on a real kernel.
//!
//! Most tests need root, a static busybox and a Debian-like system; the ones for plain users make users of their own.
//! What cannot be had is said loudly; with `CI` set it is a failure.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "helpers of tests are tests")]

mod control;
mod isolation;
mod limits;
mod mounts;
mod process;
mod rootless;
mod support;
mod terminal;
