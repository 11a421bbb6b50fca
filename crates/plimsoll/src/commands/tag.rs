//! `plimsoll tag`: one more name for an image.

use std::str::FromStr;

use anyhow::Result;
use plimsoll_oci::Reference;

use crate::commands::images::find;
use crate::environment::{GlobalArgs, Host};
use crate::exit;
use crate::namespace::Standing;

/// Give an image one more name
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Name of the image, or the first digits of its digest
    source: String,
    /// The new name; an image that has it already loses it
    target: String,
}

pub(crate) fn run(args: &Args, global: &GlobalArgs, standing: Standing) -> Result<u8> {
    let host = Host::open(global, standing)?;
    let target = Reference::from_str(&args.target)?;
    if target.digest().is_some() {
        anyhow::bail!("`{}` has a digest; a digest cannot be given to an image, it has its own", args.target);
    }
    let image = find(&host.store, &args.source)?;
    host.store.set_image(&target.to_string(), &image.target)?;
    Ok(exit::DONE)
}
