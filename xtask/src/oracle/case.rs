//! One situation: a Dockerfile, its files, and how it is built.

use std::collections::BTreeMap;
use std::fmt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result};
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};

use crate::shell;

/// The time of all files of a case that its setup does not give another: 3 February 2001, 04:05:06 UTC.
const TIME: i64 = 981_173_106;

/// `tar` for setups: what is packed has the time of all cases, unless it has an old one on purpose.
pub(super) const ARCHIVER: &str = r#"tar() {
    find . -newermt '1 hour ago' -exec touch -h -d "@$TIME" {} +
    command tar "$@"
}"#;

/// Makes the commits of setups the same everywhere. Their time means none: builders disagree on what it is for.
const GIT: [(&str, &str); 10] = [
    ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ("GIT_CONFIG_COUNT", "1"),
    ("GIT_CONFIG_KEY_0", "init.defaultBranch"),
    ("GIT_CONFIG_VALUE_0", "main"),
    ("GIT_AUTHOR_NAME", "somebody"),
    ("GIT_AUTHOR_EMAIL", "somebody@example.org"),
    ("GIT_AUTHOR_DATE", "@0 +0000"),
    ("GIT_COMMITTER_NAME", "somebody"),
    ("GIT_COMMITTER_EMAIL", "somebody@example.org"),
    ("GIT_COMMITTER_DATE", "@0 +0000"),
];

/// What a case says about itself: the lines before its first file, or its `case.toml`.
#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Settings {
    /// Flags of `build`.
    pub(super) args: Vec<String>,
    /// The build context, below the case's folder.
    pub(super) context: Option<String>,
    /// A file that is given to standard input.
    pub(super) stdin: Option<String>,
    /// A folder that is served at `http://127.0.0.1:PORT`, which the build argument `URL` says.
    pub(super) serve: Option<String>,
    /// What becomes of it.
    pub(super) expect: Expectation,
    /// A shell script that makes what cannot be written down, in the case's folder.
    pub(super) setup: String,
    /// Only front ends with experimental features know it; what others say does not count.
    pub(super) labs: bool,
    /// Why the results differ, where they do.
    pub(super) difference: Option<String>,
}

/// What becomes of a build.
#[derive(Clone, Copy, Default, PartialEq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Expectation {
    #[default]
    Built,
    Refused,
    /// Whatever `BuildKit` makes of it.
    Any,
}

impl fmt::Display for Expectation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Built => "built",
            Self::Refused => "refused",
            Self::Any => "anything",
        })
    }
}

/// One situation.
pub(super) struct Case {
    /// `TOPIC/SITUATION`.
    pub(super) name: String,
    /// What it says about itself.
    pub(super) settings: Settings,
    /// Where its files come from.
    pub(super) files: Files,
}

/// Where the files of a case come from.
pub(super) enum Files {
    /// They are written down.
    Written(BTreeMap<String, String>),
    /// They lie in a folder.
    Folder(PathBuf),
}

impl Case {
    /// Makes the case's folder.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let start = SystemTime::now();
        std::fs::create_dir_all(folder)?;
        match &self.files {
            Files::Written(files) => {
                for (path, text) in files {
                    let path = folder.join(path);
                    std::fs::create_dir_all(path.parent().context("a file of a case has a name")?)?;
                    std::fs::write(&path, text)?;
                    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644))?;
                }
            }
            Files::Folder(source) => {
                shell::capture(Command::new("cp").arg("-a").arg("--").arg(source.join(".")).arg(folder))?;
                std::fs::remove_file(folder.join("case.toml")).ok();
            }
        }
        if !self.settings.setup.is_empty() {
            let mut setup = Command::new("sh");
            let script = format!("umask 022\n{ARCHIVER}\n{}", self.settings.setup);
            setup.args(["-euc", &script]).current_dir(folder).env("TIME", TIME.to_string()).envs(GIT);
            shell::capture(&mut setup).context("the case's setup")?;
        }
        let start = start.duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
        settle(folder, i64::try_from(start)?)
    }
}

/// Gives a file, and all below it, the time of all cases, unless it has another one on purpose.
fn settle(path: &Path, start: i64) -> Result<()> {
    let metadata = path.symlink_metadata()?;
    if metadata.is_dir() {
        for entry in path.read_dir()? {
            settle(&entry?.path(), start)?;
        }
    }
    if std::os::unix::fs::MetadataExt::mtime(&metadata) >= start {
        let time = Timespec { tv_sec: TIME, tv_nsec: 0 };
        let times = Timestamps { last_access: time, last_modification: time };
        utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW)
            .with_context(|| format!("setting the time of `{}`", path.display()))?;
    }
    Ok(())
}
