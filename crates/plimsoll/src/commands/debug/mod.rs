//! `plimsoll debug`: looking into Dockerfiles, steps and the order of versions.

mod parse;
mod shell;
mod vercmp;

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
    /// Compare pairs of versions, one pair a line
    Vercmp(vercmp::Args),
}

pub(crate) fn run(command: &Command, global: &GlobalArgs, standing: Standing) -> Result<u8> {
    match command {
        Command::Parse(args) => parse::run(args),
        Command::Shell(args) => shell::run(args, global, standing),
        Command::Vercmp(args) => vercmp::run(args),
    }
}
