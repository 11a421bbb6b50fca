//! `plimsoll load`: images out of an archive.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use crate::commands::images::answer_lines;
use crate::environment::{GlobalArgs, Host};
use crate::namespace::Standing;

/// Read images from an archive
///
/// Reads what `save` and `docker save` write, and OCI image layouts, as a tar (compressed or not) or a directory.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Read a file or directory instead of standard input
    #[arg(short, long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Say nothing
    #[arg(short, long)]
    quiet: bool,
}

pub(crate) fn run(args: &Args, global: &GlobalArgs, standing: Standing) -> Result<u8> {
    if args.input.is_none() && std::io::stdin().is_terminal() {
        bail!("there is nothing to read; name an archive with `--input FILE`, or send one to standard input");
    }
    let host = Host::open(global, standing)?;
    // An archive takes about as much room in the store as it is long.
    if let Some(file) =
        args.input.as_deref().and_then(|path| path.metadata().ok()).filter(std::fs::Metadata::is_file)
    {
        host.store.make_room(&host.limits, file.len())?;
    }
    let loaded = match &args.input {
        Some(path) => plimsoll_export::load_path(&host.store, path)
            .with_context(|| format!("cannot load `{}`", path.display()))?,
        None => plimsoll_export::load(&host.store, Box::new(std::io::stdin()))
            .context("cannot load from standard input")?,
    };
    let mut lines = Vec::new();
    for image in loaded {
        for name in &image.names {
            host.store.set_image(&name.to_string(), &image.target)?;
            lines.push(format!("Loaded image: {}", name.familiar()));
        }
        if image.names.is_empty() {
            // Without any name it could not be used, and the next prune would take it.
            let name = format!("localhost/loaded@{}", image.target.digest);
            host.store.set_image(&name, &image.target)?;
            lines.push(format!("Loaded image ID: {}", image.target.digest));
        }
    }
    crate::commands::sync_store::start(&host);
    if args.quiet {
        lines.clear();
    }
    answer_lines(lines)
}
