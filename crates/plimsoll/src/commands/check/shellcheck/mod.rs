//! Asks an installed `ShellCheck` about all scripts at once.
//!
//! The program is no part of this one: where there is none, that is said, and nothing else is missing. What it answered is kept
//! by the digest of the script, so that only new scripts are asked about.

mod cache;
mod program;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Result, bail};
use plimsoll_lint::shellcheck::Comment;
use plimsoll_oci::Digest;

use super::say;
use crate::variables;
use cache::Cache;
use program::{Found, Program};

/// A script larger than this many bytes is not asked about: the time that it takes grows faster than its length.
const LARGEST_SCRIPT: usize = 128 << 10;

/// Which program is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// The one in `PATH`, if any.
    Auto,
    /// None.
    Off,
    /// This one.
    Program(PathBuf),
}

impl std::str::FromStr for Choice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "off" => Ok(Self::Off),
            "" => Err("it is `auto`, `off` or the path of a program".to_owned()),
            path => Ok(Self::Program(path.into())),
        }
    }
}

/// What was answered, by script.
#[derive(Debug)]
pub(crate) struct Answers(BTreeMap<Digest, Vec<Comment>>);

impl Answers {
    /// What is said about a script.
    pub(crate) fn about(&self, script: &str) -> Vec<Comment> {
        self.0.get(&cache::key(script)).cloned().unwrap_or_default()
    }
}

/// Asks about scripts. `workspace` is where the files to check came from: no program from there is run unasked.
///
/// The answer is nothing when nobody was asked. A program that was found by itself and does not work is no error.
pub(crate) fn ask(choice: &Choice, scripts: Vec<String>, workspace: &[PathBuf]) -> Result<Option<Answers>> {
    let wanted = wanted(scripts);
    if wanted.is_empty() {
        return Ok(None);
    }
    match choice {
        Choice::Off => Ok(None),
        Choice::Program(path) => answers(&Program::named(path)?, wanted).map(Some),
        Choice::Auto => {
            let program = match program::find(&variables::search_path(), workspace) {
                Found::Program(program) => program,
                Found::InWorkspace(path) => {
                    say(&format!(
                        "note: `{0}` lies in what is checked and is not run; `--shellcheck={0}` trusts it",
                        path.display()
                    ));
                    return Ok(None);
                }
                Found::Nothing => {
                    say(
                        "note: `shellcheck` is not installed, so the code of RUN is not given to it; `--shellcheck=off` says that this is meant",
                    );
                    return Ok(None);
                }
            };
            Ok(answers(&program, wanted)
                .inspect_err(|error| say(&format!("warning: ShellCheck says nothing about RUN: {error:#}")))
                .ok())
        }
    }
}

/// The scripts by their digests, without those that are too large.
fn wanted(scripts: Vec<String>) -> BTreeMap<Digest, String> {
    let all = scripts.len();
    let kept = scripts.into_iter().filter(|script| script.len() <= LARGEST_SCRIPT);
    let mut count = 0;
    let wanted = kept.inspect(|_| count += 1).map(|script| (cache::key(&script), script)).collect();
    if count < all {
        say(&format!("warning: {} scripts of more than 128 KiB are not given to ShellCheck", all - count));
    }
    wanted
}

fn answers(program: &Program, mut wanted: BTreeMap<Digest, String>) -> Result<Answers> {
    let folder = variables::cache_home().map(|folder| folder.join("plimsoll/shellcheck-v0"));
    let mut cache = Cache::open(folder, program)?;
    let mut known = BTreeMap::new();
    wanted.retain(|digest, _| match cache.get(digest) {
        Some(comments) => {
            known.insert(*digest, comments);
            false
        }
        None => true,
    });
    if !wanted.is_empty() {
        let scripts: Vec<&str> = wanted.values().map(String::as_str).collect();
        let answered = program.run(&scripts)?;
        if answered.len() != wanted.len() {
            bail!("`{}` gave no answer that can be understood", program.path().display());
        }
        let fresh: Vec<_> = wanted.keys().copied().zip(answered).collect();
        cache.add(&fresh);
        known.extend(fresh);
    }
    Ok(Answers(known))
}
