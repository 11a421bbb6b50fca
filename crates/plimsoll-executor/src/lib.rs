//! The ops: base images, commands and files, looked up and run.
//!
//! [`Worker`] is what the solver drives. It derives cache keys (`key`), asks the store, and runs what is unknown:
//! commands in the sandbox (`exec`), file ops straight into a layer's directory (`copy`).

mod agent;
mod changeset;
mod command;
mod context;
mod copy;
mod devices;
mod error;
mod exec;
mod ingredients;
mod kept;
mod key;
mod log;
mod mode;
mod owner;
mod parallel;
mod select;
mod settings;
mod source;
mod stubs;
mod tree;
mod unpack;
mod worker;

pub use agent::{Passage, SshAgent, SshKeyError, SshKeys};
pub use context::LocalContext;
pub use devices::{DeviceError, Devices, FoundDevice, SpecError};
pub use error::{ExecuteError, how};
pub use kept::{Connection, KeptStep, OWN_SHELL, Visit, kept_steps};
pub use settings::{SecretSource, Settings, StepLimits};
pub use source::{GitCommit, RemoteFile, RemoteSources};
pub use worker::{BaseLayers, DerivedKey, Output, Worker};
