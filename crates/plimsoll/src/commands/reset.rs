//! `plimsoll reset`: the store goes away.

use std::io::{IsTerminal, Write};

use anyhow::{Context as _, Result, bail};

use crate::environment::{GlobalArgs, root};
use crate::exit;
use crate::namespace::{NeedsCopy, Standing};

/// Remove the whole store: images, cache, logs
///
/// Works also where a plain user's own `rm` does not, because layers hold files of subordinate ids.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Do not ask
    #[arg(short, long)]
    force: bool,
}

#[expect(clippy::print_stderr, reason = "asks the user and says what was done")]
pub(crate) fn run(args: &Args, global: &GlobalArgs, standing: &Standing) -> Result<u8> {
    if !standing.may_run {
        return Err(NeedsCopy.into());
    }
    let root = root(global, standing)?;
    if !root.exists() {
        eprintln!("there is no store in {}", root.display());
        return Ok(exit::DONE);
    }
    if !root.join("format.json").is_file() {
        bail!("`{}` is not a store of plimsoll, and is left as it is", root.display());
    }
    if !args.force {
        if !std::io::stdin().is_terminal() {
            bail!("say `--force` to remove `{}` without being asked", root.display());
        }
        eprint!("remove everything in {}? [y/N] ", root.display());
        std::io::stderr().flush()?;
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer)?;
        if !matches!(answer.trim(), "y" | "Y" | "yes") {
            eprintln!("nothing was removed");
            return Ok(exit::NO);
        }
    }
    std::fs::remove_dir_all(&root).with_context(|| format!("cannot remove `{}`", root.display()))?;
    eprintln!("removed {}", root.display());
    Ok(exit::DONE)
}
