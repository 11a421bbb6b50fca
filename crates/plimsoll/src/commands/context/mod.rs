//! `plimsoll context`: looking into build contexts.

mod ls;
pub(super) mod walk;

use anyhow::Result;
use clap::Subcommand;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Show what a build context holds, and which line of the ignore file leaves out what
    Ls(ls::Args),
}

pub(crate) fn run(command: &Command) -> Result<u8> {
    match command {
        Command::Ls(args) => ls::run(args),
    }
}
