//! What a builder must be able to do to be measured.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::memory::Peak;

/// A build that a builder is asked for.
pub(crate) struct Request<'a> {
    /// The build context.
    pub(crate) context: &'a Path,
    /// The Dockerfile.
    pub(crate) dockerfile: &'a Path,
    /// The name that the image gets.
    pub(crate) tag: &'a str,
    /// Use no earlier result.
    pub(crate) no_cache: bool,
    /// A registry, `address:port`, that the image is pushed to afterwards.
    pub(crate) push_to: Option<&'a str>,
}

/// A builder with its own store.
pub(crate) trait Builder {
    /// A short name for a table's head.
    fn name(&self) -> &'static str;

    /// The name with the version, and how it was run.
    fn version(&self) -> Result<String>;

    /// Makes a base image known under a name.
    fn base(&mut self, name: &str, source: &str) -> Result<()>;

    /// The commands that do what is asked, one after another.
    fn commands(&mut self, request: &Request<'_>) -> Result<Vec<Command>>;

    /// Begins a case: what `forget` has changed is as before.
    fn begin(&mut self) {}

    /// Forgets all results and all that is known of contexts.
    fn forget(&mut self) -> Result<()>;

    /// Begins to watch the memory of processes that outlive a command.
    fn watch(&mut self) -> Result<()> {
        Ok(())
    }

    /// The peak of those processes since `watch`; nothing for a builder that has none.
    fn peak(&mut self) -> Result<Option<Peak>> {
        Ok(None)
    }
}
