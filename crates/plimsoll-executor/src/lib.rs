//! The ops: base images, commands and files, looked up and run.
//!
//! [`Worker`] is what the solver drives. It derives cache keys (`key`), asks the store, and runs what is unknown:
//! commands in the sandbox (`exec`), file ops straight into a layer's directory (`copy`).

mod changeset;
mod command;
mod context;
mod copy;
mod error;
mod exec;
mod ingredients;
mod key;
mod log;
mod mode;
mod owner;
mod select;
mod settings;
mod stubs;
mod tree;
mod worker;

pub use context::LocalContext;
pub use error::{ExecuteError, how};
pub use settings::{SecretSource, Settings};
pub use worker::{BaseLayers, DerivedKey, Output, RemoteFile, RemoteFiles, Worker};
