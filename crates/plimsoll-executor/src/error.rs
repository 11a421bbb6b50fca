//! Why a vertex could not be done.

use std::io;
use std::path::PathBuf;

use plimsoll_layer::{LayerError, ResolveError};
use plimsoll_sandbox::{ExitStatus, SandboxError};
use plimsoll_snapshot::SnapshotError;

use crate::devices::DeviceError;

/// Why a vertex could not be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExecuteError {
    /// A literal source path does not exist.
    #[error("`{path}` is not in the source")]
    SourceMissing {
        /// The path as written.
        path: String,
    },
    /// The path is in the build context's directory, but its ignore file hides it.
    #[error("`{path}` is hidden by line {line} of `{file}`")]
    SourceIgnored {
        /// The path as written.
        path: String,
        /// The ignore file.
        file: String,
        /// Its line, counted from 1.
        line: usize,
    },
    /// The Dockerfile takes files from a build context, and came without one.
    #[error(
        "there is no build context to take files from; give a directory, and the Dockerfile with `--file -`"
    )]
    NoContext,
    /// A wildcard that breaks the grammar of `filepath.Match`.
    #[error("`{pattern}` is not a valid pattern")]
    BadPattern {
        /// The pattern.
        pattern: String,
    },
    /// A path leads nowhere.
    #[error(transparent)]
    Resolve {
        /// Why.
        source: ResolveError,
    },
    /// A component of a destination exists and is something else.
    #[error("`{path}` exists and is not a directory")]
    NotADirectory {
        /// The path in the image.
        path: String,
    },
    /// A file would replace a directory.
    #[error("`{path}` is a directory, and cannot be replaced by a file")]
    IsADirectory {
        /// The path in the image.
        path: String,
    },
    /// A hard link of an archive names nothing that could have another name.
    #[error("the hard link `{path}` of the archive names `{target}`, which is no file")]
    LinkTarget {
        /// The link.
        path: String,
        /// What it names.
        target: String,
    },
    /// An archive is larger than the configuration allows.
    #[error(
        "the archive has more than {limit} entries, which `store.max-archive-entries` of the configuration allows"
    )]
    TooManyEntries {
        /// The setting.
        limit: u64,
    },
    /// The bytes of the layers below are needed after all; never leaves this crate.
    #[error("the files of the layers below are needed")]
    BaseNeeded,
    /// A mode that is none.
    #[error("`{mode}` is not a mode: write it in octal (`755`) or as `chmod` takes it (`u=rwX,go=rX`)")]
    BadMode {
        /// The mode as written.
        mode: String,
    },
    /// A user that the image does not have.
    #[error("the image has no user `{name}` in /etc/passwd")]
    UnknownUser {
        /// The name as written.
        name: String,
    },
    /// A group that the image does not have.
    #[error("the image has no group `{name}` in /etc/group")]
    UnknownGroup {
        /// The name as written.
        name: String,
    },
    /// A secret that must be there was not given.
    #[error(
        "the secret `{id}` was not given; give it with `--secret id={id},src=FILE` or `--secret id={id},env=NAME`"
    )]
    SecretMissing {
        /// Its id.
        id: String,
    },
    /// A secret could not be read.
    #[error("cannot read the secret `{id}`")]
    SecretUnreadable {
        /// Its id.
        id: String,
        /// The reason.
        #[source]
        source: io::Error,
    },
    /// An ssh agent that must be there was not given.
    #[error(
        "no ssh agent was given as `{id}`; give it with `--ssh {id}` while an agent runs, or `--ssh {id}=SOCKET`"
    )]
    SshMissing {
        /// Its id.
        id: String,
    },
    /// A device that it is to have cannot be given.
    #[error(transparent)]
    Device {
        /// Why.
        #[from]
        source: DeviceError,
    },
    /// The command ended in failure.
    #[error("`{command}` {}", how(*.status))]
    Failed {
        /// The command, shortened.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// The limit of memory was reached on the way.
        out_of_memory: bool,
        /// The last lines that it wrote, secrets masked.
        tail: Vec<String>,
        /// The whole log.
        log: PathBuf,
    },
    /// The command could not be started, or its sandbox not be made.
    #[error("the command could not be started")]
    Sandbox {
        /// Why.
        #[source]
        source: SandboxError,
    },
    /// What was kept of a command of an earlier build is gone.
    #[error("what was kept of `{name}` is gone; build again")]
    KeptGone {
        /// The command.
        name: String,
    },
    /// The build was asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// This process may not touch unpacked layers; its copy in a user namespace must do it.
    #[error("this needs the user namespace")]
    NeedsNamespace,
    /// A source could not be read.
    #[error("cannot read `{path}`")]
    Read {
        /// Which.
        path: String,
        /// The reason.
        #[source]
        source: io::Error,
    },
    /// Something in the store could not be written.
    #[error("cannot write `{}`", path.display())]
    Write {
        /// Where.
        path: PathBuf,
        /// The reason.
        #[source]
        source: io::Error,
    },
    /// A layer or an archive is broken.
    #[error("the layer cannot be written or read")]
    Layer {
        /// Why.
        #[from]
        source: LayerError,
    },
    /// A snapshot could not be had.
    #[error(transparent)]
    Snapshot {
        /// Why.
        #[from]
        source: SnapshotError,
    },
    /// The store refused.
    #[error(transparent)]
    Store {
        /// Why.
        #[from]
        source: plimsoll_store::Error,
    },
    /// A remote file could not be had.
    #[error("cannot fetch `{url}`")]
    Remote {
        /// The address, without credentials.
        url: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// How a command ended, in words.
pub fn how(status: ExitStatus) -> String {
    match status {
        ExitStatus::Code(code) => format!("ended with exit code {code}"),
        ExitStatus::Signal(signal) => format!("was ended by signal {signal}"),
    }
}
