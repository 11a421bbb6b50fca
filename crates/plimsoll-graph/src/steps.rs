//! The instructions, each as a method of [`crate::stage::StageLowering`].

mod config;
mod mounts;
mod ports;
mod run;
mod signal;
mod transfer;
