//! The tests of the crate.

mod fixtures;
mod hostile;
mod programs;
