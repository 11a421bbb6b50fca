//! buildah, as it is measured: as root, on overlay, with its layer cache.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::builder::{Builder, Request};
use crate::shell;

/// buildah with a store of its own.
pub(crate) struct Buildah {
    scratch: PathBuf,
}

impl Buildah {
    /// The builder, with its store in `scratch`.
    pub(crate) fn new(scratch: &Path) -> Self {
        Self { scratch: scratch.to_path_buf() }
    }

    fn buildah(&self) -> Command {
        let mut command = Command::new("buildah");
        command.arg("--root").arg(self.scratch.join("buildah"));
        command.arg("--runroot").arg(self.scratch.join("buildah-run"));
        command.args(["--storage-driver", "overlay"]);
        command
    }
}

impl Builder for Buildah {
    fn name(&self) -> &'static str {
        "buildah"
    }

    fn version(&self) -> Result<String> {
        let text = shell::capture(Command::new("buildah").arg("--version"))?;
        // "buildah version 1.28.2 (image-spec …)"
        let version = text.split_whitespace().nth(2).unwrap_or_default();
        Ok(format!("buildah {version}, with `--layers`, started anew for every command"))
    }

    fn base(&mut self, name: &str, _source: &str) -> Result<()> {
        let archive = self.scratch.join(format!("{name}.tar"));
        let pulled =
            shell::capture(self.buildah().arg("pull").arg(format!("docker-archive:{}", archive.display())))?;
        let id = pulled.lines().last().unwrap_or_default();
        shell::capture(self.buildah().args(["tag", id.trim(), name]))?;
        Ok(())
    }

    fn commands(&mut self, request: &Request<'_>) -> Result<Vec<Command>> {
        let mut build = self.buildah();
        build.args(["build", "--layers", "--network", "host", "--pull=never", "--jobs", "0"]);
        if request.no_cache {
            build.arg("--no-cache");
        }
        build.arg("--tag").arg(request.tag).arg("--file").arg(request.dockerfile).arg(request.context);
        let Some(registry) = request.push_to else {
            return Ok(vec![build]);
        };
        let mut push = self.buildah();
        push.args(["push", "--tls-verify=false", request.tag]);
        push.arg(format!("docker://{registry}/buildah-{}", request.tag));
        Ok(vec![build, push])
    }

    fn forget(&mut self) -> Result<()> {
        shell::capture(self.buildah().args(["rmi", "--all", "--force"]))?;
        Ok(())
    }
}
