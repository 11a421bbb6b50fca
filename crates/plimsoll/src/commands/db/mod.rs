//! `plimsoll db`: databases of security advisories.

mod build;
mod sources;
mod status;
mod transfer;

use anyhow::Result;
use clap::Subcommand;

use crate::environment::GlobalArgs;
use crate::namespace::Standing;

pub(crate) use transfer::usual_path;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Build a database from advisories that are on this machine
    Build(build::Args),
    /// Show what a database has, and how old it is
    Status(status::Args),
    /// Send a database to a registry
    Push(transfer::PushArgs),
    /// Fetch a database from a registry
    Pull(transfer::PullArgs),
}

pub(crate) fn run(command: &Command, global: &GlobalArgs, standing: Standing) -> Result<u8> {
    match command {
        Command::Build(args) => build::run(args),
        Command::Status(args) => status::run(args),
        Command::Push(args) => transfer::push(args, global, standing),
        Command::Pull(args) => transfer::pull(args, global, standing),
    }
}
