//! One suite of an archive: its signed release file and what it lists.

pub(crate) mod keyring;
pub(crate) mod release;
mod signature;

pub(crate) use keyring::Keyring;
pub(crate) use release::{IndexFile, Release};
pub(crate) use signature::{Accept, verify};
