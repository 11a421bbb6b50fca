//! `plimsoll lock`: the base images of a Dockerfile, by digest.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::str::FromStr as _;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use clap::Parser;
use plimsoll_build::{BuildError, Builder, ContextSource, Lock, LockFile, Locked, NO_BASE_IMAGE, Pinned};
use plimsoll_compose::{DebianSpec, Plan};
use plimsoll_diagnostics::sanitize;
use plimsoll_oci::{Platform, Reference};
use plimsoll_solver::Cancel;

use crate::commands::build::{self, Inputs, Outputs};
use crate::commands::images::answer;
use crate::environment::{GlobalArgs, Host};
use crate::namespace::Standing;
use crate::progress::{Display, DisplayOptions, Mode};
use crate::{exit, lock_file, variables};

/// Of the packages that moved in a base, so many are named.
const MOST_PACKAGES: usize = 8;

/// Lock the base images of a Dockerfile to what their names stand for
///
/// Every image that FROM, COPY --from, RUN --mount and the named contexts of plimsoll.toml name is written with its digest into
/// plimsoll.lock, which lies with plimsoll.toml, else beside the Dockerfile; of `debian://…` the exact packages. Builds then use
/// these. What is locked already stays, unless --update says otherwise.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The build context
    #[arg(value_name = "CONTEXT", default_value = ".")]
    context: PathBuf,
    /// The Dockerfile [default: CONTEXT/Dockerfile]
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Ask again what these names stand for, or all of them; CONTEXT stands in front of it
    #[arg(long, value_name = "NAME", num_args = 0..)]
    update: Option<Vec<String>>,
    /// Say what has moved, and write nothing; exit code 1 when something has
    #[arg(long, conflicts_with = "update")]
    check: bool,
    /// Look only at this stage and those that it needs [default: all stages]
    #[arg(long, value_name = "STAGE")]
    target: Option<String>,
    /// Set a build argument; without a value it is taken from the environment
    #[arg(long = "build-arg", value_name = "NAME[=VALUE]")]
    build_arg: Vec<String>,
    /// The platforms that are built for, after commas; bases of Debian packages are locked for each
    #[arg(long = "platform", value_name = "OS/ARCH[/VARIANT]", value_delimiter = ',')]
    platforms: Vec<Platform>,
    /// A named context, as of `plimsoll build`
    #[arg(long = "build-context", value_name = "NAME[::PLATFORM]=VALUE")]
    build_contexts: Vec<String>,
    /// Trust these certificates, besides the system's
    #[arg(long, value_name = "FILE", env = variables::CA_CERTS, hide_env_values = true)]
    ca_certs: Option<PathBuf>,
}

/// The arguments of `plimsoll build`, alone.
#[derive(Parser)]
#[command(no_binary_name = true, disable_help_flag = true, disable_version_flag = true)]
struct Line {
    #[command(flatten)]
    args: build::Args,
}

pub(crate) fn run(args: &Args, global: &GlobalArgs, standing: Standing) -> Result<u8> {
    let line = build::Args {
        file: args.file.clone(),
        build_arg: args.build_arg.clone(),
        target: args.target.clone(),
        platforms: args.platforms.clone(),
        build_contexts: args.build_contexts.clone(),
        ca_certs: args.ca_certs.clone(),
        records_nothing: true,
        ..Line::try_parse_from(["--".into(), args.context.clone().into_os_string()])?.args
    };
    if !args.context.is_dir() || line.reads_stdin() {
        bail!("`plimsoll lock` needs a directory as CONTEXT, and a Dockerfile that is a file");
    }
    let host = Host::open(global, standing)?;
    let inputs = Inputs::read(&line, &|| Ok(host.store.clone()))?;
    if inputs.fetch.is_some() {
        bail!("a Dockerfile at an address cannot be locked; fetch it first");
    }
    let path = inputs.lock_path.clone().context("there is no place for `plimsoll.lock`")?;
    let old = inputs.lock.as_ref().map(|file| file.lock.clone());
    let mut request = build::request(&line, &host, inputs, &Outputs::default())?;
    let wanted = wanted(args, &request.named_contexts)?;
    let again = |name: &str| args.check || wanted.as_ref().is_some_and(|wanted| wanted.has(name));
    request.lock =
        old.clone().map(|lock| LockFile { path: path.display().to_string(), lock, required: false });

    let options = DisplayOptions { color: !variables::no_color(), is_ci: variables::is_ci() };
    let display = Display::new(Mode::Auto, options);
    let cancel = Cancel::new()?;
    crate::interrupt::watch(&cancel)?;
    let ca_bundle = host.ca_bundle(args.ca_certs.as_deref())?;
    let environment = host.build_environment(ca_bundle, Arc::clone(&display.sink()), cancel)?;
    let locked = Builder { environment }.lock(&request, &again);
    display.finish(None);
    let locked = match locked {
        Ok(locked) => locked,
        Err(BuildError::Cancelled) => return Ok(exit::INTERRUPTED),
        Err(BuildError::Diagnostics { diagnostics }) => {
            let color = !variables::no_color() && std::io::IsTerminal::is_terminal(&std::io::stderr());
            diagnostics.iter().for_each(|diagnostic| build::print_diagnostic(&request, diagnostic, color));
            let unreachable = diagnostics.iter().any(|diagnostic| diagnostic.code == NO_BASE_IMAGE);
            return Ok(if unreachable { exit::IMPOSSIBLE } else { exit::NO });
        }
        Err(error) => return Err(error.into()),
    };
    if let Some(wanted) = &wanted {
        wanted.check(&locked.names)?;
    }
    let is_new = old.is_none();
    let old = old.unwrap_or_default();
    let changes = changes(&old, &locked);
    answer(&changes.concat())?;
    if args.check {
        return Ok(if changes.is_empty() { exit::DONE } else { exit::NO });
    }
    if is_new || locked.lock != old {
        lock_file::write(&path, &locked.lock)?;
        say(&format!("wrote {}", path.display()));
    } else {
        say(&format!("{} stays as it is", path.display()));
    }
    crate::commands::sync_store::start(&host);
    Ok(exit::DONE)
}

