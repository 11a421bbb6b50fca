//! `plimsoll push`: an image to its registry.

use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use plimsoll_export::{ExportError, ImageSet};
use plimsoll_oci::Reference;

use crate::commands::images::{answer, find, platform_choice};
use crate::commands::save::needs_copy;
use crate::environment::{GlobalArgs, Host};
use crate::namespace::{NeedsCopy, Standing};
use crate::progress::{Display, DisplayOptions, Mode};
use crate::variables;

/// Send an image to its registry
///
/// Blobs that the registry has, in this repository or in another one, are not sent.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Show only the digest
    #[arg(short, long)]
    quiet: bool,
    /// Push only these platforms of an index [default: all that are here]
    #[arg(long = "platform", value_name = "OS/ARCH|all", value_delimiter = ',')]
    platforms: Vec<String>,
    /// Trust these certificates, besides the system's
    #[arg(long, value_name = "FILE", env = variables::CA_CERTS, hide_env_values = true)]
    ca_certs: Option<std::path::PathBuf>,
    /// The image's name, which says where it goes
    name: String,
}

#[expect(clippy::print_stderr, reason = "says what was done")]
pub(crate) fn run(args: &Args, global: &GlobalArgs, standing: Standing) -> Result<u8> {
    let reference = Reference::from_str(&args.name)?;
    let may_run = standing.may_run;
    let host = Host::open(global, standing)?;
    let named = find(&host.store, &reference.familiar())?;
    let images = ImageSet::read(&host.store, &named.target, &platform_choice(&args.platforms)?)?;
    let mode = if args.quiet { Mode::Quiet } else { Mode::Auto };
    let display =
        Display::new(mode, DisplayOptions { color: !variables::no_color(), is_ci: variables::is_ci() });
    let ca_bundle = host.ca_bundle(args.ca_certs.as_deref())?;
    let client = host.client(ca_bundle.as_deref());
    let events = Arc::clone(&display.sink());
    let snapshots = host.snapshots(Arc::clone(&client), Arc::clone(&events));
    let pushed = plimsoll_export::push(&snapshots, &client, &images, &reference, &*events);
    display.finish(None);
    let pushed = pushed.map_err(|error| match error {
        // As it is, so that its hint is found.
        ExportError::Registry { source } => anyhow::Error::from(source),
        error => error.into(),
    });
    let (descriptor, note) = match pushed {
        Err(error) if !may_run && needs_copy(&error) => return Err(NeedsCopy.into()),
        pushed => pushed.with_context(|| format!("cannot push `{}`", reference.familiar()))?,
    };
    host.store.flush()?;
    if !args.quiet {
        eprintln!("{note}");
        if images.target().digest != named.target.digest {
            let platforms: Vec<String> =
                images.images.iter().map(|image| image.config.platform().to_string()).collect();
            eprintln!(
                "note: of the index {} only {} was pushed; `plimsoll pull --platform all` fetches the others",
                named.target.digest,
                platforms.join(", ")
            );
        }
    }
    answer(&format!("{}\n", descriptor.digest))
}
