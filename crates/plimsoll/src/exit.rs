//! Exit codes, all of them.

/// Done.
pub(crate) const DONE: u8 = 0;
/// The answer is no: a build step failed, or something was found.
pub(crate) const NO: u8 = 1;
/// It could not be done: usage, configuration, input and output, registry.
pub(crate) const IMPOSSIBLE: u8 = 2;
/// Nothing was found, but something was not scanned.
pub(crate) const NOT_ALL: u8 = 3;
/// Interrupted by the user.
pub(crate) const INTERRUPTED: u8 = 130;
