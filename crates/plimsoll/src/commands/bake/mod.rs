//! `plimsoll bake`: several targets, defined by a bake file or a compose file, built at the same time.

mod allow;
mod args;
mod builds;
mod calls;
mod files;
mod lines;
mod list;
mod sink;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};
use plimsoll_bake::{Bake, BakeError, Inputs, Machine, Problem, Resolved, Target};
use plimsoll_diagnostics::sanitize;

pub(crate) use args::Args;

use crate::commands::build;
use crate::environment::GlobalArgs;
use crate::exit;
use crate::namespace::{NeedsCopy, Standing};
use crate::progress::Mode;
use crate::variables;

/// The targets with the arguments of their builds.
struct Plan {
    resolved: Resolved,
    arguments: BTreeMap<String, build::Args>,
}

pub(crate) fn run(args: &Args, global: &GlobalArgs, standing: &Standing) -> Result<u8> {
    let only_shown = args.print || args.list.is_some() || args.method().is_some();
    // What comes on standard input can be read once only: by the process that will use it.
    if !standing.may_run && !only_shown && args.files.iter().any(|file| file.as_os_str() == "-") {
        return Err(NeedsCopy.into());
    }
    let files = files::read(args)?;
    if let Some(address) =
        args.targets.first().filter(|target| target.contains("://") || target.starts_with("git@"))
    {
        bail!("definitions are not read from `{address}`; fetch the project first, and bake inside of it");
    }
    let environment = |name: &str| {
        let disabled = variables::text(variables::BAKE_NO_ENVIRONMENT).is_some_and(|value| value == "1");
        if disabled { None } else { std::env::var(name).ok() }
    };
    let built_in = [
        ("BAKE_CMD_CONTEXT".to_owned(), "cwd://".to_owned()),
        ("BAKE_LOCAL_PLATFORM".to_owned(), plimsoll_oci::Platform::host().to_string()),
    ];
    let mut allowed = allow::Allowed::new(&args.allow)?;
    let others = |path: &str| files::read_other(path, &allowed);
    let inputs = Inputs {
        environment: &environment,
        given: files::variables(args)?,
        built_in: built_in.into(),
        compose_environment: files::compose_environment()?,
        files: &others,
        machine: Machine { home: variables::text("HOME"), now: plimsoll_store::Timestamp::now().seconds },
    };
    let bake = match Bake::read(&files, &inputs) {
        Ok(bake) => bake,
        Err(BakeError { problems }) => return Ok(refuse(&problems)),
    };
    if !matches!(args.progress, Mode::Quiet | Mode::Rawjson) {
        tell(&bake.warnings);
    }
    if let Some(list) = args.list {
        let text =
            if list.variables { list::variables(&bake, list.json) } else { list::targets(&bake, list.json) };
        return answer(&text);
    }
    let (mut resolved, granted) = match bake.resolve(&args.targets, &args.overrides(), &inputs) {
        Ok(found) => found,
        Err(BakeError { problems }) => return Ok(refuse(&problems)),
    };
    if let Some(epoch) = variables::text(variables::SOURCE_DATE_EPOCH) {
        for target in resolved.targets.values_mut() {
            target.args.entry(variables::SOURCE_DATE_EPOCH.to_owned()).or_insert_with(|| epoch.clone());
        }
    }
    if args.print {
        return answer(&plimsoll_bake::print(&resolved));
    }
    allowed.grant(&granted);
    let problems = allowed.refuse(&resolved);
    if !problems.is_empty() {
        return Ok(refuse(&problems));
    }
    let (asked, built) = match plan(args, resolved) {
        Ok(plan) => plan.split(),
        Err(problems) => return Ok(refuse(&problems)),
    };
    let built = if built.arguments.is_empty() {
        exit::DONE
    } else {
        builds::run(args, built, global, standing.clone())?
    };
    if asked.arguments.is_empty() || built != exit::DONE {
        return Ok(built);
    }
    calls::run(args, &asked, global, standing)
}

impl Plan {
    /// Those that a question is asked about, and those that are built; what others are built on is built.
    fn split(mut self) -> (Plan, Plan) {
        let is_question = |target: &Target| target.call.as_deref().is_some_and(|call| call != "build");
        let built = self.resolved.targets.values().filter(|target| !is_question(target));
        let needed: BTreeSet<String> = built.flat_map(|target| target.links().map(str::to_owned)).collect();
        let is_asked = |name: &str, target: &Target| is_question(target) && !needed.contains(name);
        let mut asked = Plan {
            resolved: Resolved { groups: self.resolved.groups.clone(), ..Resolved::default() },
            arguments: BTreeMap::new(),
        };
        let names: Vec<String> = self.resolved.targets.keys().cloned().collect();
        for name in names {
            if is_asked(&name, &self.resolved.targets[&name]) {
                asked.resolved.targets.extend(self.resolved.targets.remove_entry(&name));
                asked.arguments.extend(self.arguments.remove_entry(&name));
            }
        }
        (asked, self)
    }
}

/// The arguments of every target's build.
fn plan(args: &Args, resolved: Resolved) -> Result<Plan, Vec<Problem>> {
    let (mut arguments, mut problems) = (BTreeMap::new(), Vec::new());
    let format = args.method().and_then(|method| method.split_once(',')).map(|(_, format)| format);
    for (name, target) in &resolved.targets {
        let mut target = target.clone();
        if let (Some(call), Some(format)) = (&mut target.call, format) {
            call.push(',');
            call.push_str(format);
        }
        match lines::arguments(&target) {
            Ok(line) => {
                let line = build::Args {
                    locked: args.locked,
                    no_lock: args.no_lock,
                    size_budget: args.size_budget.clone(),
                    ..line
                };
                arguments.insert(name.clone(), line);
            }
            Err(more) => problems.extend(more),
        }
    }
    if problems.is_empty() { Ok(Plan { resolved, arguments }) } else { Err(problems) }
}

fn answer(text: &str) -> Result<u8> {
    crate::commands::images::answer(text)?;
    Ok(exit::DONE)
}

fn refuse(problems: &[Problem]) -> u8 {
    tell(problems);
    exit::NO
}

#[expect(clippy::print_stderr, reason = "diagnostics are for the user")]
fn tell(problems: &[Problem]) {
    let color = !variables::no_color() && std::io::IsTerminal::is_terminal(&std::io::stderr());
    for problem in problems {
        eprintln!("{}", problem.render(color));
    }
}

/// What a target is called in messages.
fn shown(target: &str) -> String {
    sanitize::line(target).into_owned()
}
