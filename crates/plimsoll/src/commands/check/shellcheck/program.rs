//! Finding and running the program.

use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use plimsoll_diagnostics::sanitize;
use plimsoll_lint::shellcheck::{Comment, EXCLUDED};
use serde::Deserialize;

/// The program may take this long, and a little more for each script.
const PATIENCE: Duration = Duration::from_secs(20);
const PATIENCE_PER_SCRIPT: Duration = Duration::from_millis(500);

/// An answer is not read further than this many bytes.
const LARGEST_ANSWER: u64 = 256 << 20;

/// A program that can be run.
#[derive(Debug)]
pub(super) struct Program {
    path: PathBuf,
}

/// What a search came to.
pub(super) enum Found {
    Program(Program),
    /// There is one, in a place that is not trusted.
    InWorkspace(PathBuf),
    Nothing,
}

/// Searches the directories of `PATH`. Those that are named relative to the current one are left out, and so are programs
/// in the workspace: what lies there came with the files that are checked.
pub(super) fn find(search_path: &[PathBuf], workspace: &[PathBuf]) -> Found {
    let mut refused = None;
    for directory in search_path.iter().filter(|directory| directory.is_absolute()) {
        let path = directory.join("shellcheck");
        if !is_program(&path) {
            continue;
        }
        let Ok(real) = path.canonicalize() else { continue };
        let real_directory = directory.canonicalize().unwrap_or_else(|_| directory.clone());
        let is_inside =
            |folder: &PathBuf| [&path, &real, &real_directory].iter().any(|place| place.starts_with(folder));
        if workspace.iter().any(is_inside) {
            refused.get_or_insert(path);
            continue;
        }
        return Found::Program(Program { path });
    }
    refused.map_or(Found::Nothing, Found::InWorkspace)
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

#[derive(Deserialize)]
struct Answer {
    comments: Vec<Comment>,
}

impl Program {
    /// The one that was named.
    pub(super) fn named(path: &Path) -> Result<Self> {
        if !is_program(path) {
            bail!(
                "there is no program at `{}`; `--shellcheck` takes `auto`, `off` or its path",
                path.display()
            );
        }
        // The path is not looked up in `PATH` when it is run from another directory.
        let path = std::path::absolute(path).with_context(|| format!("cannot use `{}`", path.display()))?;
        Ok(Self { path })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What tells this file from another version of it; nothing for a script, which may run anything.
    pub(super) fn identity(&self) -> Option<String> {
        let mut start = [0; 2];
        let mut file = std::fs::File::open(&self.path).ok()?;
        let data = file.metadata().ok()?;
        file.read_exact(&mut start).ok()?;
        let path = self.path.to_str().filter(|path| !path.contains(['\t', '\n']))?;
        let parts = [data.dev().to_string(), data.ino().to_string(), data.size().to_string()];
        let changed = format!("{}.{:09}", data.mtime(), data.mtime_nsec());
        (&start != b"#!").then(|| format!("{path} {} {changed}", parts.join(" ")))
    }

    /// Its version: `0.9.0`.
    pub(super) fn version(&self) -> Result<String> {
        let text = self.output(self.command().arg("--version"), PATIENCE)?;
        let text = String::from_utf8_lossy(&text);
        let version = text.lines().find_map(|line| line.strip_prefix("version:")).map(str::trim);
        let is_plain = |version: &&str| {
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_+".contains(&byte);
            (1..=40).contains(&version.len()) && version.bytes().all(is_plain) && !version.starts_with('.')
        };
        version
            .filter(is_plain)
            .map(str::to_owned)
            .with_context(|| format!("`{}` does not say its version", self.path.display()))
    }

    /// What it says about scripts, each by itself.
    pub(super) fn run(&self, scripts: &[&str]) -> Result<Vec<Vec<Comment>>> {
        let failed = "cannot write scripts for ShellCheck";
        let folder = tempfile::Builder::new().prefix("plimsoll-check-").tempdir().context(failed)?;
        for (number, script) in scripts.iter().enumerate() {
            std::fs::write(folder.path().join(number.to_string()), script).context(failed)?;
        }
        let excluded: Vec<String> = EXCLUDED.iter().map(|code| format!("SC{code}")).collect();
        let mut command = self.command();
        // Neither the settings of whoever is here nor files that a script names have a say.
        command.args(["--norc", "--format=json1", "--severity=style"]);
        command.arg(format!("--exclude={}", excluded.join(",")));
        command.args((0..scripts.len()).map(|number| number.to_string())).current_dir(folder.path());
        let count = u32::try_from(scripts.len()).unwrap_or(u32::MAX);
        let output = self.output(&mut command, PATIENCE + PATIENCE_PER_SCRIPT.saturating_mul(count))?;
        let answer: Answer = serde_json::from_slice(&output)
            .with_context(|| format!("cannot understand the answer of `{}`", self.path.display()))?;
        let mut answers = vec![Vec::new(); scripts.len()];
        for mut comment in answer.comments {
            let file = std::mem::take(&mut comment.file);
            if let Some(list) = file.parse().ok().and_then(|number: usize| answers.get_mut(number)) {
                list.push(comment);
            }
        }
        Ok(answers)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        // Its options may be in a variable; its texts need an encoding.
        command.env_remove("SHELLCHECK_OPTS").env("LC_ALL", "C.UTF-8").stdin(Stdio::null());
        command
    }

    /// Runs a command and gives what it writes; 1 is its exit code when it has found something.
    fn output(&self, command: &mut Command, patience: Duration) -> Result<Vec<u8>> {
        let shown = self.path.display();
        let mut complaints = tempfile::tempfile().context("cannot make a temporary file")?;
        let complaints_of_child = complaints.try_clone().context("cannot make a temporary file")?;
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(complaints_of_child)
            .spawn()
            .with_context(|| format!("cannot run `{shown}`"))?;
        let Some(output) = read(&mut child, patience) else {
            let _it_may_have_ended = child.kill();
            let _it_was_killed = child.wait();
            bail!("`{shown}` takes longer than {} s, or says too much", patience.as_secs());
        };
        let status = child.wait().with_context(|| format!("cannot run `{shown}`"))?;
        if !matches!(status.code(), Some(0 | 1)) {
            let mut text = String::new();
            let _what_is_no_text_is_not_shown = std::io::Seek::rewind(&mut complaints)
                .and_then(|()| (&complaints).take(4096).read_to_string(&mut text));
            let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
            bail!("`{shown}` fails ({status}): {}", sanitize::line(first));
        }
        Ok(output)
    }
}

/// What a child writes until it ends; nothing when that takes too long or is too much.
fn read(child: &mut Child, patience: Duration) -> Option<Vec<u8>> {
    let stdout = child.stdout.take()?;
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = stdout.take(LARGEST_ANSWER).read_to_end(&mut bytes);
        let _nobody_waits_any_more = sender.send(read.map(|_| bytes));
    });
    let bytes = receiver.recv_timeout(patience).ok()?.ok()?;
    ((bytes.len() as u64) < LARGEST_ANSWER).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(folder: &Path) -> PathBuf {
        std::fs::create_dir_all(folder).unwrap();
        let path = folder.join("shellcheck");
        std::fs::write(&path, "#!/bin/sh\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[test]
    fn what_came_with_the_files_is_not_run() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let (inside, outside, linked) = (root.join("work/bin"), root.join("bin"), root.join("linked"));
        let evil = program(&inside);
        let workspace = [root.join("work")];
        let find = |path: &[PathBuf]| match find(path, &workspace) {
            Found::Program(program) => format!("run {}", program.path.display()),
            Found::InWorkspace(path) => format!("refuse {}", path.display()),
            Found::Nothing => "nothing".to_owned(),
        };
        assert_eq!(find(&["bin".into(), "".into(), ".".into()]), "nothing");
        assert_eq!(find(std::slice::from_ref(&inside)), format!("refuse {}", evil.display()));
        std::fs::create_dir(&linked).unwrap();
        std::os::unix::fs::symlink(&evil, linked.join("shellcheck")).unwrap();
        assert!(find(std::slice::from_ref(&linked)).starts_with("refuse "));
        let good = program(&outside);
        assert_eq!(find(&[inside, linked, outside]), format!("run {}", good.display()));
        std::fs::set_permissions(&good, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(find(&[root.join("bin")]), "nothing");
    }

    #[test]
    fn a_script_has_no_identity_to_rely_on() {
        let root = tempfile::tempdir().unwrap();
        let path = program(root.path());
        let program = Program::named(&path).unwrap();
        assert_eq!(program.identity(), None);
        std::fs::write(&path, "\x7fELF").unwrap();
        assert!(program.identity().is_some_and(|identity| identity.contains(" 4 ")));
        assert!(Program::named(Path::new("/no/such/program")).is_err());
    }
}
