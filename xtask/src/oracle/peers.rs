//! The two that are asked: plimsoll and `BuildKit`.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use super::answer::Answer;
use super::bases::Base;
use super::case::{ARCHIVER, Case, Files};
use crate::engine::{self, Engine};
use crate::plimsoll::Plimsoll;
use crate::shell;

/// How long a build may take.
const PATIENCE: Duration = Duration::from_mins(3);

/// How much of a refusal is kept, in lines.
const KEPT_LINES: usize = 8;

/// How much of each of these lines.
const KEPT_CHARACTERS: usize = 300;

/// Changes when answers are read in another way: those that are kept are then of no use.
const READING: &str = "3";

/// The version of the engine that would be asked, if there is one.
pub(super) fn version(root: Option<&Path>) -> Option<String> {
    engine::daemon_version(root)
}

/// The host of all web servers, as answers say it: each has a port of its own.
const HOST: &str = "127.0.0.1:80";

/// Where a case is while it is built.
pub(super) struct Place<'a> {
    /// The folder of its files.
    pub(super) folder: &'a Path,
    /// Where its web server listens.
    pub(super) web: Option<String>,
}

/// `BuildKit`, with the answers that it gave before.
pub(super) struct BuildKit {
    root: Option<PathBuf>,
    version: String,
    scratch: PathBuf,
    answers: PathBuf,
    bases: Vec<Base>,
    engine: OnceLock<Result<Engine, String>>,
}

impl BuildKit {
    pub(super) fn new(
        root: Option<PathBuf>,
        version: String,
        scratch: &Path,
        answers: PathBuf,
        bases: Vec<Base>,
    ) -> Self {
        Self { root, version, scratch: scratch.to_path_buf(), answers, bases, engine: OnceLock::new() }
    }

    /// What it makes of a case; a known answer unless it is asked `again`.
    pub(super) fn answer(&self, case: &Case, place: &Place<'_>, again: bool) -> Result<Answer> {
        let kept = self.answers.join(format!("{}.json", self.key(case)?));
        if !again
            && let Ok(bytes) = std::fs::read(&kept)
            && let Ok(answer) = serde_json::from_slice(&bytes)
        {
            return Ok(answer);
        }
        let mut command = self.engine()?.build();
        // Steps use the host's network, as the engine has no other; a case may ask for none behind that. What it made of
        // another case is not taken: files of equal content would have that one's times.
        command.args(["--progress", "plain", "--no-cache", "--provenance=false", "--network", "host"]);
        let answer = build(command, "type=oci,compression=uncompressed", case, place)?;
        std::fs::create_dir_all(&self.answers)?;
        let fresh = tempfile::NamedTempFile::new_in(&self.answers)?;
        serde_json::to_writer(std::io::BufWriter::new(fresh.as_file()), &answer)?;
        fresh.persist(kept)?;
        Ok(answer)
    }

    /// Starts the engine when it is first needed.
    fn engine(&self) -> Result<&Engine> {
        let engine = self.engine.get_or_init(|| self.start().map_err(|error| format!("{error:#}")));
        engine.as_ref().map_err(|error| anyhow::anyhow!("{error}"))
    }

    fn start(&self) -> Result<Engine> {
        let options = engine::Options { root: self.root.as_deref(), containerd_store: true };
        let engine = Engine::start(self.scratch.join("docker"), options)?;
        for base in &self.bases {
            shell::capture(engine.docker().args(["load", "--input"]).arg(&base.archive))?;
        }
        Ok(engine)
    }

    /// What the answer depends on.
    fn key(&self, case: &Case) -> Result<String> {
        let mut digest = Sha256::new();
        let mut add = |bytes: &[u8]| {
            digest.update(bytes.len().to_le_bytes());
            digest.update(bytes);
        };
        add(READING.as_bytes());
        add(self.version.as_bytes());
        self.bases.iter().for_each(|base| add(base.key.as_bytes()));
        let settings = &case.settings;
        settings.args.iter().for_each(|word| add(word.as_bytes()));
        for text in [settings.context.as_deref(), settings.stdin.as_deref(), Some(&settings.setup)] {
            add(text.unwrap_or("none").as_bytes());
        }
        if let Some(served) = &settings.serve {
            add(served.as_bytes());
        }
        if !settings.setup.is_empty() {
            add(ARCHIVER.as_bytes());
        }
        match &case.files {
            Files::Written(files) => {
                for (path, text) in files {
                    add(path.as_bytes());
                    add(text.as_bytes());
                }
            }
            Files::Folder(folder) => {
                let mut list = Command::new("tar");
                list.args(["--sort=name", "--numeric-owner", "-c", "-C"]).arg(folder).arg(".");
                add(&list.output().context("could not start `tar`")?.stdout);
            }
        }
        Ok(hex::encode(digest.finalize()))
    }
}

/// What plimsoll makes of a case.
pub(super) fn own(plimsoll: &Plimsoll, case: &Case, place: &Place<'_>) -> Result<Answer> {
    let mut command = plimsoll.command("build");
    // What an earlier version of the program made of this case is of no interest.
    command.args(["--progress", "plain", "--no-cache"]);
    // Nor what earlier runs left in cache mounts: the folder's name is this run's.
    command.arg(format!("--build-arg=BUILDKIT_CACHE_MOUNT_NS={}", place.folder.display()));
    build(command, "type=oci", case, place)
}

fn build(mut command: Command, output: &str, case: &Case, place: &Place<'_>) -> Result<Answer> {
    let folder = place.folder;
    let out = tempfile::Builder::new()
        .prefix("answer-")
        .tempdir_in(folder.parent().context("a case has a folder")?)?;
    let (archive, log) = (out.path().join("image.tar"), out.path().join("log"));
    let settings = &case.settings;
    let stdin = match &settings.stdin {
        Some(file) => Stdio::from(File::open(folder.join(file))?),
        None => Stdio::null(),
    };
    if let Some(host) = &place.web {
        command.arg(format!("--build-arg=URL=http://{host}"));
    }
    command
        .arg(format!("--output={output},dest={}", archive.display()))
        .args(&settings.args)
        .arg(settings.context.as_deref().unwrap_or("."))
        .current_dir(folder)
        .env("SECRET_VARIABLE", "from the environment")
        .stdin(stdin)
        .stdout(Stdio::null())
        .stderr(File::create(&log)?);
    let started = i64::try_from(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs())?;
    let begin = Instant::now();
    let mut child =
        command.spawn().with_context(|| format!("could not start `{}`", shell::describe(&command)))?;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if begin.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            bail!("`{}` took longer than {} s", shell::describe(&command), PATIENCE.as_secs());
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    if status.success() {
        let answer = Answer::read(&archive, started).context("reading the image")?;
        return match &place.web {
            Some(host) => answer.replacing(host, HOST),
            None => Ok(answer),
        };
    }
    let text = String::from_utf8_lossy(&std::fs::read(&log)?).into_owned();
    if status.code().is_none() || text.contains("panicked at") {
        bail!("the builder broke off, {status}:\n{text}");
    }
    let lines: Vec<String> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| line.chars().take(KEPT_CHARACTERS).collect())
        .collect();
    let message = lines[lines.len().saturating_sub(KEPT_LINES)..].join("\n");
    Ok(Answer::Refused { message })
}
