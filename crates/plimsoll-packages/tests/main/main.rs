//! The tests of the crate.

mod fixtures;
mod hostile;
mod inventory;
mod programs;
mod this_machine;
