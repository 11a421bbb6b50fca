//! A store, a context and a user for one test, and what is needed to look at the results.

mod archive;
mod engine;
mod image;
mod leftovers;
mod terminal;
mod users;
mod web;

use std::ffi::{OsStr, OsString};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) use archive::Archive;
pub(crate) use engine::Engine;
pub(crate) use image::{Image, Kind, from_gzip};
pub(crate) use leftovers::{assert_nothing_left, traces_of};
pub(crate) use terminal::Terminal;
pub(crate) use users::{User, plain_user, user_with_subordinate_ids};
pub(crate) use web::{MODIFIED, Page, Repository, Web};

/// A root file system with a shell and the usual commands; every stage of a test begins with `FROM base`.
pub(crate) const BASE: &str = "FROM scratch AS base\n\
    COPY busybox /bin/busybox\n\
    RUN [\"/bin/busybox\",\"--install\",\"-s\",\"/bin\"]\n\
    ENV PATH=/bin\n";

/// Steps that [`BASE`] makes.
pub(crate) const BASE_STEPS: u64 = 2;

/// A build that takes longer than this hangs.
const LONGEST_BUILD: Duration = Duration::from_secs(30);

/// The program under test, at a place where every user can run it.
pub(crate) fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let path = std::env::var_os("PLIMSOLL_TEST_BINARY")
            .map_or_else(built_program, |path| PathBuf::from(path).canonicalize().unwrap());
        assert!(path.is_file(), "there is no program at {}", path.display());
        path
    })
}

fn built_program() -> PathBuf {
    env!("CARGO_BIN_EXE_plimsoll").into()
}

/// Whether the program has a command of this name.
pub(crate) fn has_command(name: &str) -> bool {
    Command::new(program()).args([name, "--help"]).output().unwrap().status.success()
}

/// Whether the tests run as root; otherwise says loudly that a test does not run.
pub(crate) fn is_root(test: &str) -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        eprintln!("SKIPPED: `{test}` makes users, and so runs as root only");
    }
    root
}

/// The bytes of a statically linked busybox.
fn busybox() -> &'static [u8] {
    static BYTES: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let found = || {
            let candidates =
                ["/bin/busybox", "/usr/bin/busybox", "/usr/bin/busybox.static", "/bin/busybox.static"];
            candidates.iter().filter_map(|path| std::fs::read(path).ok()).find(|bytes| is_static(bytes))
        };
        if let Some(bytes) = found() {
            return bytes;
        }
        if rustix::process::geteuid().is_root() {
            let status = Command::new("apt-get")
                .args(["install", "-qy", "busybox-static"])
                .stdout(Stdio::null())
                .status();
            assert!(
                status.is_ok_and(|status| status.success()),
                "cannot install the package `busybox-static`"
            );
        }
        found().expect("these tests need a static busybox: install the package `busybox-static`")
    });
    &BYTES
}

/// Whether a program of 64 bits names no dynamic loader (ELF program header of type `PT_INTERP`).
fn is_static(elf: &[u8]) -> bool {
    let number = |at: usize, bytes: usize| {
        elf.get(at..at + bytes)
            .map_or(0, |field| field.iter().rev().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte)))
    };
    let (table, size, count) = (number(32, 8), number(54, 2), number(56, 2));
    elf.starts_with(b"\x7fELF\x02\x01") && (0..count).all(|place| number(table + place * size, 4) != 3)
}

/// A directory with a context and a store that belong to one user.
pub(crate) struct Lab {
    directory: TempDir,
    /// Who builds; none is whoever runs the tests.
    user: Option<Arc<User>>,
}

impl Lab {
    /// A fresh store and a context that holds `busybox` only.
    pub(crate) fn new() -> Self {
        Self::of(None)
    }

    /// The same for another user.
    pub(crate) fn of(user: Option<Arc<User>>) -> Self {
        let directory = tempfile::Builder::new().prefix("plimsoll-test-").tempdir().unwrap();
        let lab = Self { directory, user };
        open(lab.directory.path());
        for name in ["context", "home"] {
            std::fs::create_dir(lab.directory.path().join(name)).unwrap();
            lab.give(&lab.directory.path().join(name));
        }
        lab.give(lab.directory.path());
        lab.write("busybox", busybox());
        std::fs::set_permissions(lab.path("busybox"), PermissionsExt::from_mode(0o755)).unwrap();
        lab
    }

