//! Reads cases: folders with a Dockerfile, and files that hold many.
//!
//! A file of cases is text. `== name` starts a case; the lines behind it are its settings, as TOML; `-- path` starts one of
//! its files, which goes on to the next such line, blank lines at its end left out. Lines before the first case are remarks.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::case::{Case, Files, Settings};

/// How the files that hold many cases end.
const EXTENSION: &str = "cases";

/// All cases at a path, sorted.
pub(super) fn read(path: &Path) -> Result<Vec<Case>> {
    let name = stem(path)?;
    if path.is_file() {
        let text = std::fs::read_to_string(path)?;
        return parse(&name, &text).with_context(|| format!("in `{}`", path.display()));
    }
    if is_case(path) {
        return Ok(vec![folder(path, name)?]);
    }
    let mut entries = Vec::new();
    for entry in path.read_dir().with_context(|| format!("no folder `{}`", path.display()))? {
        entries.push(entry?.path());
    }
    entries.sort();
    let mut cases = Vec::new();
    for entry in entries {
        let own = stem(&entry)?;
        if entry.extension().is_some_and(|extension| extension == EXTENSION) {
            cases.extend(read(&entry)?);
        } else if is_case(&entry) {
            cases.push(folder(&entry, format!("{name}/{own}"))?);
        }
    }
    Ok(cases)
}

fn stem(path: &Path) -> Result<String> {
    let path = path.canonicalize().with_context(|| format!("no file or folder `{}`", path.display()))?;
    Ok(path.file_stem().unwrap_or_default().to_string_lossy().into_owned())
}

fn is_case(path: &Path) -> bool {
    path.is_dir() && (path.join("Dockerfile").exists() || path.join("case.toml").exists())
}

fn folder(path: &Path, name: String) -> Result<Case> {
    let settings = match std::fs::read_to_string(path.join("case.toml")) {
        Ok(text) => toml::from_str(&text).with_context(|| format!("in the case.toml of `{name}`"))?,
        Err(_) => Settings::default(),
    };
    Ok(Case { name, settings, files: Files::Folder(path.to_path_buf()) })
}

fn parse(topic: &str, text: &str) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    let mut current: Option<Draft> = None;
    for (number, line) in text.lines().enumerate() {
        if let Some(name) = line.strip_prefix("== ") {
            if let Some(draft) = current.replace(Draft::new(name)) {
                cases.push(draft.finish(topic)?);
            }
        } else if let Some(draft) = &mut current {
            draft.line(line).with_context(|| format!("line {}", number + 1))?;
        }
    }
    if let Some(draft) = current {
        cases.push(draft.finish(topic)?);
    }
    Ok(cases)
}

/// A case while its lines are read.
struct Draft {
    name: String,
    settings: String,
    files: Vec<(String, String)>,
}

impl Draft {
    fn new(name: &str) -> Self {
        Self { name: name.trim().to_owned(), settings: String::new(), files: Vec::new() }
    }

    fn line(&mut self, line: &str) -> Result<()> {
        if let Some(path) = line.strip_prefix("-- ") {
            if self.files.iter().any(|(known, _)| known == path) {
                bail!("the case `{}` has two files `{path}`", self.name);
            }
            self.files.push((path.to_owned(), String::new()));
            return Ok(());
        }
        let text = self.files.last_mut().map_or(&mut self.settings, |(_, text)| text);
        text.push_str(line);
        text.push('\n');
        Ok(())
    }

    fn finish(self, topic: &str) -> Result<Case> {
        let name = format!("{topic}/{}", self.name);
        let settings = toml::from_str(&self.settings).with_context(|| format!("the settings of `{name}`"))?;
        let files: BTreeMap<String, String> = self
            .files
            .into_iter()
            .map(|(path, text)| {
                let kept = text.trim_end_matches('\n');
                (path, if kept.is_empty() { String::new() } else { format!("{kept}\n") })
            })
            .collect();
        Ok(Case { name, settings, files: Files::Written(files) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::case::Expectation;

    #[test]
    fn a_file_holds_several_cases_with_settings_and_files() {
        let text = "A remark.\n\n== first\n-- Dockerfile\nFROM scratch\n\nLABEL a=b\n\n\n== second\n\
                    expect = \"refused\"\nargs = [\"--target\", \"x\"]\n-- Dockerfile\n-- a/b\nx\n";
        let cases = parse("topic", text).unwrap();
        assert_eq!(cases[0].name, "topic/first");
        let Files::Written(files) = &cases[0].files else { panic!("its files are written down") };
        assert_eq!(files["Dockerfile"], "FROM scratch\n\nLABEL a=b\n");
        assert!(cases[1].settings.expect == Expectation::Refused);
        assert_eq!(cases[1].settings.args, ["--target", "x"]);
        let Files::Written(files) = &cases[1].files else { panic!("its files are written down") };
        assert_eq!((files["Dockerfile"].as_str(), files["a/b"].as_str()), ("", "x\n"));
    }

    #[test]
    fn an_unknown_setting_is_an_error() {
        let error = parse("topic", "== one\nexpects = 1\n-- Dockerfile\n").err().unwrap();
        assert!(format!("{error:#}").contains("expects"), "{error:#}");
    }
}
