//! Running other programs: every command is shown before it runs, and a failure names it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// The root of the workspace, whatever directory the task was started in.
pub(crate) fn workspace() -> PathBuf {
    let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().expect("xtask lies one level below the workspace").to_path_buf()
}

/// A `cargo` command in the workspace, with the cargo that started this task.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(workspace());
    // `cargo run` tells this task about its own package; build scripts that look at these variables would run again.
    let of_this_package = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(of_this_package) {
            command.env_remove(name);
        }
    }
    command
}

/// A command in the workspace.
pub(crate) fn program(name: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(name);
    command.current_dir(workspace());
    command
}

/// Shows the command, runs it with the terminal's own streams and fails when it fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    eprintln!("$ {}", describe(command));
    let status = command.status().with_context(|| format!("could not start `{}`", describe(command)))?;
    if !status.success() {
        bail!("`{}` failed: {status}", describe(command));
    }
    Ok(())
}

/// Runs the command and returns its standard output; its standard error is part of the failure.
pub(crate) fn capture(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("could not start `{}`", describe(command)))?;
    if !output.status.success() {
        bail!(
            "`{}` failed: {}\n{}{}",
            describe(command),
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
    }
    String::from_utf8(output.stdout)
        .with_context(|| format!("`{}` printed something other than text", describe(command)))
}

/// Runs the command quietly and returns the time from its start to its exit; a failure shows what it printed.
pub(crate) fn time(command: &mut Command) -> Result<Duration> {
    let start = Instant::now();
    capture(command)?;
    Ok(start.elapsed())
}

/// The command line as it could be typed, paths below the workspace made relative.
pub(crate) fn describe(command: &Command) -> String {
    let root = format!("{}/", workspace().display());
    let program = command.get_program();
    let is_cargo = Path::new(program).file_name().is_some_and(|name| name == "cargo");
    std::iter::once(if is_cargo { OsStr::new("cargo") } else { program })
        .chain(command.get_args())
        .map(|word| {
            let word = word.to_string_lossy().replace(&root, "");
            if word.is_empty() || word.contains([' ', '\'', '"', '$', '&', ';', '|', '<', '>']) {
                format!("'{}'", word.replace('\'', r"'\''"))
            } else {
                word
            }
        })
        .collect::<Vec<_>>()
        .join(" ")
}

/// Where a program is, as the shell would find it; the system directories count even when `PATH` lacks them.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin"), PathBuf::from("/sbin")])
        .map(|directory| directory.join(name))
        .find(|candidate| is_executable(candidate))
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// Whether this task runs as root.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_described_command_quotes_what_a_shell_would_split() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo it's"]);
        assert_eq!(describe(&command), r"sh -c 'echo it'\''s'");
    }

    #[test]
    fn a_failing_command_is_an_error_with_its_output() {
        let error = capture(Command::new("sh").args(["-c", "echo why >&2; exit 3"])).unwrap_err();
        assert!(error.to_string().contains("why"), "{error}");
    }

    #[test]
    fn programs_are_found_on_the_path() {
        assert!(find("sh").is_some());
        assert!(find("no-such-program-anywhere").is_none());
    }
}