    /// A place beside the context.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// User and group of a lab that is another user's.
    pub(crate) fn ids(&self) -> Option<(u32, u32)> {
        self.user.as_ref().map(|user| (user.uid, user.gid))
    }

    /// Where the store is.
    pub(crate) fn store(&self) -> PathBuf {
        self.beside("store")
    }

    /// Where the context is.
    pub(crate) fn context(&self) -> PathBuf {
        self.beside("context")
    }

    /// What the names of all files of this test begin with.
    pub(crate) fn mark(&self) -> &str {
        self.directory.path().to_str().unwrap()
    }

    /// A path in the context.
    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.context().join(name)
    }

    /// Writes a file into the context, with the directories above it.
    pub(crate) fn write(&self, name: impl AsRef<Path>, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        for parent in path
            .parent()
            .unwrap()
            .ancestors()
            .take_while(|parent| *parent != self.context())
            .collect::<Vec<_>>()
            .iter()
            .rev()
        {
            if !parent.exists() {
                std::fs::create_dir(parent).unwrap();
                self.give(parent);
            }
        }
        std::fs::write(&path, content).unwrap();
        self.give(&path);
    }

    /// Makes a symbolic link in the context.
    pub(crate) fn link(&self, target: &str, name: &str) {
        symlink(target, self.path(name)).unwrap();
    }

    /// Writes the Dockerfile: [`BASE`], then the text.
    pub(crate) fn dockerfile(&self, text: &str) {
        self.write("Dockerfile", format!("{BASE}{text}"));
    }

    fn give(&self, path: &Path) {
        if let Some(user) = &self.user {
            std::os::unix::fs::chown(path, Some(user.uid), Some(user.gid)).unwrap();
        }
    }

    /// Any command of the program, on this store, with an environment that holds nothing of the tester's.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("HOME", self.beside("home"));
        command.env("PLIMSOLL_ROOT", self.store()).current_dir(self.directory.path()).args(arguments);
        if let Some(user) = &self.user {
            command.uid(user.uid).gid(user.gid);
        }
        command
    }

    /// Output of a command that must succeed.
    pub(crate) fn output(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// A build of the context.
    pub(crate) fn build(&self) -> Build<'_> {
        Build {
            lab: self,
            arguments: Vec::new(),
            env: Vec::new(),
            context: self.context().into(),
            stdin: None,
        }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // The files of subordinate ids go only inside of the namespace.
        if self.user.is_some() && self.store().exists() {
            let _removed_below_as_well = self.command(&["reset", "--force"]).output();
        }
    }
}

/// Lets every user pass through a directory.
fn open(path: &Path) {
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
}

/// One `plimsoll build`.
#[derive(Clone)]
pub(crate) struct Build<'l> {
    lab: &'l Lab,
    arguments: Vec<OsString>,
    env: Vec<(String, String)>,
    context: OsString,
    stdin: Option<Vec<u8>>,
}

