//! What is kept of a build's commands, so that somebody can look around where one ran.
//!
//! Beside the log of each command lies a description of it (`step-N.json`): its op, the layers it ran on, and what its
//! mounts showed. A command that failed leaves its files too (`step-N.failed`): the upper directory as it left it, and what
//! it saw of build contexts, which have changed by the time somebody looks. Values of secrets are in none of them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use plimsoll_graph::{ExecOp, MountKind};
use plimsoll_layer::ChainIndex;
use plimsoll_sandbox::{Child, ExitStatus, SandboxError, Stdio, Step, StepMount};
use plimsoll_snapshot::Snapshots;
use plimsoll_solver::{Cancel, EventSink};
use plimsoll_store::{LayerId, Store};
use serde::{Deserialize, Serialize};

use crate::error::ExecuteError;
use crate::exec::{self, Command, MountInput, Place};
use crate::owner::identity;
use crate::settings::Settings;

/// Where the program's own shell appears in a step.
pub const OWN_SHELL: &str = "/run/plimsoll/sh";
/// Names that programs of the kind have.
const SHELLS: [&str; 8] = ["sh", "bash", "ash", "dash", "zsh", "ksh", "fish", "mksh"];
/// How many failed commands keep their files.
const MOST_KEPT: usize = 3;

/// The description of a command.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    name: String,
    op: ExecOp,
    /// The layers below it; with its own on top if it succeeded.
    layers: Vec<LayerId>,
    /// For each mount that has an input.
    inputs: BTreeMap<usize, Input>,
    failed: bool,
}

/// What a mount showed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Input {
    /// Layers, bottom first.
    Layers(Vec<LayerId>),
    /// A part of a build context. Kept only if the command failed.
    Context,
}

/// A command of an earlier build.
#[derive(Debug)]
pub struct KeptStep {
    /// Its number in that build.
    pub number: usize,
    /// What it did, for people.
    pub name: String,
    /// Whether it failed, so that its files are as it left them.
    pub failed: bool,
    record: Record,
    directory: PathBuf,
}

/// How somebody looks around.
pub struct Visit<'a> {
    /// What is run; without it the shell of the image, or the program's own.
    pub command: Option<&'a [String]>,
    /// The file of this program, which has a shell built in.
    pub own_program: &'a Path,
    /// The kind of the terminal, for `TERM`.
    pub terminal_kind: Option<&'a str>,
    /// How the command is connected.
    pub connection: Connection<'a>,
}

/// How a command is connected.
pub enum Connection<'a> {
    /// To a terminal of its own, whose other end this serves until the command has ended.
    Terminal(&'a mut dyn FnMut(&mut Child, &std::os::fd::OwnedFd) -> Result<ExitStatus, SandboxError>),
    /// To this process's own input and output.
    Inherited,
}

fn record_path(logs: &Path, number: usize) -> PathBuf {
    logs.join(format!("step-{number}.json"))
}

/// Writes the description of a command that ended. A build does not fail because that cannot be written.
pub(crate) fn describe(command: &Command<'_>, name: &str, layers: &[LayerId], failed: bool) {
    let input = |input: &MountInput<'_>| match input {
        MountInput::Layers { chain, .. } => Input::Layers(chain.to_vec()),
        MountInput::Context(_) | MountInput::Kept(_) => Input::Context,
    };
    let record = Record {
        name: name.to_owned(),
        op: command.op.clone(),
        layers: layers.to_vec(),
        inputs: command.inputs.iter().map(|(place, kind)| (*place, input(kind))).collect(),
        failed,
    };
    let path = record_path(&command.settings.logs, command.vertex);
    let bytes = serde_json::to_vec(&record).expect("an op can be written as JSON");
    if let Err(error) = fs::write(&path, bytes) {
        tracing::warn!(path = %path.display(), %error, "cannot write the description of a step");
    }
}

/// Puts the files of a command that failed aside, in place of those of older ones.
pub(crate) fn keep(command: &Command<'_>, name: &str, upper: &Path, scratch: &Path) {
    let directory = command.settings.logs.join(format!("step-{}.failed", command.vertex));
    let moved = || -> std::io::Result<()> {
        fs::create_dir(&directory)?;
        fs::rename(upper, directory.join("fs"))?;
        for (place, input) in command.inputs {
            if matches!(input, MountInput::Context(_)) {
                let copy = exec::context_copy(scratch, *place);
                fs::rename(copy, directory.join(place.to_string()))?;
            }
        }
        Ok(())
    };
    if let Err(error) = moved() {
        tracing::warn!(path = %directory.display(), %error, "cannot keep the files of a failed step");
        return;
    }
    describe(command, name, command.chain, true);
    if let Err(error) = command.store.discard_older("failed", MOST_KEPT) {
        tracing::warn!(%error, "cannot remove the files of older failed steps");
    }
}

