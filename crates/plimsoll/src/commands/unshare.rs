//! `plimsoll unshare`: a command where the store's files can be read and removed.

use std::ffi::OsString;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::environment::{GlobalArgs, root};
use crate::exit;
use crate::namespace::{NeedsCopy, Standing};

/// Run a command in the user namespace that the store's files belong to
///
/// A plain user can neither measure nor remove files of subordinate ids; inside the namespace they are ordinary ones.
/// PLIMSOLL_ROOT names the store there. As root the command is simply run.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The command and its arguments [default: $SHELL]
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

pub(crate) fn run(args: &Args, global: &GlobalArgs, standing: &Standing) -> Result<u8> {
    if !standing.may_run {
        return Err(NeedsCopy.into());
    }
    let shell = || vec![std::env::var_os("SHELL").unwrap_or_else(|| "/bin/sh".into())];
    let words = if args.command.is_empty() { shell() } else { args.command.clone() };
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).env_remove(crate::variables::OUTER);
    command.env(crate::variables::ROOT, root(global, standing)?);
    let status = command.status().with_context(|| format!("cannot run `{}`", words[0].to_string_lossy()))?;
    let signal = std::os::unix::process::ExitStatusExt::signal(&status).unwrap_or(0);
    let code = status.code().unwrap_or(128 + signal);
    Ok(u8::try_from(code).unwrap_or(exit::IMPOSSIBLE))
}
