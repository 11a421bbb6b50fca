//! `BuildKit`, as the Docker engine has it built in: a daemon of its own, on its own data, ended by its process id.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::builder::{Builder, Request};
use super::memory::{self, Peak};
use crate::shell;

/// A Docker engine that this task has started.
pub(crate) struct BuildKit {
    daemon: Child,
    directory: PathBuf,
    socket: PathBuf,
    client: PathBuf,
}

impl BuildKit {
    /// Starts the engine; with `root`, the one of another root file system, in a mount namespace of its own.
    pub(crate) fn start(scratch: &Path, root: Option<&Path>) -> Result<Self> {
        let directory = scratch.join("docker");
        std::fs::create_dir(&directory)?;
        // A socket's path may have 107 bytes: the scratch directory may lie deeper than that.
        let socket = PathBuf::from(format!("/tmp/plimsoll-bench-{}.sock", std::process::id()));
        let mut command = match root {
            Some(root) => other_root(root, &[&directory, Path::new("/tmp")])?,
            None => Command::new(shell::find("dockerd").context("`dockerd` is not installed")?),
        };
        let log = File::create(directory.join("log"))?;
        let daemon = command
            .arg("--data-root")
            .arg(directory.join("data"))
            .arg("--exec-root")
            .arg(directory.join("exec"))
            .arg("--pidfile")
            .arg(directory.join("pid"))
            .arg("--host")
            .arg(format!("unix://{}", socket.display()))
            // Steps use the host's network: no bridge and no packet filter of this machine is touched.
            .args(["--iptables=false", "--bridge=none", "--storage-driver=overlay2", "--log-level=warn"])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("could not start `dockerd`")?;
        // The client of the distribution's engine speaks to BuildKit by itself; newer ones need a plug-in for it.
        let client = ["/usr/bin/docker", "/usr/local/bin/docker"]
            .map(PathBuf::from)
            .into_iter()
            .find(|path| path.is_file())
            .context("there is no `docker` client")?;
        let mut engine = Self { daemon, directory, socket, client };
        engine.wait_until_ready()?;
        Ok(engine)
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let start = Instant::now();
        while start.elapsed() < Duration::from_mins(1) {
            if let Some(status) = self.daemon.try_wait()? {
                bail!("`dockerd` ended: {status}\n{}", self.log());
            }
            if self.socket.exists() && shell::capture(self.docker().arg("version")).is_ok() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        bail!("`dockerd` was not ready after 60 s\n{}", self.log())
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.directory.join("log")).unwrap_or_default()
    }

    fn docker(&self) -> Command {
        let mut command = Command::new(&self.client);
        command
            .env("DOCKER_HOST", format!("unix://{}", self.socket.display()))
            .env("DOCKER_CONFIG", &self.directory)
            .env("DOCKER_BUILDKIT", "1");
        command
    }

    /// The daemon and the containerd that it has started.
    fn processes(&self) -> Vec<u32> {
        let mut processes = vec![self.daemon.id()];
        processes.extend(
            memory::descendants(self.daemon.id())
                .into_iter()
                .filter(|pid| matches!(memory::name(*pid).as_deref(), Some("dockerd" | "containerd"))),
        );
        processes
    }
}

/// A command that starts the engine of another root file system, with this machine's /proc, /sys and /dev in it.
fn other_root(root: &Path, shared: &[&Path]) -> Result<Command> {
    if !root.join("usr/sbin/dockerd").is_file() {
        bail!("`{}` has no `usr/sbin/dockerd`", root.display());
    }
    // The mounts live in a namespace of their own and end with the daemon. The root is a mount as well: steps are started
    // by a program that asks for the mount at `/`.
    let script = "set -e; root=$1; shift; mount --bind \"$root\" \"$root\"; cd \"$root\"\n\
                  while [ \"$1\" != -- ]; do mkdir -p \"$root$1\"; mount --rbind \"$1\" \"$root$1\"; shift; done; shift\n\
                  exec chroot . /usr/sbin/dockerd \"$@\"";
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation=slave", "sh", "-c", script, "sh"]).arg(root);
    command.args(["/proc", "/sys", "/dev"]).args(shared).arg("--");
    Ok(command)
}

impl Builder for BuildKit {
    fn name(&self) -> &'static str {
        "BuildKit"
    }

    fn version(&self) -> Result<String> {
        let version = shell::capture(self.docker().args(["version", "--format", "{{.Server.Version}}"]))?;
        Ok(format!("BuildKit of Docker {}, client and a daemon that is running already", version.trim()))
    }

    fn base(&mut self, name: &str, _source: &str) -> Result<()> {
        let archive = self.directory.with_file_name(format!("{name}.tar"));
        shell::capture(self.docker().args(["load", "--input"]).arg(archive))?;
        Ok(())
    }

    fn commands(&mut self, request: &Request<'_>) -> Result<Vec<Command>> {
        let mut build = self.docker();
        build.args(["build", "--network", "host", "--progress", "plain"]);
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
        let mut push = self.docker();
        push.args(["push", &reference]);
        Ok(vec![build, push])
    }

    fn forget(&mut self) -> Result<()> {
        shell::capture(self.docker().args(["builder", "prune", "--all", "--force"]))?;
        Ok(())
    }

    fn watch(&mut self) -> Result<()> {
        self.processes().into_iter().try_for_each(memory::reset)
    }

    fn peak(&mut self) -> Result<Option<Peak>> {
        Ok(self.processes().into_iter().filter_map(memory::peak).reduce(|sum, peak| sum + peak))
    }
}

impl Drop for BuildKit {
    fn drop(&mut self) {
        // SIGTERM lets the daemon end containerd and take its mounts away.
        if let Some(pid) = i32::try_from(self.daemon.id()).ok().and_then(rustix::process::Pid::from_raw) {
            rustix::process::kill_process(pid, rustix::process::Signal::TERM).ok();
        }
        if let Err(error) = self.daemon.wait() {
            eprintln!("warning: waiting for `dockerd`: {error}");
        }
        std::fs::remove_file(&self.socket).ok();
    }
}
