//! Findings in the shapes that people and programs read.

pub mod docker;
