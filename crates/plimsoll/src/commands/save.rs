//! `plimsoll save`: images into an archive.

use std::fs::File;
use std::io::{BufWriter, IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use clap::ValueEnum;
use plimsoll_export::{ArchiveFormat, Bundle, ExportError, ImageSet};
use plimsoll_snapshot::{SnapshotError, Snapshots};

use crate::commands::images::{find, platform_choice};
use crate::environment::{GlobalArgs, Host};
use crate::exit;
use crate::namespace::{NeedsCopy, Standing};
use crate::output::human_bytes;
use crate::progress::{Display, DisplayOptions, Mode};
use crate::variables;

/// Bytes that are collected before they are written.
const BUFFER: usize = 1 << 20;

/// Write images into an archive
///
/// The same images give the same bytes. Layers that are only in a registry are fetched.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Write to a file instead of standard output; a directory that exists gets an OCI image layout
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// What reads it
    #[arg(long, value_enum, default_value_t = Format::Docker)]
    format: Format,
    /// Take only these platforms of an index [default: all that are here]
    #[arg(long = "platform", value_name = "OS/ARCH|all", value_delimiter = ',')]
    platforms: Vec<String>,
    /// Names of images, or the first digits of their digests
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// `docker load`, and everything that reads OCI image layouts
    Docker,
    /// An OCI image layout
    Oci,
}

#[expect(clippy::print_stderr, reason = "says what was written")]
pub(crate) fn run(args: &Args, global: &GlobalArgs, standing: Standing) -> Result<u8> {
    if args.output.is_none() && std::io::stdout().is_terminal() {
        bail!(
            "an archive does not belong on a terminal; say where with `--output FILE`, or send it to a program"
        );
    }
    let may_run = standing.may_run;
    let host = Host::open(global, standing)?;
    let choice = platform_choice(&args.platforms)?;
    let mut images: Vec<(ImageSet, Vec<String>)> = Vec::new();
    for name in &args.names {
        let named = find(&host.store, name)?;
        let set = ImageSet::read(&host.store, &named.target, &choice)?;
        match images.iter_mut().find(|(other, _)| other.target().digest == set.target().digest) {
            Some((_, names)) => names.extend(named.name),
            None => images.push((set, named.name.into_iter().collect())),
        }
    }
    let bundles: Vec<Bundle<'_>> = images.iter().map(|(images, names)| Bundle { images, names }).collect();
    let format = match args.format {
        Format::Docker => ArchiveFormat::Docker,
        Format::Oci => ArchiveFormat::Oci,
    };
    let display =
        Display::new(Mode::Auto, DisplayOptions { color: !variables::no_color(), is_ci: variables::is_ci() });
    let ca_bundle = host.ca_bundle(None)?;
    let snapshots = host.snapshots(host.client(ca_bundle.as_deref()), Arc::clone(&display.sink()));
    let size = write_bundles(&snapshots, &bundles, format, args.output.as_deref());
    display.finish(None);
    let size = match size {
        Err(error) if !may_run && needs_copy(&error) => return Err(NeedsCopy.into()),
        size => size?,
    };
    host.store.flush()?;
    if let Some(path) = &args.output {
        eprintln!("wrote {} ({})", path.display(), human_bytes(size));
    }
    Ok(exit::DONE)
}

/// Whether something failed only because this process is outside of the user namespace.
pub(crate) fn needs_copy(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        matches!(
            cause.downcast_ref::<ExportError>(),
            Some(ExportError::Snapshot { source: SnapshotError::NeedsNamespace })
        )
    })
}

fn write_bundles(
    snapshots: &Snapshots,
    bundles: &[Bundle<'_>],
    format: ArchiveFormat,
    path: Option<&Path>,
) -> Result<u64> {
    if let Some(path) = path.filter(|path| path.is_dir()) {
        if format == ArchiveFormat::Docker {
            bail!(
                "`{}` is a directory, and Docker's archive is a file; `oci` may be a directory",
                path.display()
            );
        }
        return Ok(plimsoll_export::layout_directory(snapshots, bundles, format, path)?);
    }
    let mut out = destination(path)?;
    Ok(plimsoll_export::archive(snapshots, bundles, format, &mut out)?)
}

/// A file, or standard output.
pub(crate) fn destination(path: Option<&Path>) -> Result<Box<dyn Write>> {
    let Some(path) = path else {
        return Ok(Box::new(BufWriter::with_capacity(BUFFER, std::io::stdout())));
    };
    let file = File::create(path).with_context(|| format!("cannot write `{}`", path.display()))?;
    Ok(Box::new(BufWriter::with_capacity(BUFFER, file)))
}
