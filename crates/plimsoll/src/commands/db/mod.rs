//! `plimsoll db`: databases of security advisories.

mod build;
mod sources;
mod status;

use anyhow::Result;
use clap::Subcommand;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Build a database from advisories that are on this machine
    Build(build::Args),
    /// Show what a database has, and how old it is
    Status(status::Args),
}

pub(crate) fn run(command: &Command) -> Result<u8> {
    match command {
        Command::Build(args) => build::run(args),
        Command::Status(args) => status::run(args),
    }
}
