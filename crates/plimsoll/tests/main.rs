//! What the program promises, seen from outside: each test runs the binary on a store and a context of its own.
//!
//! Root file systems are made from the machine's static `busybox`, so nothing is fetched. Tests that need more than one
//! user run as root only, and say so when they do not run.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "helpers of tests fail and speak as tests do")]

mod support;

mod archives;
mod bake;
mod cache;
mod checks;
mod concurrency;
mod contexts;
mod copying;
mod crashes;
mod databases;
mod debugging;
mod engines;
mod file_system;
mod interface;
mod large_files;
mod lsp;
mod mounts;
mod outputs;
mod platforms;
mod repositories;
mod reproducibility;
mod shellcheck;
mod signals;
mod step_options;
mod traces;
