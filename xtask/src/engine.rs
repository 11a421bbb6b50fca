//! A Docker engine of its own for a task: its own data, its own socket, ended by its process id.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::shell;

/// How an engine is started.
#[derive(Clone, Copy)]
pub(crate) struct Options<'a> {
    /// Another root file system whose engine and client are used, instead of this machine's own.
    pub(crate) root: Option<&'a Path>,
    /// Images are kept in the store of containerd, which writes OCI archives exactly as `BuildKit` makes them; engines
    /// before version 24 cannot do that.
    pub(crate) containerd_store: bool,
}

/// A running engine.
pub(crate) struct Engine {
    daemon: Child,
    directory: PathBuf,
    socket: PathBuf,
    client: Client,
}

/// The programs that speak to an engine.
#[derive(Clone)]
struct Client {
    docker: Vec<PathBuf>,
    /// The plug-in that builds, when it is run by itself; else `docker build`.
    buildx: Option<Vec<PathBuf>>,
}

impl Engine {
    /// Starts an engine whose data lies in `directory`, which must not exist.
    pub(crate) fn start(directory: PathBuf, options: Options<'_>) -> Result<Self> {
        let client = client(options.root)?;
        std::fs::create_dir(&directory)?;
        // A socket's path may have 107 bytes: the directory may lie deeper than that.
        let socket = PathBuf::from(format!("/tmp/plimsoll-engine-{}.sock", std::process::id()));
        let settings = directory.join("daemon.json");
        let features = if options.containerd_store { r#"{"containerd-snapshotter": true}"# } else { "{}" };
        // A build may ask for more than steps have by themselves; whether it does is for its own flags to say.
        let builder = r#"{"entitlements": {"security-insecure": true}}"#;
        std::fs::write(&settings, format!("{{\"features\": {features}, \"builder\": {builder}}}"))?;
        let mut command = match options.root {
            Some(root) => other_root(root, &[&directory, Path::new("/tmp")])?,
            None => Command::new(shell::find("dockerd").context("`dockerd` is not installed")?),
        };
        let log = File::create(directory.join("log"))?;
        command
            .arg("--config-file")
            .arg(settings)
            .arg("--data-root")
            .arg(directory.join("data"))
            .arg("--exec-root")
            .arg(directory.join("exec"))
            .arg("--pidfile")
            .arg(directory.join("pid"))
            .arg("--host")
            .arg(format!("unix://{}", socket.display()))
            // Steps use the host's network: no bridge and no packet filter of this machine is touched.
            .args(["--iptables=false", "--bridge=none", "--log-level=warn"])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        if !options.containerd_store {
            command.arg("--storage-driver=overlay2");
        }
        let daemon = command.spawn().context("could not start `dockerd`")?;
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

    /// The process id of the daemon.
    pub(crate) fn pid(&self) -> u32 {
        self.daemon.id()
    }

    /// The directory of its data.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The client, speaking to this engine.
    pub(crate) fn docker(&self) -> Command {
        self.command(&self.client.docker)
    }

    /// The client's `build`.
    pub(crate) fn build(&self) -> Command {
        let mut command = self.command(self.client.buildx.as_ref().unwrap_or(&self.client.docker));
        command.arg("build");
        command
    }

    /// Removes everything that earlier builds left in the cache.
    pub(crate) fn prune_builds(&self) -> Result<()> {
        let mut command = match &self.client.buildx {
            Some(words) => self.command(words),
            None => self.command(&[self.client.docker.as_slice(), &["builder".into()]].concat()),
        };
        shell::capture(command.args(["prune", "--all", "--force"]))?;
        Ok(())
    }

    fn command(&self, words: &[PathBuf]) -> Command {
        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
            .env("DOCKER_HOST", format!("unix://{}", self.socket.display()))
            .env("DOCKER_CONFIG", &self.directory)
            .env("DOCKER_BUILDKIT", "1");
        command
    }

    /// The engine's own version.
    pub(crate) fn version(&self) -> Result<String> {
        let version = shell::capture(self.docker().args(["version", "--format", "{{.Server.Version}}"]))?;
        Ok(version.trim().to_owned())
    }
}

impl Drop for Engine {
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

/// The clients of this machine, or of another root: those run here, on their own libraries.
fn client(root: Option<&Path>) -> Result<Client> {
    let plugin = "usr/libexec/docker/cli-plugins/docker-buildx";
    let own = || {
        let docker = ["/usr/bin/docker", "/usr/local/bin/docker"].map(PathBuf::from);
        docker.into_iter().find(|path| path.is_file()).context("there is no `docker` client")
    };
    let Some(root) = root else {
        let buildx = Path::new("/").join(plugin);
        return Ok(Client { docker: vec![own()?], buildx: buildx.is_file().then(|| vec![buildx]) });
    };
    let Some(loader) = loader(root) else { return Ok(Client { docker: vec![own()?], buildx: None }) };
    let with_loader = |program: PathBuf| [loader.clone(), vec![program]].concat();
    let docker = root.join("usr/bin/docker");
    let buildx = root.join(plugin);
    Ok(Client {
        docker: if docker.is_file() { with_loader(docker) } else { vec![own()?] },
        buildx: buildx.is_file().then(|| with_loader(buildx)),
    })
}

/// The words that run a program of another root file system with the libraries of that root.
fn loader(root: &Path) -> Option<Vec<PathBuf>> {
    let candidates = [
        ("lib64/ld-linux-x86-64.so.2", "usr/lib/x86_64-linux-gnu"),
        ("lib/ld-linux-aarch64.so.1", "usr/lib/aarch64-linux-gnu"),
    ];
    let (loader, libraries) = candidates.into_iter().find(|(loader, _)| root.join(loader).is_file())?;
    Some(vec![root.join(loader), "--library-path".into(), root.join(libraries)])
}

/// What the engine of this machine, or of another root, says its version is; nothing when there is none.
pub(crate) fn daemon_version(root: Option<&Path>) -> Option<String> {
    let words = match root {
        None => vec![shell::find("dockerd")?],
        Some(root) => [loader(root)?, vec![root.join("usr/sbin/dockerd")]].concat(),
    };
    let version = shell::capture(Command::new(&words[0]).args(&words[1..]).arg("--version")).ok()?;
    Some(version.trim().to_owned())
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
