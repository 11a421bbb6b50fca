//! The command line: one file a command.

mod bake;
mod base;
mod build;
mod check;
mod context;
mod db;
mod debug;
mod df;
mod doctor;
mod explain;
mod fix;
mod history;
mod images;
mod inspect;
mod load;
mod lock;
mod login;
mod logout;
mod lsp;
mod prune;
mod pull;
mod push;
mod reset;
mod rmi;
mod save;
mod scan;
mod sync_store;
mod tag;
mod unshare;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use plimsoll_diagnostics::sanitize;

use crate::environment::GlobalArgs;
use crate::exit;
use crate::namespace::{NeedsCopy, Standing, become_command, enter_copy, take_marker};

/// From a Dockerfile to an image fit for production
#[derive(Parser)]
#[command(name = "plimsoll", version, propagate_version = true, disable_help_subcommand = true)]
struct Cli {
    #[command(flatten)]
    global: GlobalArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build an image from a Dockerfile
    #[command(visible_alias = "b")]
    Build(Box<build::Args>),
    /// Say what is probably wrong with Dockerfiles, and fix what can be fixed
    Check(Box<check::Args>),
    /// Fix what `check` finds, or propose the production form of a Dockerfile
    Fix(fix::Args),
    /// Explain a rule of `check`
    Explain(explain::Args),
    /// Check Dockerfiles in an editor, over the Language Server Protocol
    Lsp(lsp::Args),
    /// Look into build contexts
    #[command(subcommand)]
    Context(context::Command),
    /// Build the targets that a bake file or a compose file defines
    #[command(visible_alias = "f")]
    Bake(Box<bake::Args>),
    /// Say what is in an image, and what is wrong with it
    Scan(Box<scan::Args>),
    /// Lock the base images of a Dockerfile to what their names stand for
    Lock(lock::Args),
    /// Compose base images from Debian packages
    Base(base::Args),
    /// Build and look into databases of security advisories
    #[command(subcommand)]
    Db(db::Command),
    /// List images
    Images(images::Args),
    /// Give an image one more name
    Tag(tag::Args),
    /// Take names away from images
    Rmi(rmi::Args),
    /// Show everything about images, as JSON
    Inspect(inspect::Args),
    /// Show how an image came to be, instruction by instruction
    History(history::Args),
    /// Fetch an image from a registry
    Pull(pull::Args),
    /// Send an image to its registry
    Push(push::Args),
    /// Keep credentials for a registry
    Login(login::Args),
    /// Forget credentials for a registry
    Logout(logout::Args),
    /// Write images into an archive
    Save(save::Args),
    /// Read images from an archive
    Load(load::Args),
    /// Show what the store takes on disk
    Df(df::Args),
    /// Remove what is not used
    Prune(prune::Args),
    /// Docker's spellings: `system prune`, `system df`
    #[command(subcommand, hide = true)]
    System(SystemCommand),
    /// Docker's spellings: `builder build`, `builder prune`
    #[command(subcommand, hide = true)]
    Builder(BuilderCommand),
    /// Look into Dockerfiles, steps and version orders
    #[command(subcommand)]
    Debug(debug::Command),
    /// Say how steps run on this machine, and how to make it better
    Doctor(doctor::Args),
    #[command(hide = true)]
    SyncStore(sync_store::Args),
    /// Run a command in the user namespace that the store's files belong to
    Unshare(unshare::Args),
    /// Remove the whole store
    Reset(reset::Args),
}

#[derive(Subcommand)]
enum SystemCommand {
    /// Remove what is not used
    Prune(prune::Args),
    /// Show what the store takes on disk
    Df(df::Args),
}

#[derive(Subcommand)]
enum BuilderCommand {
    /// Build an image from a Dockerfile
    Build(Box<build::Args>),
    /// Remove what is not used
    Prune(prune::Args),
}

