//! What a Dockerfile becomes: one situation a test, small files, base images that are made up.

mod arguments;
mod bases;
mod config;
mod history;
mod hostile;
mod keys;
mod mounts;
mod run;
mod stages;
mod support;
mod transfer;
mod triggers;