/// The commands of a build of which something is kept, in order.
pub fn kept_steps(logs: &Path) -> Vec<KeptStep> {
    let mut steps = Vec::new();
    for entry in fs::read_dir(logs).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let number = name
            .to_str()
            .and_then(|name| name.strip_prefix("step-")?.strip_suffix(".json"))
            .and_then(|number| number.parse().ok());
        let Some(number) = number else { continue };
        let Ok(bytes) = fs::read(entry.path()) else { continue };
        // Written by another version of this program.
        let Ok(record) = serde_json::from_slice::<Record>(&bytes) else { continue };
        let directory = logs.join(format!("step-{number}.failed"));
        let failed = record.failed;
        steps.push(KeptStep { number, name: record.name.clone(), failed, record, directory });
    }
    steps.sort_by_key(|step| step.number);
    steps
}

/// Somebody looks around: its files stay while this lives.
#[derive(Debug)]
struct InUse {
    _lock: Option<File>,
}

impl KeptStep {
    /// Opens a shell where the command ran, with its mounts, user and variables; gives how that ended.
    pub fn visit(
        &self,
        store: &Store,
        snapshots: &Snapshots,
        settings: &Settings,
        visit: Visit<'_>,
    ) -> Result<ExitStatus, ExecuteError> {
        let gone = || ExecuteError::KeptGone { name: self.name.clone() };
        let _in_use = self.lock().ok_or_else(gone)?;
        let whole = |layers: &[LayerId]| -> Result<ChainIndex, ExecuteError> {
            match snapshots.materialise(layers)? {
                Some(_) => Err(gone()),
                None => snapshots.chain(layers)?.map_err(|_| gone()),
            }
        };
        let base = whole(&self.record.layers)?;
        let mut indexes = BTreeMap::new();
        for (place, input) in &self.record.inputs {
            if let Input::Layers(layers) = input {
                indexes.insert(*place, whole(layers)?);
            }
        }
        let mut op = self.record.op.clone();
        self.without_what_is_missing(&mut op, settings);
        let mut inputs = BTreeMap::new();
        for (place, input) in &self.record.inputs {
            let input = match (input, indexes.get(place)) {
                (Input::Layers(chain), Some(index)) => MountInput::Layers { chain, index },
                _ => MountInput::Kept(self.directory.join(place.to_string())),
            };
            inputs.insert(*place, input);
        }
        let cancel =
            Cancel::new().map_err(|source| ExecuteError::Read { path: "a pipe".to_owned(), source })?;
        let events: &dyn EventSink = &();
        // What they start with is there since the command ran.
        let mut fill = |_, _: &Path| Ok(());
        let caches = exec::cache_mounts(&op, store, settings.owners, &cancel, &mut fill)?;
        let secrets = exec::secrets(&op, settings)?;
        let command = Command {
            op: &op,
            settings,
            store,
            snapshots,
            base: &base,
            chain: &self.record.layers,
            inputs: &inputs,
            caches: &caches,
            secrets: &secrets,
            vertex: self.number,
            name: &self.name,
            events,
            log: PathBuf::new(),
            cancel: &cancel,
        };
        self.start(&command, visit)
    }

    /// Keeps the files from being removed; none if they are gone.
    fn lock(&self) -> Option<InUse> {
        if !self.failed {
            return Some(InUse { _lock: None });
        }
        let directory = File::open(&self.directory).ok()?;
        rustix::fs::flock(&directory, rustix::fs::FlockOperation::LockShared).ok()?;
        self.directory.join("fs").is_dir().then_some(InUse { _lock: Some(directory) })
    }

    /// Takes away the mounts that cannot be made again: what a context showed to a command that succeeded, and secrets
    /// and agents that nobody gave this time.
    fn without_what_is_missing(&self, op: &mut ExecOp, settings: &Settings) {
        for (place, mount) in op.mounts.iter_mut().enumerate() {
            let is_there = match &mut mount.kind {
                MountKind::Bind { .. } => {
                    self.failed || !matches!(self.record.inputs.get(&place), Some(Input::Context) | None)
                }
                MountKind::Secret { id, required, .. } => {
                    *required = false;
                    settings.secrets.contains_key(id)
                }
                MountKind::Ssh { id, required, .. } => {
                    *required = false;
                    settings.ssh_agents.contains_key(id)
                }
                MountKind::Cache { .. } | MountKind::Tmpfs { .. } => true,
            };
            if !is_there {
                mount.target.clear();
            }
        }
        for device in &mut op.devices {
            device.required = false;
        }
    }

