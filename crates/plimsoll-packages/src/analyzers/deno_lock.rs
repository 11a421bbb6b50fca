//! Deno's lock file, the npm packages of it: in `npm` (versions 4 and 5), `packages.npm` (3) or `npm.packages` (2), each called
//! `NAME@VERSION`, with the peers that it was resolved with behind `_`.

use crate::analyzer::{Analysis, Analyzer, AnalyzerError, File};
use crate::collector::{Collector, is_below, is_named};
use crate::document::{Node, json, read_text};
use crate::package::{Kind, Scope};
use crate::read_at::ReadAt;

pub(super) static ANALYZER: Analyzer = Analyzer {
    name: "deno-lock",
    version: 1,
    wants: |file| is_named(file, &["deno.lock"]) && !is_below(file, "node_modules"),
    analyze,
};

fn analyze(_: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    let text = read_text(content)?;
    let root = json(&text, "a lock file of Deno")?;
    let mut found = Collector::locked(Kind::Npm);
    let packages = [&["packages", "npm"] as &[&str], &["npm", "packages"], &["npm"]];
    for (key, package) in
        packages.iter().find_map(|path| root.at(path)).map(Node::entries).unwrap_or_default()
    {
        // No version has a `_`; a name may.
        let Some(at) = key.char_indices().skip(1).find(|(_, character)| *character == '@') else { continue };
        let version = key[at.0 + 1..].split('_').next().unwrap_or_default();
        found.add(&key[..at.0], version, Scope::Runtime, package.line);
    }
    Ok(found.finish())
}