/// What `--update` names.
struct Wanted(Vec<String>);

fn wanted(
    args: &Args,
    contexts: &std::collections::BTreeMap<String, ContextSource>,
) -> Result<Option<Wanted>> {
    let Some(names) = &args.update else { return Ok(None) };
    let whole = |name: &String| {
        let address = match contexts.get(name) {
            Some(ContextSource::Image(address)) => address,
            _ => name,
        };
        if DebianSpec::claims(address) {
            return Ok(DebianSpec::parse(address)?.to_string());
        }
        let reference = Reference::from_str(address.strip_prefix("docker-image://").unwrap_or(address));
        Ok(reference.map_err(|error| anyhow::anyhow!("{error}{HINT}"))?.to_string())
    };
    Ok(Some(Wanted(names.iter().map(whole).collect::<Result<_>>()?)))
}

const HINT: &str = "; behind `--update` stand names of base images, CONTEXT stands in front of it";

impl Wanted {
    fn has(&self, name: &str) -> bool {
        self.0.is_empty() || self.0.iter().any(|wanted| is_for(wanted, name))
    }

    /// Whether every name is one of the Dockerfile's.
    fn check(&self, names: &BTreeSet<String>) -> Result<()> {
        match self.0.iter().find(|wanted| !names.iter().any(|name| is_for(wanted, name))) {
            None => Ok(()),
            Some(unknown) => {
                let names: Vec<_> = names.iter().map(|name| format!("`{}`", familiar(name))).collect();
                bail!(
                    "the Dockerfile names no base image `{}`, but {}{HINT}",
                    familiar(unknown),
                    names.join(", ")
                )
            }
        }
    }
}

/// Whether a name means a locked one; a composed base without an architecture means those for all.
fn is_for(wanted: &str, name: &str) -> bool {
    wanted == name || name.strip_prefix(wanted).is_some_and(|rest| rest.starts_with("&arch="))
}

/// One line for each name of the Dockerfile that stands for something else than before.
fn changes(old: &Lock, locked: &Locked) -> Vec<String> {
    let line = |name: &String| {
        let new = locked.lock.pinned(name)?;
        let change = match (old.pinned(name), new) {
            (Some(before), after) if before == after => return None,
            (Some(Pinned::Image(before)), Pinned::Image(after)) => format!("{before} → {after}"),
            (Some(Pinned::Base(before)), Pinned::Base(after)) => moved(before, after),
            (_, Pinned::Image(digest)) => format!("(new) → {digest}"),
            (_, Pinned::Base(plan)) => format!("(new) → {} packages", plan.packages.len()),
        };
        Some(format!("{}: {}\n", sanitize::line(&familiar(name)), sanitize::line(&change)))
    };
    locked.names.iter().filter_map(line).collect()
}

/// Which packages of a base are others.
fn moved(before: &Plan, after: &Plan) -> String {
    let names: BTreeSet<&str> =
        before.packages.iter().chain(&after.packages).map(|package| package.name.as_str()).collect();
    let version = |plan: &'_ Plan, name: &str| plan.package(name).map(|package| package.version.clone());
    let all: Vec<String> = names
        .into_iter()
        .filter_map(|name| match (version(before, name), version(after, name)) {
            (Some(old), Some(new)) => (old != new).then(|| format!("{name} {old} → {new}")),
            (Some(old), None) => Some(format!("{name} {old} → (gone)")),
            (None, Some(new)) => Some(format!("{name} (new) → {new}")),
            (None, None) => None,
        })
        .collect();
    match all.len() {
        0 => "the same versions, other files".to_owned(),
        count if count > MOST_PACKAGES => {
            format!("{} and {} more", all[..MOST_PACKAGES].join(", "), count - MOST_PACKAGES)
        }
        _ => all.join(", "),
    }
}

/// A name as people write it.
fn familiar(name: &str) -> String {
    Reference::from_str(name).map_or_else(|_| name.to_owned(), |reference| reference.familiar())
}

#[expect(clippy::print_stderr, reason = "what changes is the answer, where it is written is not")]
fn say(text: &str) {
    eprintln!("{}", sanitize::text(text));
}
