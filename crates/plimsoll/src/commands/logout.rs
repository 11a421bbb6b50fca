//! `plimsoll logout`: credentials for a registry are forgotten.

use anyhow::{Context as _, Result};

use crate::commands::login::registry_name;
use crate::environment::{GlobalArgs, docker_config};
use crate::exit;
use crate::namespace::Standing;

/// Forget credentials for a registry
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The registry [default: docker.io]
    registry: Option<String>,
}

#[expect(clippy::print_stderr, reason = "says what was done")]
pub(crate) fn run(args: &Args, _global: &GlobalArgs, _standing: Standing) -> Result<u8> {
    let registry = registry_name(args.registry.as_deref());
    let store = docker_config().context("neither HOME nor DOCKER_CONFIG is set: there are no credentials")?;
    if store.logout(&registry)? {
        eprintln!("logged out of {registry}");
    } else {
        eprintln!("there were no credentials for {registry}");
    }
    Ok(exit::DONE)
}
