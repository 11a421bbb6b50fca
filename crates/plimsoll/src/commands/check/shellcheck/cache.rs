//! Answers that were given before: one file a version of the program, one line a script.
//!
//! The oldest lines go when the file has grown too large, the oldest files when there are too many. A cache that cannot be read
//! or written is none: everything is asked again.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::Result;
use plimsoll_lint::shellcheck::{Comment, EXCLUDED};
use plimsoll_oci::Digest;

use super::program::Program;

/// A file of answers is no larger than this many bytes.
const LARGEST: usize = 8 << 20;

/// There are no more files of answers than this.
const MOST_FILES: usize = 4;

/// Which version each program had.
const VERSIONS: &str = "versions";

/// So many programs are remembered.
const MOST_VERSIONS: usize = 16;

/// The answers of one version.
pub(super) struct Cache {
    /// Where they are kept; nothing when nowhere.
    file: Option<PathBuf>,
    text: String,
    /// Where in the text the answer about a script is.
    places: BTreeMap<String, (usize, usize)>,
    /// What was asked for: these lines are kept the longest.
    used: Vec<String>,
}

/// The name of a script: its own text, and how the program is called.
pub(super) fn key(script: &str) -> Digest {
    Digest::of(format!("1 {EXCLUDED:?}\n{script}"))
}

impl Cache {
    /// Opens the answers of a program's version, which is asked only if the file of the program is a new one.
    pub(super) fn open(folder: Option<PathBuf>, program: &Program) -> Result<Self> {
        let version = version(folder.as_deref(), program)?;
        let file = folder.map(|folder| folder.join(version));
        let text = file.as_deref().and_then(|file| std::fs::read_to_string(file).ok()).unwrap_or_default();
        Ok(Self::new(file, text))
    }

    fn new(file: Option<PathBuf>, text: String) -> Self {
        let mut places = BTreeMap::new();
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            if let Some(key) = line.ends_with('\n').then(|| line.split('\t').next()).flatten() {
                places.insert(key.to_owned(), (start, start + line.len()));
            }
            start += line.len();
        }
        Self { file, text, places, used: Vec::new() }
    }

    /// What was answered about a script.
    pub(super) fn get(&mut self, key: &Digest) -> Option<Vec<Comment>> {
        let key = key.hex();
        let (start, end) = *self.places.get(&key)?;
        let comments = serde_json::from_str(self.text[start..end].split_once('\t')?.1).ok()?;
        self.used.push(key);
        Some(comments)
    }

    /// Adds answers and writes the file.
    pub(super) fn add(&mut self, answers: &[(Digest, Vec<Comment>)]) {
        let Some(file) = self.file.clone() else { return };
        let mut fresh = String::new();
        for (key, comments) in answers {
            let json = serde_json::to_string(comments).expect("texts and numbers are always valid JSON");
            let _infallible = writeln!(fresh, "{}\t{json}", key.hex());
        }
        for key in &self.used {
            if let Some((start, end)) = self.places.remove(key) {
                fresh.push_str(&self.text[start..end]);
            }
        }
        let mut kept: Vec<(usize, usize)> = self.places.values().copied().collect();
        kept.sort_unstable();
        let mut size = fresh.len();
        let newest = kept.iter().rev().take_while(|(start, end)| {
            size += end - start;
            size <= LARGEST
        });
        let first = newest.last().map_or(self.text.len(), |(start, _)| *start);
        let old: String = kept
            .iter()
            .filter(|(start, _)| *start >= first)
            .map(|(start, end)| &self.text[*start..*end])
            .collect();
        let text = old + &fresh;
        if text.len() <= LARGEST && write(&file, &text) {
            forget_old(&file);
        }
    }
}

