//! The plimsoll program.

#![expect(
    clippy::doc_markdown,
    reason = "doc comments of commands and flags are the help text, which has no Markdown"
)]

mod commands;
mod config;
mod diff;
mod engine;
mod environment;
mod exit;
mod file_output;
mod ignore_file;
mod interrupt;
mod lock_file;
mod namespace;
mod output;
mod progress;
mod shell;
mod terminal;
mod variables;

use std::process::ExitCode;

fn main() -> ExitCode {
    commands::main()
}
