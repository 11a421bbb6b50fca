//! `plimsoll debug`: looking into Dockerfiles and steps.

mod parse;
mod shell;

use anyhow::Result;
use clap::Subcommand;

use crate::environment::GlobalArgs;
use crate::namespace::Standing;

pub(super) use shell::after_failure;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Show the words of a Dockerfile, one expression an instruction
    Parse(parse::Args),
    /// Open a shell where a step of an earlier build ran
    Shell(shell::Args),
}

pub(crate) fn run(command: &Command, global: &GlobalArgs, standing: Standing) -> Result<u8> {
    match command {
        Command::Parse(args) => parse::run(args),
        Command::Shell(args) => shell::run(args, global, standing),
    }
}
