//! A root file system made from busybox, steps on it, and programs compiled on the spot.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};

use plimsoll_sandbox::{
    ControlLimits, ExitStatus, Identity, MountSource, Network, SandboxError, Security, Stdio, Step, StepMount,
};
use tempfile::TempDir;

const APPLETS: &[&str] = &[
    "cat", "chgrp", "chmod", "chown", "cp", "dd", "echo", "env", "false", "grep", "head", "hostname", "id",
    "ifconfig", "kill", "ln", "ls", "mkdir", "mknod", "mount", "mv", "ps", "pwd", "readlink", "rm", "seq",
    "sh", "sleep", "stat", "stty", "tail", "touch", "true", "tty", "umount", "wc", "yes",
];

/// Says that a test cannot run. In continuous integration that is a failure.
pub(crate) fn skip(reason: &str) {
    assert!(std::env::var_os("CI").is_none(), "cannot run: {reason}");
    eprintln!("SKIPPED: {reason}");
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Installs a package where that is possible; one at a time.
pub(crate) fn install(package: &str) {
    static LOCK: Mutex<()> = Mutex::new(());
    let _guard = LOCK.lock().unwrap_or_else(PoisonError::into_inner);
    let _ = Command::new("apt-get").args(["install", "-y", "--no-install-recommends", package]).output();
}

fn busybox() -> Option<&'static Path> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOUND
        .get_or_init(|| {
            let find = || {
                ["/bin/busybox", "/usr/bin/busybox", "/bin/busybox.static"]
                    .into_iter()
                    .map(PathBuf::from)
                    .find(|path| path.exists())
            };
            find().or_else(|| {
                if is_root() {
                    install("busybox-static");
                }
                find()
            })
        })
        .as_deref()
}

/// Compiles a static program; `None` where that is not possible.
pub(crate) fn compile(source: &str, output: &Path, options: &[&str]) -> Option<()> {
    let code = output.with_extension("c");
    std::fs::write(&code, source).unwrap();
    let done = Command::new("cc")
        .args(["-static", "-O1", "-o"])
        .arg(output)
        .args(options)
        .arg(&code)
        .output()
        .ok()?;
    done.status.success().then_some(())
}

/// A root file system and a place for uppers.
pub(crate) struct Fixture {
    pub(crate) directory: TempDir,
}

/// What a step wrote and how it ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) status: ExitStatus,
    pub(crate) output: String,
    pub(crate) upper: PathBuf,
}

impl Fixture {
    /// Without root or busybox there is none.
    pub(crate) fn as_root() -> Option<Self> {
        if !is_root() {
            skip("root is needed");
            return None;
        }
        Self::new()
    }

    pub(crate) fn new() -> Option<Self> {
        let Some(busybox) = busybox() else {
            skip("a static busybox is needed");
            return None;
        };
        let directory = TempDir::new().unwrap();
        let root = directory.path().join("root");
        for name in ["bin", "dev", "etc", "mnt", "proc", "run", "sys", "tmp"] {
            std::fs::create_dir_all(root.join(name)).unwrap();
        }
        std::fs::copy(busybox, root.join("bin/busybox")).unwrap();
        for applet in APPLETS {
            std::os::unix::fs::symlink("busybox", root.join("bin").join(applet)).unwrap();
        }
        std::fs::write(root.join("etc/hosts"), "image\n").unwrap();
        std::fs::write(root.join("etc/removed"), "old\n").unwrap();
        std::fs::write(root.join("mnt/file"), "").unwrap();
        std::fs::create_dir(root.join("mnt/directory")).unwrap();
        std::os::unix::fs::symlink("directory", root.join("mnt/link")).unwrap();
        Some(Self { directory })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.path("root")
    }

    /// An upper and a work directory that nothing has used.
    pub(crate) fn fresh(&self) -> (PathBuf, PathBuf) {
        let directory =
            tempfile::Builder::new().prefix("layer").tempdir_in(self.directory.path()).unwrap().keep();
        let (upper, work) = (directory.join("upper"), directory.join("work"));
        std::fs::create_dir(&upper).unwrap();
        std::fs::create_dir(&work).unwrap();
        (upper, work)
    }

    pub(crate) fn step(&self, argv: &[&str]) -> Step {
        let (upper, work) = self.fresh();
        Step {
            lowers: vec![self.root()],
            upper,
            work,
            mounts: Vec::new(),
            argv: argv.iter().map(OsString::from).collect(),
            env: vec![("PATH".into(), "/sbin:/bin".into())],
            cwd: "/".into(),
            uid: 0,
            gid: 0,
            groups: Vec::new(),
            hostname: "buildkitsandbox".into(),
            network: Network::Host,
            security: Security::Sandbox,
            no_new_privileges: false,
            shm_size: Step::DEFAULT_SHM_SIZE,
            resource_limits: Vec::new(),
            control_limits: ControlLimits::default(),
            identity: Identity::Host,
        }
    }

    pub(crate) fn shell(&self, script: &str) -> Step {
        self.step(&["sh", "-c", script])
    }
}

/// Runs a step with its output and errors in one pipe.
pub(crate) fn run(step: &Step) -> Result<Outcome, SandboxError> {
    let (mut output, stdio) = piped();
    let mut child = step.spawn(stdio)?;
    let mut bytes = Vec::new();
    output.read_to_end(&mut bytes).unwrap();
    let status = child.wait()?;
    Ok(Outcome { status, output: String::from_utf8_lossy(&bytes).into_owned(), upper: step.upper.clone() })
}

/// Runs a step that must succeed.
pub(crate) fn output(step: &Step) -> String {
    let outcome = run(step).unwrap();
    assert_eq!(outcome.status, ExitStatus::Code(0), "{}", outcome.output);
    outcome.output
}

pub(crate) fn piped() -> (std::io::PipeReader, Stdio) {
    let (reader, writer) = std::io::pipe().unwrap();
    let stdin = OwnedFd::from(File::open("/dev/null").unwrap());
    let stdio = Stdio { stdin, stderr: writer.try_clone().unwrap().into(), stdout: writer.into() };
    (reader, stdio)
}

pub(crate) fn mount(source: MountSource, target: &str, read_only: bool) -> StepMount {
    StepMount { source, target: target.into(), read_only }
}

/// The program of `examples/run_step.rs`, which is built with the tests.
pub(crate) fn run_step_program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.parent().unwrap().parent().unwrap().join("examples/run_step");
    assert!(program.exists(), "{} is missing: build examples too", program.display());
    program
}

/// Ids of processes with `mark` among their arguments.
pub(crate) fn processes_with(mark: &str) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if line.split(|byte| *byte == 0).any(|argument| argument == mark.as_bytes()) {
            found.push(id);
        }
    }
    found
}

/// Waits until something holds; panics when it never does.
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let start = std::time::Instant::now();
    while !holds() {
        assert!(start.elapsed() < std::time::Duration::from_secs(20), "never: {what}");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}
