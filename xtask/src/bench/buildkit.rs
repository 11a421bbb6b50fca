//! `BuildKit`, as the Docker engine has it built in: a daemon that is running already.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::builder::{Builder, Request};
use super::memory::{self, Peak};
use crate::engine::{Engine, Options};
use crate::shell;

/// A Docker engine that this task has started.
pub(crate) struct BuildKit {
    engine: Engine,
}

impl BuildKit {
    /// Starts the engine; with `root`, the one of another root file system, in a mount namespace of its own.
    pub(crate) fn start(scratch: &Path, root: Option<&Path>) -> Result<Self> {
        let engine = Engine::start(scratch.join("docker"), Options { root, containerd_store: false })?;
        Ok(Self { engine })
    }

    /// The daemon and the containerd that it has started.
    fn processes(&self) -> Vec<u32> {
        let daemon = self.engine.pid();
        let mut processes = vec![daemon];
        processes.extend(
            memory::descendants(daemon)
                .into_iter()
                .filter(|pid| matches!(memory::name(*pid).as_deref(), Some("dockerd" | "containerd"))),
        );
        processes
    }
}

impl Builder for BuildKit {
    fn name(&self) -> &'static str {
        "BuildKit"
    }

    fn version(&self) -> Result<String> {
        let version = self.engine.version()?;
        Ok(format!("BuildKit of Docker {version}, client and a daemon that is running already"))
    }

    fn base(&mut self, name: &str, _source: &str) -> Result<()> {
        let archive = self.engine.directory().with_file_name(format!("{name}.tar"));
        shell::capture(self.engine.docker().args(["load", "--input"]).arg(archive))?;
        Ok(())
    }

    fn commands(&mut self, request: &Request<'_>) -> Result<Vec<Command>> {
        let mut build = self.engine.build();
        build.args(["--network", "host", "--progress", "plain"]);
        if request.no_cache {
            build.arg("--no-cache");
        }
        build.arg("--file").arg(request.dockerfile).arg(request.context);
        let Some(registry) = request.push_to else {
            build.args(["--tag", request.tag]);
            return Ok(vec![build]);
        };
        let reference = format!("{registry}/buildkit-{}", request.tag);
        build.args(["--tag", &reference]);
        let mut push = self.engine.docker();
        push.args(["push", &reference]);
        Ok(vec![build, push])
    }

    fn forget(&mut self) -> Result<()> {
        self.engine.prune_builds()
    }

    fn watch(&mut self) -> Result<()> {
        self.processes().into_iter().try_for_each(memory::reset)
    }

    fn peak(&mut self) -> Result<Option<Peak>> {
        Ok(self.processes().into_iter().filter_map(memory::peak).reduce(|sum, peak| sum + peak))
    }
}