    fn start(&self, command: &Command<'_>, mut visit: Visit<'_>) -> Result<ExitStatus, ExecuteError> {
        let candidates = match visit.command {
            Some(words) => vec![words.to_vec()],
            None => shells(command.op),
        };
        let user = identity(command.base, &command.op.user)?;
        let mut last = None;
        for words in candidates {
            // A work directory cannot be used a second time, so each attempt has everything anew.
            let scratch = command.store.temporary_directory()?;
            let place = self.place(&scratch)?;
            let own = StepMount {
                source: plimsoll_sandbox::MountSource::Bind(visit.own_program.to_owned()),
                target: OWN_SHELL.into(),
                read_only: true,
            };
            let exec::Prepared { mut step, passages, .. } =
                exec::step(command, &place, &user, &scratch, Some(own))?;
            step.argv = words.iter().map(OsString::from).collect();
            if let Some(kind) = visit.terminal_kind
                && !step.env.iter().any(|(name, _)| name == "TERM")
            {
                step.env.push(("TERM".into(), kind.into()));
            }
            let outcome = run(&step, &mut visit.connection);
            drop(passages);
            // What cannot be removed here is left to the sweep.
            let _left = fs::remove_dir_all(&scratch);
            match outcome {
                Err(
                    error @ (SandboxError::ExecutableNotFound { .. } | SandboxError::NotExecutable { .. }),
                ) => {
                    last = Some(error);
                }
                other => return other.map_err(|source| ExecuteError::Sandbox { source }),
            }
        }
        let source = last.expect("there is at least one candidate");
        Err(ExecuteError::Sandbox { source })
    }

    /// The command's own upper directory, or an empty one on top of what it left.
    fn place(&self, scratch: &Path) -> Result<Place, ExecuteError> {
        let (upper, work) = (scratch.join("upper"), scratch.join("work"));
        exec::make(&work)?;
        if self.failed {
            return Ok(Place { upper: self.directory.join("fs"), work });
        }
        exec::make(&upper)?;
        Ok(Place { upper, work })
    }
}

/// The shells that are tried, the program's own last.
fn shells(op: &ExecOp) -> Vec<Vec<String>> {
    let named =
        op.args.first().filter(|program| SHELLS.contains(&program.rsplit('/').next().unwrap_or_default()));
    let usual = ["/bin/bash", "/bin/sh", "/usr/bin/bash", "/usr/bin/sh"].map(str::to_owned);
    let mut shells: Vec<Vec<String>> = Vec::new();
    for program in named.cloned().into_iter().chain(usual).chain([OWN_SHELL.to_owned()]) {
        if !shells.iter().any(|shell| shell[0] == program) {
            shells.push(vec![program]);
        }
    }
    shells
}

fn run(step: &Step, connection: &mut Connection<'_>) -> Result<ExitStatus, SandboxError> {
    use std::os::fd::AsFd;
    match connection {
        Connection::Terminal(serve) => {
            let (mut child, terminal) = step.spawn_in_terminal()?;
            serve(&mut child, &terminal)
        }
        Connection::Inherited => {
            let again = |descriptor: std::os::fd::BorrowedFd<'_>| {
                descriptor.try_clone_to_owned().map_err(|source| SandboxError::Start { source })
            };
            let stdio = Stdio {
                stdin: again(std::io::stdin().as_fd())?,
                stdout: again(std::io::stdout().as_fd())?,
                stderr: again(std::io::stderr().as_fd())?,
            };
            step.spawn(stdio)?.wait()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shell_of_the_image_comes_first_and_the_programs_own_last() {
        let record = |args: &[&str]| {
            let text = serde_json::json!({"args": args, "env": [], "cwd": "/", "user": "", "network": "default",
                "security": "sandbox", "mounts": []});
            serde_json::from_value::<ExecOp>(text).unwrap()
        };
        let names = |args: &[&str]| shells(&record(args)).concat();
        assert_eq!(names(&["/opt/zsh", "-c", "x"])[0], "/opt/zsh");
        assert_eq!(
            names(&["/bin/sh", "-c", "x"]),
            ["/bin/sh", "/bin/bash", "/usr/bin/bash", "/usr/bin/sh", OWN_SHELL]
        );
        assert_eq!(names(&["/app/server"])[0], "/bin/bash");
    }
}
