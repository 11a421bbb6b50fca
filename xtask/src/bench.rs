//! `cargo xtask bench`: measures plimsoll against other builders on the same machine in the same run.
//!
//! Every case is built by every builder in turn, round after round, so that whatever else the machine does meets all of
//! them; a ratio is taken within a round. The page that comes out names the versions and says how each figure was taken.

mod buildah;
mod builder;
mod buildkit;
mod case;
mod check;
mod fixture;
mod memory;
mod own;
mod registry;
mod report;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::plimsoll::{self, Plimsoll};
use crate::shell;

use builder::{Builder, Request};
use case::{CASES, Case, Mode};
use fixture::Fixture;
use memory::Peak;
use report::Outcome;

/// Options of `bench`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    plimsoll: plimsoll::Options,

    /// Only these cases; all are measured, and docs/benchmarks.md is written, when none is named. `check` measures the linter
    cases: Vec<String>,

    /// List the cases and measure nothing
    #[arg(long)]
    list: bool,

    /// How often each builder builds each case
    #[arg(long, default_value_t = 7)]
    rounds: u32,

    /// A root file system with another Docker engine to measure against, instead of this machine's own
    #[arg(long, value_name = "DIR")]
    peer_root: Option<PathBuf>,

    /// Measure against these only; against all that this machine has when none is named
    #[arg(long = "peer", value_enum, value_name = "NAME")]
    peers: Vec<Peer>,

    /// Leave out the other builders
    #[arg(long, conflicts_with = "peers")]
    alone: bool,

    /// Where the other builders keep their data and the contexts are written; on the disk that is to be measured
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,

    /// Write docs/benchmarks.md even when only some cases were measured
    #[arg(long)]
    write: bool,
}

/// Another builder.
#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
enum Peer {
    /// The one in the Docker engine
    Buildkit,
    /// The one of Podman
    Buildah,
}

/// Measures, prints, and writes the page when everything was measured.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if arguments.list {
        for case in CASES {
            println!("{:18} {}", case.name, case.title);
        }
        println!("{:18} the linter beside hadolint, written into a section of its own", "check");
        return Ok(());
    }
    if arguments.cases == ["check"] {
        return check::run(arguments);
    }
    let chosen = chosen(&arguments.cases)?;
    let plimsoll = Plimsoll::open(&arguments.plimsoll)?;
    let scratch = scratch(arguments)?;
    let fixture = Fixture::new(scratch.path())?;
    let mut builders: Vec<Box<dyn Builder>> = vec![Box::new(own::Own::new(&plimsoll, scratch.path())?)];
    if !arguments.alone {
        builders.extend(peers(arguments, scratch.path())?);
    }
    let registry = registry::Registry::start(scratch.path())?;

    let versions = builders.iter().map(|builder| builder.version()).collect::<Result<Vec<_>>>()?;
    let writes_page = arguments.cases.is_empty() || arguments.write;
    let mut outcomes = Vec::new();
    for case in chosen {
        if matches!(case.mode, Mode::Push) && registry.is_none() {
            eprintln!("SKIPPED {}: `docker-registry` is not installed", case.name);
            continue;
        }
        eprintln!("── {}: {}", case.name, case.title);
        let address = registry.as_ref().map(registry::Registry::address);
        let outcome = measure(case, &fixture, &mut builders, arguments.rounds, address.as_deref())
            .with_context(|| format!("the case `{}`", case.name))?;
        eprintln!("{}", report::line(&outcome));
        outcomes.push(outcome);
        // After each case: a run that is cut short has still measured something.
        if writes_page {
            let path = shell::workspace().join("docs/benchmarks.md");
            let page = report::page(&outcomes, &versions, arguments.rounds);
            let old = std::fs::read_to_string(&path).unwrap_or_default();
            std::fs::write(path, check::keep_section(&page, &old))?;
        }
    }
    print!("{}", report::page(&outcomes, &versions, arguments.rounds));
    Ok(())
}

fn chosen(names: &[String]) -> Result<Vec<&'static Case>> {
    if names.is_empty() {
        return Ok(CASES.iter().collect());
    }
    names
        .iter()
        .map(|name| {
            CASES
                .iter()
                .find(|case| case.name == name)
                .with_context(|| format!("no case is named `{name}`; `cargo xtask bench --list` names them"))
        })
        .collect()
}

/// The directory of all data. Dropping it takes away what is mounted below it, and then the directory.
struct Scratch(tempfile::TempDir);

impl Scratch {
    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Some builders leave their mounts behind; the newest is the last line.
        let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        let points = mounts.lines().rev().filter_map(|line| line.split(' ').nth(1));
        for point in points.filter(|point| Path::new(point).starts_with(self.path())) {
            if let Err(error) = rustix::mount::unmount(point, rustix::mount::UnmountFlags::DETACH) {
                eprintln!("warning: could not unmount `{point}`: {error}");
            }
        }
    }
}

fn scratch(arguments: &Arguments) -> Result<Scratch> {
    let parent = match &arguments.scratch {
        Some(directory) => directory.clone(),
        None => plimsoll::target_directory()?.join("xtask"),
    };
    std::fs::create_dir_all(&parent)?;
    Ok(Scratch(tempfile::Builder::new().prefix("bench-").tempdir_in(parent.canonicalize()?)?))
}

