//! `plimsoll debug shell`: a shell where a step ran.

use std::io::IsTerminal;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use plimsoll_executor::{Connection, KeptStep, Settings, Visit, kept_steps};
use plimsoll_solver::Cancel;
use plimsoll_store::{BuildId, BuildStatus};

use crate::commands::build::secrets;
use crate::environment::{GlobalArgs, Host};
use crate::exit;
use crate::namespace::{NeedsCopy, Standing};
use crate::{terminal, variables};

/// Open a shell where a step of an earlier build ran
///
/// It has the step's file system, mounts, user and variables. Where the step failed, the files are as it left them; they are
/// kept for the three steps that failed last. Where it succeeded, changes are thrown away. Secrets and agents are there if
/// they are given again. An image without a shell gets the one that is built into plimsoll.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The build: the first digits of its id, or `last`
    #[arg(value_name = "BUILD")]
    build: String,
    /// The step: its number in that build, or a part of its name [default: the one that failed]
    #[arg(value_name = "STEP")]
    step: Option<String>,
    /// What is run instead of a shell
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
    /// Give a secret to the step's mounts
    #[arg(long = "secret", value_name = "id=ID[,src=FILE|,env=NAME]")]
    secrets: Vec<String>,
    /// Let an ssh agent, or keys in files, sign for the step's mounts
    #[arg(long, value_name = "default|ID[=SOCKET|KEY[,KEY…]]")]
    ssh: Vec<String>,
}

pub(super) fn run(args: &Args, global: &GlobalArgs, standing: Standing) -> Result<u8> {
    if !standing.may_run {
        return Err(NeedsCopy.into());
    }
    let host = Host::open(global, standing)?;
    let id = build(&host, &args.build)?;
    let steps = kept_steps(&host.store.log_directory(&id));
    let step = choose(&steps, args.step.as_deref(), &id)?;
    let mut settings = host.build_environment(host.ca_bundle(None)?, Arc::new(()), Cancel::new()?)?.settings;
    settings.secrets = secrets::secrets(&args.secrets)?;
    settings.ssh_agents = secrets::ssh(&args.ssh)?;
    let command = (!args.command.is_empty()).then_some(args.command.as_slice());
    visit(&host, &settings, step, command)
}

/// Opens a shell where a step of a build failed that has just ended.
#[expect(clippy::print_stderr, reason = "says what is opened, or why nothing is")]
pub(crate) fn after_failure(host: &Host, settings: &Settings, id: &BuildId) -> Result<()> {
    let steps = kept_steps(&host.store.log_directory(id));
    let Some(step) = steps.iter().find(|step| step.failed) else {
        // What failed was no command: there is no place to look around in.
        return Ok(());
    };
    if !(std::io::stdin().is_terminal() && std::io::stdout().is_terminal()) {
        eprintln!("note: there is no terminal for a shell; `plimsoll debug shell {id}` opens one later");
        return Ok(());
    }
    eprintln!(
        "a shell where `{}` failed; leave it with `exit`",
        plimsoll_diagnostics::sanitize::line(&step.name)
    );
    visit(host, settings, step, None).map(drop)
}

fn visit(host: &Host, settings: &Settings, step: &KeptStep, command: Option<&[String]>) -> Result<u8> {
    let snapshots = host.snapshots(host.client(None), Arc::new(()));
    let own_program = std::env::current_exe().context("cannot find the file of this program")?;
    let kind = variables::text("TERM");
    let has_terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let mut serve = terminal::serve;
    let connection = if has_terminal { Connection::Terminal(&mut serve) } else { Connection::Inherited };
    let visit = Visit {
        command,
        own_program: &own_program,
        terminal_kind: kind.as_deref().filter(|_| has_terminal),
        connection,
    };
    let status = step.visit(&host.store, &snapshots, settings, visit)?;
    Ok(u8::try_from(status.code()).unwrap_or(exit::IMPOSSIBLE))
}

/// The build that somebody means.
fn build(host: &Host, name: &str) -> Result<BuildId> {
    let builds = host.store.builds()?;
    if name == "last" {
        let ended = builds.into_iter().find(|build| build.status != BuildStatus::Running);
        return Ok(ended.context("this store knows of no build")?.id);
    }
    let mut fitting = builds.into_iter().filter(|build| build.id.as_str().starts_with(name));
    match (fitting.next(), fitting.next()) {
        (Some(build), None) => Ok(build.id),
        (Some(_), Some(_)) => bail!("several builds begin with `{name}`; give more digits"),
        (None, _) => {
            bail!("no build is known as `{name}`; a failed build says its id, and `last` is the last one")
        }
    }
}

/// The step that somebody means.
fn choose<'s>(steps: &'s [KeptStep], name: Option<&str>, id: &BuildId) -> Result<&'s KeptStep> {
    let list = || {
        let line = |step: &KeptStep| {
            let name = plimsoll_diagnostics::sanitize::line(&step.name);
            format!("\n  {} {name}{}", step.number, if step.failed { " (failed)" } else { "" })
        };
        if steps.is_empty() {
            return "; nothing is kept of that build: steps that were in the cache are kept with the build that ran them"
                .to_owned();
        }
        format!("; there are{}", steps.iter().map(line).collect::<String>())
    };
    let Some(name) = name else {
        let failed = steps.iter().find(|step| step.failed);
        return failed.with_context(|| format!("no command of build {id} failed: name a step{}", list()));
    };
    if let Ok(number) = name.parse::<usize>() {
        return steps
            .iter()
            .find(|step| step.number == number)
            .with_context(|| format!("build {id} ran no command as step {number}{}", list()));
    }
    let mut fitting = steps.iter().filter(|step| step.name.contains(name));
    match (fitting.next(), fitting.next()) {
        (Some(step), None) => Ok(step),
        (Some(_), Some(_)) => bail!("several steps have `{name}` in their names{}", list()),
        (None, _) => bail!("no step has `{name}` in its name{}", list()),
    }
}
