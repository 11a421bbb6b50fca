//! The plimsoll program.

mod commands;
mod config;
mod environment;
mod exit;
mod interrupt;
mod namespace;
mod output;
mod progress;
mod variables;

use std::process::ExitCode;

fn main() -> ExitCode {
    commands::main()
}
