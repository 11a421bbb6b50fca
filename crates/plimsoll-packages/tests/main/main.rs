//! The tests of the crate.

mod fixtures;
mod inventory;
mod programs;
mod this_machine;
