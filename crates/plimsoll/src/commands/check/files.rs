//! Which files are checked: those that are named, and Dockerfiles in folders that are.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use plimsoll_diagnostics::SourceFile;
use plimsoll_lint::Configuration;

use super::context::Context;
use super::{Args, configuration, say};
use crate::config::ProjectConfig;
use crate::{ignore_file, lock_file, variables};

/// A Dockerfile larger than this many bytes is none.
const LARGEST: u64 = 16 << 20;

/// A folder is not searched further than this many entries.
const MOST_ENTRIES: usize = 100_000;

/// A file to check.
pub(super) struct Source {
    /// Where it is, as it was given; `-` is standard input.
    pub(super) path: PathBuf,
    /// Its build context, if it has one.
    pub(super) context: Option<PathBuf>,
}

/// A file that was read.
pub(super) struct Input {
    pub(super) source: Source,
    pub(super) file: SourceFile,
    /// What its context holds and leaves out.
    pub(super) context: Option<Context>,
    /// What the project and the command line say about findings.
    pub(super) configuration: Configuration,
    /// The images that named contexts of the project stand in for.
    pub(super) contexts: Vec<String>,
    /// The names of images that the project's lock has, if it has one.
    pub(super) locked: Option<BTreeSet<String>>,
}

/// The files to check, each once; what cannot be searched is handed to `fail`.
pub(super) fn sources(args: &Args, mut fail: impl FnMut(anyhow::Error)) -> Result<Vec<Source>> {
    if let Some(file) = &args.file {
        let [context] = args.paths.as_slice() else {
            bail!("with `--file` there is one PATH, the build context");
        };
        return Ok(vec![Source { path: file.clone(), context: Some(context.clone()) }]);
    }
    let mut found: Vec<PathBuf> = Vec::new();
    for path in &args.paths {
        if path.is_dir() {
            match search(path, MOST_ENTRIES) {
                Ok(files) => found.extend(files),
                Err(error) => fail(error),
            }
        } else {
            found.push(path.clone());
        }
    }
    let mut seen = BTreeSet::new();
    found.retain(|path| seen.insert(path.clone()));
    Ok(found.into_iter().map(|path| Source { context: own_folder(&path), path }).collect())
}

/// The folder of a file; standard input has none.
fn own_folder(path: &Path) -> Option<PathBuf> {
    if path.as_os_str() == "-" {
        return None;
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    Some(parent.unwrap_or(Path::new(".")).to_owned())
}

/// Where the files come from: no program from there is run unasked. The contexts, the repositories around them, the folders
/// that are named, and the current one, unless it is the user's own.
pub(super) fn workspace(args: &Args, inputs: &[Input]) -> Vec<PathBuf> {
    let contexts = inputs.iter().filter_map(|input| input.source.context.as_deref());
    let here = [Path::new(".")];
    let named: BTreeSet<&Path> =
        contexts.chain(args.paths.iter().map(PathBuf::as_path)).chain(here).collect();
    let home = variables::home().and_then(|home| home.canonicalize().ok());
    let is_own = |folder: &Path| folder.parent().is_none() || home.as_deref() == Some(folder);
    let mut folders = BTreeSet::new();
    for folder in named.into_iter().filter_map(|folder| folder.canonicalize().ok()) {
        let repository = folder.ancestors().find(|above| above.join(".git").exists());
        folders.extend(repository.filter(|above| !is_own(above)).map(Path::to_owned));
        if folder.is_dir() && !is_own(&folder) {
            folders.insert(folder);
        }
    }
    folders.into_iter().collect()
}

/// Searches a folder for Dockerfiles; links are not followed.
fn search(folder: &Path, most: usize) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    let mut seen = 0;
    while let Some(directory) = open.pop() {
        let entries = match std::fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) if directory == folder => {
                return Err(error).with_context(|| format!("cannot search `{}`", folder.display()));
            }
            Err(error) => {
                say(&format!("warning: `{}` is not searched: {error}", directory.display()));
                continue;
            }
        };
        for entry in entries.flatten() {
            seen += 1;
            if seen > most {
                let folder = folder.display();
                say(&format!(
                    "warning: `{folder}` has more than {most} entries, the rest is not searched; name the files in it"
                ));
                open.clear();
                break;
            }
            let Ok(kind) = entry.file_type() else { continue };
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if kind.is_dir() && !matches!(&*name, ".git" | "node_modules" | "target") {
                open.push(entry.path());
            } else if kind.is_file() && is_dockerfile(&name) {
                found.push(clean(&entry.path()));
            }
        }
    }
    if found.is_empty() {
        bail!("there is no Dockerfile in `{}`; name the file if it is called otherwise", folder.display());
    }
    found.sort();
    Ok(found)
}

