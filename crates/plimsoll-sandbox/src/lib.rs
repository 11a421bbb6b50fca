//! Namespaces, id maps, mounts, seccomp: the only unsafe code.
//!
//! A [`Step`] is a description of one process: its layers, mounts, identity, arguments. [`Step::spawn`] turns it into
//! a program with every string, descriptor and filter made beforehand, clones, and lets the child
//! do nothing but raw system calls, so that it is safe in a program with threads.
//!
//! [`Ladder::detect`] says what this machine and user can do: root, a user namespace with subordinate ids, or one with
//! a single id. On the last two, [`enter()`] starts one copy of the program in the user namespace; steps run there.
//!
//! All `unsafe` blocks are in `sys`.

mod child;
mod control;
mod emulate;
mod emulators;
mod enter;
mod error;
mod helpers;
mod ladder;
mod layout;
mod limits;
mod mounts;
mod overlay;
mod program;
mod seccomp;
mod step;
mod subordinate;
mod sys;

pub use child::{Child, Device, ExitStatus, OwnerTable};
pub use control::{ControlLimits, Controller, Swap};
pub use emulate::{DEVICE_XATTR, OWNER_XATTR};
pub use emulators::{Emulator, Emulators};
pub use enter::{Enter, become_user, copy_identity, copy_marker, enter};
pub use error::{NoControl, NoEntry, SandboxError, Stage};
pub use helpers::{Capabilities, boot_id, reflink, set_capabilities, syncfs};
pub use ladder::{Facts, Ladder, Obstacle, Rung};
pub use limits::{Resource, ResourceLimit, ResourceLimitError};
pub use step::{Identity, MountSource, Network, Security, Stdio, Step, StepMount};
pub use subordinate::IdRange;