impl Build<'_> {
    /// Adds one argument.
    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// Adds several arguments.
    pub(crate) fn args<A: AsRef<OsStr>>(self, arguments: impl IntoIterator<Item = A>) -> Self {
        arguments.into_iter().fold(self, Self::arg)
    }

    /// Sets a variable for the program.
    pub(crate) fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    /// Same times everywhere.
    pub(crate) fn epoch(self) -> Self {
        self.env("SOURCE_DATE_EPOCH", "1700000000")
    }

    /// Another context.
    pub(crate) fn context(mut self, context: impl AsRef<OsStr>) -> Self {
        context.as_ref().clone_into(&mut self.context);
        self
    }

    /// What the program reads from standard input.
    pub(crate) fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    fn prepare(&self, leading: &[&str]) -> Command {
        let mut command = self.lab.command(&["build"]);
        command.args(leading).args(&self.arguments).arg(&self.context);
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command.stdin(if self.stdin.is_some() { Stdio::piped() } else { Stdio::null() });
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Starts it and does not wait.
    pub(crate) fn start(&self) -> Child {
        let mut command = self.prepare(&["--progress", "rawjson"]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    }

    /// Runs it without the arguments that [`Build::run`] adds.
    pub(crate) fn run_as_typed(&self) -> Outcome {
        self.finish(self.prepare(&[]), None)
    }

    /// Runs it to its end, whatever that is.
    pub(crate) fn run(&self) -> Outcome {
        static COUNTER: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let number = COUNTER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let metadata = self.lab.beside(&format!("metadata-{number}"));
        let path = metadata.to_str().unwrap();
        self.finish(self.prepare(&["--progress", "rawjson", "--metadata-file", path]), Some(&metadata))
    }

    /// Runs it; it must succeed.
    pub(crate) fn ok(&self) -> Outcome {
        let outcome = self.run();
        assert_eq!(outcome.code, 0, "the build failed:\n{}", outcome.stderr);
        outcome
    }

    /// Runs it; it must fail with this exit code.
    pub(crate) fn fails(&self, code: i32) -> Outcome {
        let outcome = self.run();
        assert_eq!(outcome.code, code, "another exit code was expected:\n{}", outcome.stderr);
        outcome
    }

    fn finish(&self, mut command: Command, metadata: Option<&Path>) -> Outcome {
        let started = Instant::now();
        let mut child = command.spawn().unwrap();
        if let Some(bytes) = &self.stdin {
            std::io::Write::write_all(&mut child.stdin.take().unwrap(), bytes).unwrap();
        }
        let watched = Pid::from_child(&child);
        let (ended, end) = std::sync::mpsc::channel::<()>();
        let watchdog = std::thread::spawn(move || {
            let hangs = end.recv_timeout(LONGEST_BUILD) == Err(RecvTimeoutError::Timeout);
            if hangs {
                kill_process(watched, Signal::KILL).unwrap();
            }
            hangs
        });
        let output = child.wait_with_output().unwrap();
        drop(ended);
        let took = started.elapsed();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!watchdog.join().unwrap(), "the program hangs:\n{stderr}");
        let metadata = metadata.and_then(|path| std::fs::read(path).ok());
        Outcome {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            events: stderr.lines().filter_map(|line| serde_json::from_str(line).ok()).collect(),
            stderr,
            took,
            metadata: metadata.map(|bytes| serde_json::from_slice(&bytes).unwrap()),
            store: self.lab.store(),
        }
    }
}

/// What came of a build.
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// The JSON lines of standard error.
    pub(crate) events: Vec<Value>,
    /// How long the program ran.
    pub(crate) took: Duration,
    /// What `--metadata-file` got.
    pub(crate) metadata: Option<Value>,
    store: PathBuf,
}

impl Outcome {
    fn finished(&self) -> &Value {
        let last = self.events.iter().rev().find(|event| event["event"] == "finished");
        last.unwrap_or_else(|| panic!("no `finished` event:\n{}", self.stderr))
    }

    /// Steps that ran.
    pub(crate) fn steps_run(&self) -> u64 {
        self.finished()["run"].as_u64().unwrap()
    }

    /// Steps that were known.
    pub(crate) fn steps_cached(&self) -> u64 {
        self.finished()["cached"].as_u64().unwrap()
    }

    /// Names of the vertices for which an event of this kind came.
    pub(crate) fn names(&self, kind: &str) -> Vec<String> {
        let name = |vertex: &Value| {
            let event =
                self.events.iter().find(|event| event["event"] == "vertex" && event["vertex"] == *vertex);
            event.unwrap()["name"].as_str().unwrap().to_owned()
        };
        let of_kind = self.events.iter().filter(|event| event["event"] == kind);
        of_kind.map(|event| name(&event["vertex"])).collect()
    }

    /// Whether a vertex with this in its name ran.
    pub(crate) fn ran(&self, part: &str) -> bool {
        self.names("vertex-started").iter().any(|name| name.contains(part))
    }

    /// Everything that steps wrote, one line each.
    pub(crate) fn log(&self) -> Vec<&str> {
        let lines = self.events.iter().filter(|event| event["event"] == "log");
        lines.map(|event| event["text"].as_str().unwrap()).collect()
    }

    /// Fails unless a step wrote this line.
    pub(crate) fn assert_logged(&self, line: &str) {
        assert!(self.log().contains(&line), "no step wrote `{line}`:\n{}", self.log().join("\n"));
    }

    /// The manifest's digest.
    pub(crate) fn digest(&self) -> String {
        let metadata =
            self.metadata.as_ref().unwrap_or_else(|| panic!("no image was built:\n{}", self.stderr));
        metadata["containerimage.digest"].as_str().unwrap().to_owned()
    }

    /// The image in the store.
    pub(crate) fn image(&self) -> Image {
        Image::read(&self.store, &self.digest())
    }
}
