//! The files of a commit.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::Path;

use plimsoll_executor::GitCommit;
use plimsoll_graph::GitSource;

use super::GitError;
use super::program::Session;

/// Writes all files of a commit into an empty directory, and the `.git` directory if it is to be kept; gives the commit's time.
pub(super) fn write(
    session: &Session<'_>,
    git: &GitSource,
    commit: &GitCommit,
    bare: &Path,
    directory: &Path,
) -> Result<i64, GitError> {
    let run = |arguments: &[&OsStr]| session.run(directory, arguments);
    let words = |arguments: &[&str]| session.run(directory, arguments);
    let own = format!("refs/plimsoll/{}", commit.id);
    words(&["init", "--quiet", "--template="])?;
    // Submodules may be named relative to where the repository came from.
    words(&["remote", "add", "origin", &git.remote])?;
    run(&[
        "-c".as_ref(),
        "protocol.file.allow=always".as_ref(),
        "fetch".as_ref(),
        "--quiet".as_ref(),
        "--depth=1".as_ref(),
        "--no-tags".as_ref(),
        "--".as_ref(),
        bare.as_os_str(),
        own.as_ref(),
    ])?;
    words(&["checkout", "--quiet", "--detach", "FETCH_HEAD"])?;
    if git.submodules && directory.join(".gitmodules").symlink_metadata().is_ok_and(|file| file.is_file()) {
        words(&["submodule", "--quiet", "update", "--init", "--recursive", "--depth=1"])?;
    }
    let time = words(&["log", "-1", "--format=%ct"])?;
    let time = String::from_utf8_lossy(&time).trim().parse().unwrap_or(0);
    let own = directory.join(".git");
    let tidied = if git.keep_git_dir && git.subdirectory.is_empty() {
        if let Some(name) = commit.reference.as_deref().filter(|name| name.starts_with("refs/")) {
            words(&["update-ref", name, "HEAD"])?;
        }
        keep(session, &own)
    } else {
        forget(directory)
    };
    tidied?;
    Ok(time)
}

/// Leaves in `.git` what is the same every time: no logs, no times of files in the index. Those of submodules lie below it.
fn keep(session: &Session<'_>, own: &Path) -> Result<(), GitError> {
    let prepare = |source| GitError::Prepare { source };
    if own.join("HEAD").is_file() {
        for name in ["FETCH_HEAD", "ORIG_HEAD", "index"] {
            ignore_missing(fs::remove_file(own.join(name))).map_err(prepare)?;
        }
        ignore_missing(fs::remove_dir_all(own.join("logs"))).map_err(prepare)?;
        session.run(own, ["--git-dir=.", "read-tree", "HEAD"])?;
    }
    let modules = own.join("modules");
    let inside = if modules.is_dir() { modules } else { own.to_owned() };
    if inside == own && own.join("HEAD").is_file() {
        return Ok(());
    }
    for child in fs::read_dir(&inside).map_err(prepare)? {
        let child = child.map_err(prepare)?;
        if child.file_type().map_err(prepare)?.is_dir() {
            keep(session, &child.path())?;
        }
    }
    Ok(())
}

/// Takes away every `.git`, those of submodules too; no commit can hold a file of that name.
fn forget(directory: &Path) -> Result<(), GitError> {
    let prepare = |source| GitError::Prepare { source };
    let own = directory.join(".git");
    match own.symlink_metadata() {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(&own).map_err(prepare)?,
        Ok(_) => fs::remove_file(&own).map_err(prepare)?,
        Err(_) => {}
    }
    for child in fs::read_dir(directory).map_err(prepare)? {
        let child = child.map_err(prepare)?;
        if child.file_type().map_err(prepare)?.is_dir() {
            forget(&child.path())?;
        }
    }
    Ok(())
}

fn ignore_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