/// The other builders that this machine has.
fn peers(arguments: &Arguments, scratch: &Path) -> Result<Vec<Box<dyn Builder>>> {
    let mut peers: Vec<Box<dyn Builder>> = Vec::new();
    let wanted = |peer| arguments.peers.is_empty() || arguments.peers.contains(&peer);
    if !shell::is_root() {
        bail!("the other builders are started as root; `--alone` measures plimsoll by itself");
    }
    if !wanted(Peer::Buildkit) {
        eprintln!("BuildKit is left out");
    } else if arguments.peer_root.is_some() || shell::find("dockerd").is_some() {
        peers.push(Box::new(buildkit::BuildKit::start(scratch, arguments.peer_root.as_deref())?));
    } else {
        eprintln!("SKIPPED BuildKit: `dockerd` is not installed (package `docker.io`)");
    }
    if !wanted(Peer::Buildah) {
        eprintln!("buildah is left out");
    } else if shell::find("buildah").is_none() {
        eprintln!("SKIPPED buildah: it is not installed");
    } else if shell::find("runc").or_else(|| shell::find("crun")).is_none() {
        eprintln!("SKIPPED buildah: neither `runc` nor `crun` is installed, which it starts containers with");
    } else {
        peers.push(Box::new(buildah::Buildah::new(scratch)));
    }
    Ok(peers)
}

/// Builds a case by all builders in turn.
fn measure(
    case: &'static Case,
    fixture: &Fixture,
    builders: &mut [Box<dyn Builder>],
    rounds: u32,
    registry: Option<&str>,
) -> Result<Outcome> {
    let context = fixture.context(case)?;
    let mut outcome = Outcome::new(case, builders.iter().map(|builder| builder.name()).collect());
    for builder in builders.iter_mut() {
        builder.begin();
        for (name, source) in case.bases {
            builder.base(name, source)?;
        }
        prepare(case, &context, builder.as_mut(), registry)
            .with_context(|| format!("`{}` cannot build it", builder.name()))?;
    }
    for round in 0..rounds.min(case.rounds) {
        for index in 0..builders.len() {
            // Every other round in the opposite order: nobody always meets the caches as the one before left them.
            let index = if round % 2 == 0 { index } else { builders.len() - 1 - index };
            let builder = builders[index].as_mut();
            let (time, _) = once(case, &context, builder, registry)?;
            outcome.add(index, time);
        }
    }
    // Memory in a run of its own: watching it costs time.
    for (index, builder) in builders.iter_mut().enumerate() {
        builder.watch()?;
        let (_, own) = once(case, &context, builder.as_mut(), registry)?;
        outcome.set_memory(index, builder.peak()?.or(own));
    }
    Ok(outcome)
}

/// Builds without measuring.
fn prepare(
    case: &Case,
    context: &fixture::Context,
    builder: &mut dyn Builder,
    registry: Option<&str>,
) -> Result<()> {
    for command in builder.commands(&request(case, context, registry))? {
        finish(command)?;
    }
    Ok(())
}

/// One measured build.
fn once(
    case: &Case,
    context: &fixture::Context,
    builder: &mut dyn Builder,
    registry: Option<&str>,
) -> Result<(Duration, Option<Peak>)> {
    match case.mode {
        Mode::Changed | Mode::Push => context.change()?,
        Mode::First => builder.forget()?,
        // Made certain: what was built last may have been another state of the files.
        Mode::Unchanged => prepare(case, context, builder, registry)?,
        Mode::NoCache => {}
    }
    let commands = builder.commands(&request(case, context, registry))?;
    settle();
    let start = Instant::now();
    let mut peak = None;
    for command in commands {
        peak = finish(command)?.max(peak);
    }
    Ok((start.elapsed(), peak))
}

/// Lets what the one before left be written and its clearing away end: nobody waits for another's work.
fn settle() {
    rustix::fs::sync();
    std::thread::sleep(Duration::from_secs(1));
    rustix::fs::sync();
}

fn request<'a>(case: &Case, context: &'a fixture::Context, registry: Option<&'a str>) -> Request<'a> {
    Request {
        context: context.directory(),
        dockerfile: context.dockerfile(),
        tag: case.name,
        no_cache: matches!(case.mode, Mode::NoCache),
        push_to: registry.filter(|_| matches!(case.mode, Mode::Push)),
    }
}

/// Runs a command to its end; its peak is that of its own process.
fn finish(mut command: Command) -> Result<Option<Peak>> {
    let output = tempfile::tempfile()?;
    let described = shell::describe(&command);
    let mut process = command
        .stdin(std::process::Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output.try_clone()?)
        .spawn()
        .with_context(|| format!("could not start `{described}`"))?;
    let (status, peak) = memory::wait(&mut process)?;
    if !status.success() {
        bail!("`{described}` failed: {status}\n{}", read_back(output)?);
    }
    Ok(peak)
}

fn read_back(mut file: std::fs::File) -> Result<String> {
    use std::io::{Read, Seek};
    let mut text = String::new();
    file.rewind()?;
    file.read_to_string(&mut text)?;
    Ok(text)
}