/// Parses the arguments, runs the command and gives its exit code.
pub(crate) fn main() -> ExitCode {
    let mut arguments: Vec<OsString> = std::env::args_os().collect();
    if arguments.first().is_some_and(|name| name == plimsoll_executor::OWN_SHELL) {
        // This file is in a step whose image has no shell.
        return ExitCode::from(crate::shell::run(&arguments[1..]));
    }
    if let Some(error) = become_command(&arguments) {
        report(&error);
        return ExitCode::from(exit::IMPOSSIBLE);
    }
    let copy = take_marker(&mut arguments);
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers, everything else is a wrong use.
            let code = if error.use_stderr() { exit::IMPOSSIBLE } else { exit::DONE };
            let _closed_pipe = error.print();
            return ExitCode::from(code);
        }
    };
    let outcome = Standing::detect(copy).and_then(|standing| run(cli, standing));
    let outcome = match outcome {
        Err(error) if error.is::<NeedsCopy>() && copy.is_none() => enter_copy(&arguments),
        other => other,
    };
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            report(&error);
            ExitCode::from(exit::IMPOSSIBLE)
        }
    }
}

fn run(cli: Cli, standing: Standing) -> anyhow::Result<u8> {
    let global = &cli.global;
    match cli.command {
        Command::Bake(args) => bake::run(&args, global, &standing),
        Command::Build(args) | Command::Builder(BuilderCommand::Build(args)) => {
            build::run(&args, global, standing)
        }
        Command::Check(args) => check::run(&args, global, standing),
        Command::Fix(args) => fix::run(&args, global, standing),
        Command::Explain(args) => explain::run(&args),
        Command::Lsp(args) => lsp::run(&args, global, standing),
        Command::Context(command) => context::run(&command),
        Command::Scan(args) => scan::run(&args, global, standing),
        Command::Lock(args) => lock::run(&args, global, standing),
        Command::Base(args) => base::run(&args, global, standing),
        Command::Db(command) => db::run(&command, global, standing),
        Command::Images(args) => images::run(&args, global, standing),
        Command::Tag(args) => tag::run(&args, global, standing),
        Command::Rmi(args) => rmi::run(&args, global, standing),
        Command::Inspect(args) => inspect::run(&args, global, standing),
        Command::History(args) => history::run(&args, global, standing),
        Command::Pull(args) => pull::run(&args, global, standing),
        Command::Push(args) => push::run(&args, global, standing),
        Command::Login(args) => login::run(&args, global, standing),
        Command::Logout(args) => logout::run(&args, global, standing),
        Command::Save(args) => save::run(&args, global, standing),
        Command::Load(args) => load::run(&args, global, standing),
        Command::Df(args) | Command::System(SystemCommand::Df(args)) => df::run(&args, global, standing),
        Command::Prune(args)
        | Command::System(SystemCommand::Prune(args))
        | Command::Builder(BuilderCommand::Prune(args)) => prune::run(&args, global, standing),
        Command::Debug(command) => debug::run(&command, global, standing),
        Command::Doctor(args) => doctor::run(&args, global, &standing),
        Command::SyncStore(args) => sync_store::run(&args, global, standing),
        Command::Unshare(args) => unshare::run(&args, global, &standing),
        Command::Reset(args) => reset::run(&args, global, &standing),
    }
}

/// Prints an error with what caused it.
#[expect(clippy::print_stderr, reason = "this is the one place where errors reach the user")]
pub(crate) fn report(error: &anyhow::Error) {
    let mut text = format!("error: {error}");
    let mut said = error.to_string();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        // Transparent errors repeat what they carry.
        if !said.contains(&cause) {
            text.push_str("\n  because: ");
            text.push_str(&cause);
            said = cause;
        }
    }
    let hint = error.chain().find_map(|cause| {
        let of_registry =
            cause.downcast_ref::<plimsoll_registry::Error>().and_then(plimsoll_registry::Error::hint);
        let of_engine = || Some(cause.downcast_ref::<plimsoll_export::EngineError>()?.hint()?.to_owned());
        of_registry.or_else(of_engine)
    });
    if let Some(hint) = hint {
        text.push_str("\nhint: ");
        text.push_str(&hint);
    }
    eprintln!("{}", sanitize::text(&text));
}
