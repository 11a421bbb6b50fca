//! `plimsoll lsp`: the checks in an editor, over the Language Server Protocol 3.17.
//!
//! Reads what the editor sends, and from the disk nothing but the ignore file beside a Dockerfile that lies in a folder of the
//! editor's, and what the store knows of base images. No network, no build, no other program.

mod actions;
mod completion;
mod document;
mod hover;
mod position;
mod server;
mod wire;

use std::cell::LazyCell;
use std::io::{BufWriter, Write as _};

use anyhow::{Context as _, Result};
use plimsoll_oci::Platform;

use crate::commands::check::bases::StoreBases;
use crate::environment::GlobalArgs;
use crate::exit;
use crate::namespace::Standing;
use server::Server;

/// Check Dockerfiles in an editor, over the Language Server Protocol
///
/// Speaks on standard input and output. Editors start it; it has findings, fixes, explanations and completions.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// What editors say by habit: there is nothing else
    #[arg(long, hide = true)]
    stdio: bool,
}

pub(crate) fn run(_args: &Args, global: &GlobalArgs, standing: Standing) -> Result<u8> {
    let known = LazyCell::new(|| StoreBases::open(global, standing, false));
    let bases = |name: &str, platform: &Platform| known.as_ref()?.facts(name, platform);
    let mut server = Server::new(&bases);
    let mut input = std::io::stdin().lock();
    let mut output = BufWriter::new(std::io::stdout().lock());
    while let Some(message) = wire::read(&mut input).context("cannot understand the editor")? {
        for answer in server.answer(&message) {
            wire::write(&mut output, &answer).context("cannot answer the editor")?;
        }
        output.flush().context("cannot answer the editor")?;
        if server.is_over() {
            break;
        }
    }
    // The protocol wants to hear when the end came without a word.
    Ok(if server.was_shut_down() { exit::DONE } else { exit::NO })
}
