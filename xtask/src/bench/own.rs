//! plimsoll, as it is measured.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::builder::{Builder, Request};
use crate::plimsoll::Plimsoll;
use crate::shell;

/// plimsoll with a store in the scratch directory, or an empty one where a case begins with nothing.
pub(crate) struct Own {
    main: Plimsoll,
    current: Plimsoll,
    scratch: PathBuf,
    forgotten: u32,
}

impl Own {
    /// The builder; its stores are made in `scratch`.
    pub(crate) fn new(plimsoll: &Plimsoll, scratch: &Path) -> Result<Self> {
        let root = scratch.join("plimsoll");
        std::fs::create_dir(&root)?;
        let main = plimsoll.with_root(&root);
        Ok(Self { current: main.clone(), main, scratch: scratch.to_path_buf(), forgotten: 0 })
    }
}

impl Builder for Own {
    fn name(&self) -> &'static str {
        "plimsoll"
    }

    fn version(&self) -> Result<String> {
        Ok(format!("{}, started anew for every command", self.main.version()?))
    }

    fn base(&mut self, name: &str, source: &str) -> Result<()> {
        let archive = self.scratch.join(format!("{name}.tar"));
        if archive.exists() {
            return Ok(());
        }
        let mut compose = self.main.command("base");
        compose.args(["build", source, "--tag", name]);
        shell::capture(&mut compose)?;
        shell::capture(self.main.command("save").arg("--output").arg(archive).arg(name))?;
        Ok(())
    }

    fn commands(&mut self, request: &Request<'_>) -> Result<Vec<Command>> {
        let mut build = self.current.build(request.context, request.dockerfile);
        if request.no_cache {
            build.arg("--no-cache");
        }
        let Some(registry) = request.push_to else {
            build.args(["--tag", request.tag]);
            return Ok(vec![build]);
        };
        let reference = format!("{registry}/{}", request.tag);
        build.args(["--tag", &reference]);
        let mut push = self.current.command("push");
        push.arg(&reference);
        Ok(vec![build, push])
    }

    fn begin(&mut self) {
        self.current = self.main.clone();
    }

    fn forget(&mut self) -> Result<()> {
        self.forgotten += 1;
        if self.current.root() != self.main.root() {
            std::fs::remove_dir_all(self.current.root())?;
        }
        let root = self.scratch.join(format!("plimsoll-{}", self.forgotten));
        std::fs::create_dir(&root)?;
        self.current = self.main.with_root(&root);
        Ok(())
    }
}