/// A path without `./` in front: names in messages are those that people would type.
fn clean(path: &Path) -> PathBuf {
    path.strip_prefix(".").unwrap_or(path).to_owned()
}

fn is_dockerfile(name: &str) -> bool {
    let lower = name.to_lowercase();
    ["dockerfile", "containerfile"].iter().any(|kind| {
        lower == *kind
            || lower.strip_suffix(kind).is_some_and(|rest| rest.ends_with('.'))
            || (lower.strip_prefix(kind).is_some_and(|rest| rest.starts_with('.'))
                && !lower.ends_with(".dockerignore"))
    })
}

impl Input {
    /// Reads a file and what belongs to it; `before` is the input in front of it, if there is one.
    pub(super) fn read(args: &Args, source: Source, today: &str, before: Option<&Self>) -> Result<Self> {
        let file = read(&source.path)?;
        let context = source.context.as_deref();
        let read_context = |folder: &Path| {
            let ignore = ignore_file::read(folder, Some(&source.path))?;
            let context = Context::new(folder.to_owned(), ignore, args.file.is_none());
            anyhow::Ok(context.sharing(before.and_then(|before| before.context.as_ref())))
        };
        let listed = context.map(read_context).transpose()?;
        let configuration = configuration::of(args, &source.path, context, today)?;
        let folders: Vec<PathBuf> =
            own_folder(&source.path).into_iter().chain(context.map(Path::to_owned)).collect();
        let project = ProjectConfig::load(&folders)?;
        let directory = project.as_ref().map(|(_, directory)| directory.as_path());
        let lock =
            lock_file::path(directory, &folders).map(|path| lock_file::read(&path)).transpose()?.flatten();
        let locked = lock.map(|lock| lock.entries().map(|(name, _)| name.to_owned()).collect());
        let names = project.into_iter().flat_map(|(project, _)| project.contexts.into_keys());
        // `NAME::PLATFORM` is for one platform only.
        let contexts = names.map(|name| name.split("::").next().unwrap_or_default().to_owned()).collect();
        Ok(Self { context: listed, source, file, configuration, contexts, locked })
    }
}

pub(in crate::commands) fn read(path: &Path) -> Result<SourceFile> {
    let mut bytes = Vec::new();
    let shown = path.display().to_string();
    let failed = || format!("cannot read the Dockerfile `{shown}`");
    if path.as_os_str() == "-" {
        std::io::stdin().lock().take(LARGEST + 1).read_to_end(&mut bytes).with_context(failed)?;
    } else {
        let file = std::fs::File::open(path).with_context(failed)?;
        file.take(LARGEST + 1).read_to_end(&mut bytes).with_context(failed)?;
    }
    if bytes.len() as u64 > LARGEST {
        bail!("the Dockerfile `{shown}` is larger than 16 MiB");
    }
    Ok(SourceFile::from_bytes_lossy(shown, &bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_ends_at_its_bound() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..10 {
            std::fs::write(folder.path().join(format!("Dockerfile.{number}")), "").unwrap();
        }
        assert_eq!(search(folder.path(), 10).unwrap().len(), 10);
        assert_eq!(search(folder.path(), 3).unwrap().len(), 3);
    }
}
