//! Go's module file (Go Modules Reference, "go.mod files"): what `require` names, with `replace` applied.
//!
//! Versions keep their `v`, as everything in Go writes them. The `go` and `toolchain` lines say what is needed at least, so that
//! they give no `stdlib`; that comes from programs. Before Go 1.17 the file names direct dependencies only.

use std::collections::BTreeMap;

use crate::analyzer::{Analysis, Analyzer, AnalyzerError, File};
use crate::collector::{Collector, is_named};
use crate::document::read_text;
use crate::package::{Kind, Scope};
use crate::read_at::ReadAt;

pub(super) static ANALYZER: Analyzer = Analyzer { name: "go-mod", version: 1, wants, analyze };

fn wants(file: &File<'_>) -> bool {
    // In the cache of modules each has the file of its own development.
    let is_cached = file.path.windows(8).any(|part| part == b"pkg/mod/");
    is_named(file, &["go.mod"]) && !is_cached
}

#[derive(Default)]
struct Module {
    requires: Vec<(String, String, u32)>,
    /// From a path, and a version or none for all, to a path, and a version or none for a folder.
    replaces: BTreeMap<(String, Option<String>), (String, Option<String>)>,
}

fn analyze(_: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    let text = read_text(content)?;
    let mut module = Module::default();
    let mut found = Collector::locked(Kind::Golang);
    let mut block: Option<String> = None;
    for (line, number) in text.lines().zip(1..) {
        let mut words = words(line).into_iter();
        let is_complete = match &block {
            Some(_) if line.trim_start().starts_with(')') => {
                block = None;
                true
            }
            Some(verb) => add(&mut module, verb, words.collect(), number),
            None => {
                let Some(verb) = words.next() else { continue };
                let rest: Vec<String> = words.collect();
                if rest.first().is_some_and(|word| word == "(") {
                    block = Some(verb);
                    true
                } else {
                    add(&mut module, &verb, rest, number)
                }
            }
        };
        if !is_complete {
            found.not_scanned(format!("line {number} of the go.mod is not complete"));
        }
    }
    for (path, version, number) in module.requires {
        let exact = module.replaces.get(&(path.clone(), Some(version.clone())));
        let (path, version) = match exact.or_else(|| module.replaces.get(&(path.clone(), None))) {
            Some((path, Some(version))) => (path.clone(), version.clone()),
            // A folder is a part of the project.
            Some((_, None)) => continue,
            None => (path, version),
        };
        // The name of a branch stands there until Go puts a version in its place.
        if version
            .strip_prefix('v')
            .is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
        {
            found.add(&path, &version, Scope::Runtime, number);
        }
    }
    Ok(found.finish())
}

/// The words of a line without its comment. A word may be quoted; `(` is one even without a space before.
fn words(line: &str) -> Vec<String> {
    let line = line.split("//").next().unwrap_or(line);
    let line = line.replace('(', " ( ");
    line.split_whitespace().map(|word| word.trim_matches(['"', '`']).to_owned()).collect()
}

/// Takes what a directive says; false if a part of it is missing.
fn add(module: &mut Module, verb: &str, words: Vec<String>, line: u32) -> bool {
    if words.is_empty() {
        return true;
    }
    match verb {
        "require" => {
            let mut words = words.into_iter();
            let (Some(path), Some(version)) = (words.next(), words.next()) else { return false };
            module.requires.push((path, version, line));
        }
        "replace" => {
            let Some(arrow) = words.iter().position(|word| word == "=>") else { return false };
            let (Some(from), Some(to)) = (words[..arrow].first(), words.get(arrow + 1)) else { return false };
            let of_version = if arrow > 1 { words.get(1).cloned() } else { None };
            module.replaces.insert((from.clone(), of_version), (to.clone(), words.get(arrow + 2).cloned()));
        }
        _ => {}
    }
    true
}
