//! Which commit a reference leads to, and its objects.

use std::path::Path;

use plimsoll_executor::GitCommit;
use plimsoll_graph::GitSource;

use super::GitError;
use super::program::Session;

/// A commit that is named by its whole id needs nobody to be asked, and is taken whether or not a reference still leads there.
pub(super) fn named_by_id(git: &GitSource) -> Option<GitCommit> {
    let whole = |text: &&String| matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit());
    if let Some(id) = git.commit.as_ref().filter(whole) {
        return Some(GitCommit { id: id.clone(), reference: git.reference.clone(), tag: None });
    }
    let id = git.reference.as_ref().filter(whole)?;
    Some(GitCommit { id: id.to_ascii_lowercase(), reference: None, tag: None })
}

/// Asks the repository. Of a branch and a tag of one name it is the branch, as for git itself.
pub(super) fn ask(session: &Session<'_>, git: &GitSource) -> Result<GitCommit, GitError> {
    let reference = git.reference.as_deref().unwrap_or("HEAD");
    let candidates: Vec<String> = match reference {
        "HEAD" => vec!["HEAD".to_owned()],
        name if name.starts_with("refs/") => vec![name.to_owned()],
        name => vec![format!("refs/{name}"), format!("refs/heads/{name}"), format!("refs/tags/{name}")],
    };
    let mut arguments =
        vec!["ls-remote".to_owned(), "--symref".to_owned(), "--".to_owned(), git.remote.clone()];
    for candidate in &candidates {
        arguments.push(candidate.clone());
        arguments.push(format!("{candidate}^{{}}"));
    }
    let output = session.run(Path::new("/"), arguments)?;
    let output = String::from_utf8_lossy(&output);
    let listed: Vec<(&str, &str)> = output.lines().filter_map(|line| line.split_once('\t')).collect();
    let find = |name: &str, is_id: bool| {
        let of_name = listed.iter().filter(|(_, listed)| *listed == name);
        of_name.map(|(value, _)| *value).find(|value| value.starts_with("ref: ") != is_id)
    };
    for candidate in candidates {
        let Some(id) = find(&candidate, true) else { continue };
        // An annotated tag is an object of its own; a second line has the commit that it is about.
        let peeled = find(&format!("{candidate}^{{}}"), true);
        let branch = find(&candidate, false).and_then(|line| line.strip_prefix("ref: ")).map(str::to_owned);
        return Ok(GitCommit {
            id: peeled.unwrap_or(id).to_owned(),
            reference: Some(branch.unwrap_or(candidate)),
            tag: peeled.map(|_| id.to_owned()),
        });
    }
    Err(match &git.reference {
        Some(reference) => GitError::NoReference { reference: reference.clone() },
        None => GitError::Empty,
    })
}

/// Brings the commit into the bare repository, unless it is there.
pub(super) fn fetch(
    session: &Session<'_>,
    git: &GitSource,
    commit: &GitCommit,
    bare: &Path,
) -> Result<(), GitError> {
    if !bare.join("HEAD").exists() {
        session.run(bare, ["init", "--quiet", "--bare", "--template="])?;
    }
    let own = format!("refs/plimsoll/{}", commit.id);
    let object = format!("{}^{{commit}}", commit.id);
    let is_there = || session.run(bare, ["rev-parse", "--quiet", "--verify", &own]).is_ok();
    if is_there() {
        return Ok(());
    }
    let remote = git.remote.as_str();
    let fetch = |more: &[&str]| {
        let fixed = ["fetch", "--quiet", "--no-tags", "--force", "--no-write-fetch-head"];
        session.run(bare, fixed.iter().chain(more))
    };
    // Most servers give a commit by its id. Where one does not, it is behind its reference, or anywhere.
    let by_id = fetch(&["--depth=1", "--", remote, &format!("+{}:{own}", commit.id)]);
    let Err(error) = by_id else { return Ok(()) };
    if git.fetch_by_commit || matches!(error, GitError::Cancelled) {
        return Err(error);
    }
    if let Some(reference) = &commit.reference {
        let by_name = fetch(&["--depth=1", "--", remote, &format!("+{reference}:{own}")]);
        if by_name.is_ok() {
            let found = session.run(bare, ["rev-parse", "--verify", &format!("{own}^{{commit}}")])?;
            if String::from_utf8_lossy(&found).trim() == commit.id {
                return Ok(());
            }
            session.run(bare, ["update-ref", "-d", &own])?;
        }
    }
    let unshallow = bare.join("shallow").exists();
    let everything = ["--", remote, "+refs/heads/*:refs/all/heads/*", "+refs/tags/*:refs/all/tags/*"];
    let arguments: Vec<&str> = unshallow.then_some("--unshallow").into_iter().chain(everything).collect();
    fetch(&arguments)?;
    if session.run(bare, ["rev-parse", "--quiet", "--verify", &object]).is_err() {
        return Err(GitError::NoReference { reference: commit.id.clone() });
    }
    session.run(bare, ["update-ref", &own, &commit.id])?;
    Ok(())
}
