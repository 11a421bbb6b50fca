//! `plimsoll base`: bases from Debian packages.

use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use clap::Subcommand;
use plimsoll_build::{BuildError, Builder};
use plimsoll_compose::DebianSpec;
use plimsoll_oci::{Platform, Reference};
use plimsoll_solver::{Cancel, EVENT_SCHEMA, EventKind};

use crate::environment::{GlobalArgs, Host};
use crate::exit;
use crate::namespace::{NeedsCopy, Standing};
use crate::progress::{Display, DisplayOptions, Mode};
use crate::variables;

/// Compose base images from Debian packages
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: BaseCommand,
}

#[derive(Subcommand)]
enum BaseCommand {
    /// Compose a base, with the packages as they are now, and name it
    Build(BuildArgs),
}

#[derive(clap::Args)]
struct BuildArgs {
    /// What to compose: debian://SUITE?packages=a,b&variant=distroless|minbase[&arch=ARCH]
    #[arg(value_name = "debian://…")]
    base: String,
    /// Name the image
    #[arg(short, long = "tag", value_name = "NAME")]
    tags: Vec<String>,
    /// Compose for another platform
    #[arg(long, value_name = "OS/ARCH")]
    platform: Option<Platform>,
    /// Use what is pinned, and ask for nothing that is known
    #[arg(long)]
    no_update: bool,
    /// How to show progress
    #[arg(long, value_enum, default_value_t = Mode::Auto)]
    progress: Mode,
    /// Trust these certificates, besides the system's
    #[arg(long, value_name = "FILE", env = variables::CA_CERTS, hide_env_values = true)]
    ca_certs: Option<std::path::PathBuf>,
}

pub(crate) fn run(args: &Args, global: &GlobalArgs, standing: Standing) -> Result<u8> {
    match &args.command {
        BaseCommand::Build(args) => build(args, global, standing),
    }
}

#[expect(clippy::print_stdout, reason = "the digest is the command's answer")]
fn build(args: &BuildArgs, global: &GlobalArgs, standing: Standing) -> Result<u8> {
    let spec = DebianSpec::parse(&args.base)?;
    let tags = args.tags.iter().map(|tag| Reference::from_str(tag)).collect::<Result<Vec<_>, _>>()?;
    if !standing.may_run {
        return Err(NeedsCopy.into());
    }
    let host = Host::open(global, standing)?;
    let options = DisplayOptions { color: !variables::no_color(), is_ci: variables::is_ci() };
    let display = Display::new(args.progress, options);
    let cancel = Cancel::new()?;
    crate::interrupt::watch(&cancel)?;
    let ca_bundle = host.ca_bundle(args.ca_certs.as_deref())?;
    let environment = host.build_environment(ca_bundle, Arc::clone(&display.sink()), cancel)?;
    let builder = Builder { environment };
    let platform = args.platform.clone().unwrap_or_else(Platform::host);
    let (started, sink) = (std::time::Instant::now(), display.sink());
    sink.send(EventKind::Started { schema: EVENT_SCHEMA, build: spec.to_string() });
    let composed = builder.compose(&spec, &platform, !args.no_update);
    let seconds = started.elapsed().as_secs_f64();
    sink.send(EventKind::Finished { ok: composed.is_ok(), seconds, run: 0, cached: 0 });
    display.finish(None);
    let image = match composed {
        Err(BuildError::Cancelled) => return Ok(exit::INTERRUPTED),
        other => other.with_context(|| format!("cannot compose `{spec}`"))?,
    };
    for tag in tags {
        host.store.set_image(&tag.to_string(), &image.manifest)?;
    }
    crate::commands::sync_store::start(&host);
    println!("{}", image.manifest.digest);
    Ok(exit::DONE)
}
