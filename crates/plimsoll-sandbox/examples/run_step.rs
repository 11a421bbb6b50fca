//! Runs one step from the command line, in a user namespace if need be. For trying things, and for the tests.
//!
//! ```text
//! run_step --ladder
//! run_step --lower DIR… --upper DIR --work DIR [options] -- PROGRAM ARGUMENT…
//! ```
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::exit, reason = "a program, not a library")]

use std::error::Error;
use std::ffi::OsString;
use std::os::fd::AsFd;
use std::path::PathBuf;

use plimsoll_sandbox::{
    Enter, Identity, Ladder, MountSource, Network, Security, Stdio, Step, StepMount, copy_identity,
    copy_marker, enter,
};

fn main() {
    let code = match run() {
        Ok(code) => code,
        Err(error) => {
            let mut text = error.to_string();
            let mut source = error.source();
            while let Some(cause) = source {
                text = format!("{text}: {cause}");
                source = cause.source();
            }
            eprintln!("run_step: {text}");
            125
        }
    };
    std::process::exit(code);
}

fn run() -> Result<i32, Box<dyn Error>> {
    let mut arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "--ladder") {
        let ladder = Ladder::detect();
        println!("{:?}", ladder.rung);
        for obstacle in &ladder.obstacles {
            println!("{obstacle}\nhint: {}", obstacle.hint());
        }
        return Ok(0);
    }
    if let Some(identity) = arguments.first().and_then(|first| copy_identity(first)) {
        arguments.remove(0);
        return run_step(identity, arguments.into_iter());
    }
    let ladder = Ladder::detect();
    match ladder.rung.identity() {
        Some(Identity::Host) => run_step(Identity::Host, arguments.into_iter()),
        Some(identity) => {
            let mut argv = vec!["run_step".into(), copy_marker(identity)];
            argv.extend(arguments);
            let program = PathBuf::from("/proc/self/exe");
            let copy = Enter { program, argv, env: std::env::vars_os().collect(), descriptors: Vec::new() };
            Ok(enter(&ladder, copy)?.code())
        }
        None => Err(ladder.obstacles.last().ok_or("no rung")?.to_string().into()),
    }
}

/// The text of an argument; all of them are simple here.
fn text(argument: Option<OsString>) -> Result<String, Box<dyn Error>> {
    argument.ok_or("an argument is missing")?.into_string().map_err(|_| "not UTF-8".into())
}

fn mount(source: MountSource, target: &str, read_only: bool) -> StepMount {
    StepMount { source, target: target.into(), read_only }
}

fn run_step(
    identity: Identity,
    mut arguments: impl Iterator<Item = OsString>,
) -> Result<i32, Box<dyn Error>> {
    let mut step = Step {
        lowers: Vec::new(),
        upper: PathBuf::new(),
        work: PathBuf::new(),
        mounts: Vec::new(),
        argv: Vec::new(),
        env: vec![("PATH".into(), "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".into())],
        cwd: "/".into(),
        uid: 0,
        gid: 0,
        groups: Vec::new(),
        hostname: "buildkitsandbox".into(),
        network: Network::Host,
        security: Security::Sandbox,
        no_new_privileges: false,
        shm_size: Step::DEFAULT_SHM_SIZE,
        resource_limits: Vec::new(),
        control_limits: plimsoll_sandbox::ControlLimits::default(),
        identity,
    };
    let mut owners = None;
    while let Some(option) = arguments.next() {
        match option.to_str().unwrap_or_default() {
            "--lower" => step.lowers.push(text(arguments.next())?.into()),
            "--upper" => step.upper = text(arguments.next())?.into(),
            "--work" => step.work = text(arguments.next())?.into(),
            "--cwd" => step.cwd = text(arguments.next())?.into(),
            "--uid" => step.uid = text(arguments.next())?.parse()?,
            "--gid" => step.gid = text(arguments.next())?.parse()?,
            "--group" => step.groups.push(text(arguments.next())?.parse()?),
            "--no-network" => step.network = Network::None,
            "--insecure" => step.security = Security::Insecure,
            "--no-new-privileges" => step.no_new_privileges = true,
            "--owners" => owners = Some(PathBuf::from(text(arguments.next())?)),
            "--bind" => {
                let (source, target) = (text(arguments.next())?, text(arguments.next())?);
                step.mounts.push(mount(MountSource::Bind(source.into()), &target, false));
            }
            "--data" => {
                let (bytes, target) = (text(arguments.next())?.into_bytes(), text(arguments.next())?);
                let data = MountSource::Data { bytes, mode: 0o400, uid: step.uid, gid: step.gid };
                step.mounts.push(mount(data, &target, true));
            }
            "--tmpfs" => {
                let target = text(arguments.next())?;
                step.mounts.push(mount(MountSource::Tmpfs { size: None, mode: 0o1777 }, &target, false));
            }
            "--" => break,
            other => return Err(format!("unknown option `{other}`").into()),
        }
    }
    step.argv = arguments.collect();
    let stdio = Stdio {
        stdin: std::io::stdin().as_fd().try_clone_to_owned()?,
        stdout: std::io::stdout().as_fd().try_clone_to_owned()?,
        stderr: std::io::stderr().as_fd().try_clone_to_owned()?,
    };
    let mut child = match step.spawn(stdio) {
        Ok(child) => child,
        Err(error) => {
            let Some(code) = error.exit_code() else { return Err(error.into()) };
            eprintln!("run_step: {error}");
            return Ok(code);
        }
    };
    let status = child.wait()?;
    let table = child.owners()?;
    if let Some(path) = owners {
        let mut lines = Vec::new();
        for (path, (uid, gid)) in &table.owners {
            lines.push(format!("owner {} {uid}:{gid}", path.display()));
        }
        for (path, device) in &table.devices {
            lines.push(format!("device {} {device:?}", path.display()));
        }
        std::fs::write(path, lines.join("\n") + "\n")?;
    }
    Ok(status.code())
}
