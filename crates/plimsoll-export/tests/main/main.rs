//! Every destination is read back: by this crate, and by other programs where the machine has them.
#![expect(clippy::unwrap_used, reason = "helpers of tests are not recognised as tests")]

mod archives;
mod hostile;
mod registry;
mod root_file_system;
mod support;
