//! `plimsoll pull`: an image from a registry.

use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use plimsoll_build::BuildError;
use plimsoll_oci::Reference;
use plimsoll_store::{SourceRecord, Timestamp};

use crate::commands::images::{answer, platform_choice};
use crate::environment::{GlobalArgs, Host};
use crate::namespace::Standing;
use crate::progress::{Display, DisplayOptions, Mode};
use crate::variables;

/// Fetch an image from a registry
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Fetch the images for these platforms [default: this machine's]
    #[arg(long = "platform", value_name = "OS/ARCH|all", value_delimiter = ',')]
    platforms: Vec<String>,
    /// Show only the image's name
    #[arg(short, long)]
    quiet: bool,
    /// Trust these certificates, besides the system's
    #[arg(long, value_name = "FILE", env = variables::CA_CERTS, hide_env_values = true)]
    ca_certs: Option<std::path::PathBuf>,
    /// The image
    name: String,
}

#[expect(clippy::print_stderr, reason = "says what the name stands for")]
pub(crate) fn run(args: &Args, global: &GlobalArgs, standing: Standing) -> Result<u8> {
    let reference = Reference::from_str(&args.name)?;
    let host = Host::open(global, standing)?;
    let choice = platform_choice(&args.platforms)?;
    let mode = if args.quiet { Mode::Quiet } else { Mode::Auto };
    let display =
        Display::new(mode, DisplayOptions { color: !variables::no_color(), is_ci: variables::is_ci() });
    let ca_bundle = host.ca_bundle(args.ca_certs.as_deref())?;
    let client = host.client(ca_bundle.as_deref());
    let events = Arc::clone(&display.sink());
    let pulled = plimsoll_build::pull(&host.store, &client, &reference, &choice, &events);
    display.finish(None);
    let images = pulled
        .map_err(|error| match error {
            // As it is, so that its hint is found.
            BuildError::Registry { source } => anyhow::Error::from(source),
            error => error.into(),
        })
        .with_context(|| format!("cannot pull `{}`", reference.familiar()))?;
    let digest = host.store.image(&reference.to_string())?.unwrap_or_else(|| images.target().clone()).digest;
    let record = SourceRecord { digest, resolved_at: Timestamp::now() };
    host.store.record_source(&format!("image:{reference}"), &record)?;
    if !args.quiet {
        eprintln!("digest: {digest}");
    }
    crate::commands::sync_store::start(&host);
    answer(&format!("{reference}\n"))
}
