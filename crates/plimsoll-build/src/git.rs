//! Repositories, through the `git` program.
//!
//! A repository's objects are kept in a bare one in the store, a cache mount like those of steps, so that they are counted and
//! pruned; from there the files of one commit are put into a directory. The program sees nothing of the host's or the
//! user's configuration and runs nothing but its own parts and ssh ([`program`]).

mod commit;
mod program;
mod tree;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use plimsoll_executor::{GitCommit, Settings};
use plimsoll_graph::GitSource;
use plimsoll_snapshot::FetchError;
use plimsoll_solver::Cancel;
use plimsoll_store::{Sharing, Store};

pub use program::GitProgram;

use program::Session;

/// Why a repository could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum GitError {
    /// There is no git.
    #[error("this needs the program `git`, which is not installed")]
    NoProgram,
    /// The program could not be started or talked to.
    #[error("cannot run `{program}`")]
    Start {
        /// Which.
        program: String,
        /// The reason.
        #[source]
        source: std::io::Error,
    },
    /// What the program needs could not be put in place.
    #[error("cannot prepare the repository")]
    Prepare {
        /// The reason.
        #[source]
        source: std::io::Error,
    },
    /// The program failed.
    #[error("git says: {message}{}", hint.map_or(String::new(), |hint| format!("; {hint}")))]
    Failed {
        /// Its last words.
        message: String,
        /// What to do.
        hint: Option<&'static str>,
    },
    /// The build was asked to stop.
    #[error("interrupted")]
    Cancelled,
    /// No reference has this name.
    #[error("the repository has no branch, tag or commit `{reference}`{}", short_hint(reference))]
    NoReference {
        /// The name.
        reference: String,
    },
    /// The repository has no commit yet.
    #[error("the repository is empty")]
    Empty,
    /// It is another commit than the one that was asked for.
    #[error("the commit is {found}, and not {wanted} as was asked for")]
    OtherCommit {
        /// What the reference leads to.
        found: String,
        /// What it should lead to.
        wanted: String,
    },
    /// The store refused.
    #[error(transparent)]
    Store {
        /// Why.
        #[from]
        source: plimsoll_store::Error,
    },
    /// A secret could not be read.
    #[error("cannot read the secret `{id}`")]
    Secret {
        /// Its id.
        id: String,
        /// The reason.
        #[source]
        source: std::io::Error,
    },
}

fn short_hint(reference: &str) -> &'static str {
    let digits = reference.len() < 40 && reference.bytes().all(|byte| byte.is_ascii_hexdigit());
    if digits { "; a commit is named by all digits of its id" } else { "" }
}

/// The repositories of one build.
pub(crate) struct Repositories<'a> {
    pub(crate) store: &'a Store,
    pub(crate) settings: &'a Settings,
    pub(crate) program: Option<&'a GitProgram>,
    pub(crate) cancel: &'a Cancel,
    /// What references led to when they were asked for, by remote and reference.
    pub(crate) commits: Mutex<BTreeMap<(String, String), GitCommit>>,
}

impl Repositories<'_> {
    /// The commit of a source, asked for once in a build.
    pub(crate) fn commit(&self, git: &GitSource) -> Result<GitCommit, FetchError> {
        let reference = git.reference.clone().unwrap_or_default();
        let name = (git.remote.clone(), format!("{reference} {}", git.commit.as_deref().unwrap_or_default()));
        let known = self.commits.lock().unwrap_or_else(PoisonError::into_inner).get(&name).cloned();
        let commit = if let Some(commit) = known {
            commit
        } else {
            let commit = match commit::named_by_id(git) {
                Some(commit) => commit,
                None => commit::ask(&Session::new(self, git)?, git)?,
            };
            let mut commits = self.commits.lock().unwrap_or_else(PoisonError::into_inner);
            commits.entry(name).or_insert(commit).clone()
        };
        match &git.commit {
            Some(wanted)
                if !commit.id.starts_with(wanted)
                    && !commit.tag.as_ref().is_some_and(|tag| tag.starts_with(wanted)) =>
            {
                Err(GitError::OtherCommit { found: commit.id, wanted: wanted.clone() }.into())
            }
            _ => Ok(commit),
        }
    }

    /// Puts the files of a commit into a directory; gives the commit's time.
    pub(crate) fn check_out(
        &self,
        git: &GitSource,
        commit: &GitCommit,
        directory: &Path,
    ) -> Result<i64, FetchError> {
        let session = Session::new(self, git)?;
        let mut wait = |_| {
            if self.cancel.is_raised() {
                std::ops::ControlFlow::Break(())
            } else {
                std::ops::ControlFlow::Continue(())
            }
        };
        let id = format!("git {}", git.remote);
        let kept = self.store.cache_mount(&id, Sharing::Locked, &mut wait, &mut |_| Ok(()))?;
        commit::fetch(&session, git, commit, kept.directory())?;
        Ok(tree::write(&session, git, commit, kept.directory(), directory)?)
    }
}
