//! The check that no file is forgotten: every Rust file of a crate is reached from one of its targets by `mod` lines,
//! and a crate has at most one integration test binary.
//!
//! A file that no `mod` line names is never compiled, so its tests never run and never fail.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::metadata::{self, Member};
use crate::shell;

/// Checks every member of the workspace.
pub(crate) fn check() -> Result<()> {
    let mut faults = Vec::new();
    for member in metadata::members()? {
        faults.extend(forgotten(&member)?);
        let tests = member.roots.iter().filter(|(kind, _)| kind == "test").count();
        if tests > 1 {
            faults.push(format!(
                "`{}` has {tests} integration test binaries: make them modules of one",
                member.name
            ));
        }
    }
    if !faults.is_empty() {
        bail!("files that are never compiled, or compiled too often:\n  {}", faults.join("\n  "));
    }
    Ok(())
}

fn forgotten(member: &Member) -> Result<Vec<String>> {
    let mut reached = BTreeSet::new();
    for (_, root) in &member.roots {
        reach(root, true, &mut reached)?;
    }
    let mut files = Vec::new();
    for folder in ["src", "tests", "benches", "examples"] {
        collect(&member.directory.join(folder), &mut files)?;
    }
    let workspace = shell::workspace();
    Ok(files
        .into_iter()
        .filter(|file| !reached.contains(file))
        .map(|file| {
            format!("{}: no `mod` line names it", file.strip_prefix(&workspace).unwrap_or(&file).display())
        })
        .collect())
}

/// Adds `file` and all files that its `mod` lines name, directly or not.
fn reach(file: &Path, is_root: bool, reached: &mut BTreeSet<PathBuf>) -> Result<()> {
    if !reached.insert(file.to_path_buf()) {
        return Ok(());
    }
    let text =
        std::fs::read_to_string(file).with_context(|| format!("could not read `{}`", file.display()))?;
    let folder = file.parent().context("a source file lies in a folder")?;
    let stem = file.file_stem().unwrap_or_default();
    let below = if is_root || stem == "mod" { folder.to_path_buf() } else { folder.join(stem) };
    for module in modules(&text) {
        let candidates = match &module {
            Module::At(path) => vec![folder.join(path)],
            Module::Named(name) => vec![below.join(format!("{name}.rs")), below.join(name).join("mod.rs")],
        };
        if let Some(path) = candidates.iter().find(|path| path.is_file()) {
            reach(path, false, reached)?;
        }
    }
    Ok(())
}

#[derive(Debug, PartialEq)]
enum Module {
    Named(String),
    At(String),
}

/// The modules that a file declares to be in other files.
fn modules(text: &str) -> Vec<Module> {
    let mut found = Vec::new();
    let mut path = None;
    for line in text.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("#[path = \"") {
            path = rest.split('"').next().map(str::to_owned);
            continue;
        }
        let rest = line.strip_prefix("pub").map_or(line, |rest| {
            let rest = rest.trim_start();
            if rest.starts_with('(') {
                rest.split_once(')').map_or(rest, |(_, rest)| rest.trim_start())
            } else {
                rest
            }
        });
        if let Some(name) = rest.strip_prefix("mod ").and_then(|rest| rest.split(';').next()) {
            let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
            if is_name && rest.contains(';') {
                found.push(path.take().map_or_else(|| Module::Named(name.to_owned()), Module::At));
            }
        }
    }
    found
}

/// All Rust files below a folder; fixtures are data.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if !folder.is_dir() || folder.ends_with("fixtures") {
        return Ok(());
    }
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mod_lines_are_read_with_any_visibility() {
        let text =
            "mod a;\npub mod b;\npub(crate) mod c; // why\nmod inline {\n}\n#[path = \"x/y.rs\"]\nmod d;\n";
        let named = |name: &str| Module::Named(name.to_owned());
        assert_eq!(modules(text), [named("a"), named("b"), named("c"), Module::At("x/y.rs".to_owned())]);
    }

    #[test]
    fn a_file_that_no_line_names_is_reported() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("src");
        std::fs::create_dir(&source).unwrap();
        std::fs::write(source.join("lib.rs"), "mod used;\n").unwrap();
        std::fs::write(source.join("used.rs"), "").unwrap();
        std::fs::write(source.join("forgotten.rs"), "").unwrap();
        let member = Member {
            name: "sample".to_owned(),
            directory: folder.path().to_path_buf(),
            dependencies: BTreeSet::new(),
            roots: vec![("lib".to_owned(), source.join("lib.rs"))],
        };
        let faults = forgotten(&member).unwrap();
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].contains("forgotten.rs"));
    }

    #[test]
    fn the_workspace_has_no_forgotten_file() {
        check().unwrap();
    }
}