fn version(folder: Option<&Path>, program: &Program) -> Result<String> {
    let (Some(folder), Some(identity)) = (folder, program.identity()) else { return program.version() };
    let file = folder.join(VERSIONS);
    let known = std::fs::read_to_string(&file).unwrap_or_default();
    let lines = || known.lines().filter_map(|line| line.split_once('\t'));
    if let Some((_, version)) = lines().find(|(other, _)| *other == identity) {
        // The name of a file comes from here.
        if !version.is_empty() && !version.contains('/') && !version.starts_with('.') {
            return Ok(version.to_owned());
        }
    }
    let version = program.version()?;
    let mut text = format!("{identity}\t{version}\n");
    for (other, version) in lines().filter(|(other, _)| *other != identity).take(MOST_VERSIONS - 1) {
        let _infallible = writeln!(text, "{other}\t{version}");
    }
    write(&file, &text);
    Ok(version)
}

/// Puts a file in the place of another, for its owner only; tells whether that could be done.
fn write(file: &Path, text: &str) -> bool {
    let Some(folder) = file.parent() else { return false };
    let put = || -> std::io::Result<()> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let mut new = tempfile::NamedTempFile::new_in(folder)?;
        std::io::Write::write_all(&mut new, text.as_bytes())?;
        new.persist(file)?;
        Ok(())
    };
    put().is_ok()
}

/// Removes the files of versions that were used the longest time ago.
fn forget_old(newest: &Path) {
    let Some(entries) = newest.parent().and_then(|folder| std::fs::read_dir(folder).ok()) else { return };
    let mut files: Vec<_> = entries
        .flatten()
        .filter(|entry| entry.file_name() != VERSIONS && entry.path() != newest)
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    files.sort();
    let excess = files.len().saturating_sub(MOST_FILES - 1);
    for (_, path) in &files[..excess] {
        let _another_may_have_done_it = std::fs::remove_file(path);
    }
}

#[cfg(test)]
mod tests {
    use plimsoll_diagnostics::Severity;

    use super::*;

    fn comment(message: &str) -> Comment {
        Comment {
            file: String::new(),
            line: 1,
            end_line: 1,
            column: 1,
            end_column: 2,
            level: Severity::Info,
            code: 2086,
            message: message.to_owned(),
            fix: None,
        }
    }

    fn open(file: &Path) -> Cache {
        Cache::new(Some(file.to_owned()), std::fs::read_to_string(file).unwrap_or_default())
    }

    #[test]
    fn answers_are_found_again_and_the_oldest_go() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("new/0.9.0");
        let large = "x".repeat(LARGEST / 4);
        for number in 0..6 {
            let mut cache = open(&file);
            // The first one is used all the time.
            assert_eq!(cache.get(&key("0")).is_some(), number > 0);
            cache.add(&[(key(&number.to_string()), vec![comment(&large)])]);
        }
        let mut cache = open(&file);
        assert!(std::fs::metadata(&file).unwrap().len() <= LARGEST as u64);
        let there: Vec<bool> = (0..6).map(|number| cache.get(&key(&number.to_string())).is_some()).collect();
        assert_eq!(there, [true, false, false, false, true, true]);
        assert_eq!(cache.get(&key("5")), Some(vec![comment(&large)]));
    }

    #[test]
    fn a_broken_file_is_no_answer() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("0.9.0");
        let name = key("a").hex();
        for text in [format!("{name}\tnonsense\n"), format!("{name}\t[]"), "\n\n\t\n".to_owned()] {
            std::fs::write(&file, text).unwrap();
            assert_eq!(open(&file).get(&key("a")), None);
        }
        std::fs::write(&file, format!("{name}\t[]\n")).unwrap();
        assert_eq!(open(&file).get(&key("a")), Some(Vec::new()));
    }

    #[test]
    fn files_of_old_versions_go() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..8 {
            let mut cache = open(&folder.path().join(format!("0.{number}")));
            cache.add(&[(key("a"), Vec::new())]);
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), MOST_FILES);
        assert!(folder.path().join("0.7").exists());
    }
}
