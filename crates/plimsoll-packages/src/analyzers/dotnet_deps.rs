//! What a .NET program was published with: `*.deps.json` (.NET's documentation, "runtime configuration files").
//!
//! `libraries` lists `NAME/VERSION` with a type; `targets` says for the runtime target which of them have files in the program's
//! folder. One without any was needed for compiling only and is not there.

use std::collections::BTreeMap;

use crate::analyzer::{Analysis, Analyzer, AnalyzerError, File};
use crate::collector::Collector;
use crate::document::{Node, json, read_text};
use crate::package::{Evidence, Kind, Scope};
use crate::read_at::ReadAt;

pub(super) static ANALYZER: Analyzer =
    Analyzer { name: "dotnet-deps", version: 1, wants: |file| file.name().ends_with(b".deps.json"), analyze };

fn analyze(_: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    const FORMAT: &str = "a deps.json of .NET";
    let text = read_text(content)?;
    let root = json(&text, FORMAT)?;
    if !root.is_map() {
        return Err(AnalyzerError::format(FORMAT, "its root is no object"));
    }
    // It is an object since .NET Core 1.0, and was a text before.
    let runtime =
        root.get("runtimeTarget").and_then(|target| target.as_text().or_else(|| target.text("name")));
    let target = runtime.and_then(|name| root.at(&["targets", name])).map(Node::entries).unwrap_or_default();
    let target: BTreeMap<&str, &Node<'_>> = target.iter().map(|(key, entry)| (&**key, entry)).collect();
    let mut found = Collector::new(Kind::Nuget, Evidence::Installed);
    for (key, library) in root.entries_of("libraries") {
        let Some((name, version)) = key.split_once('/') else { continue };
        let kind = library.text("type").unwrap_or_default().to_ascii_lowercase();
        match kind.as_str() {
            "project" => found.add(name, version, Scope::Project, library.line),
            "package" if target.get(&**key).is_none_or(|entry| has_files(entry)) => {
                found.add(name, version, Scope::Runtime, library.line);
            }
            // A program that brings its runtime along has it from this package.
            "runtimepack" => {
                let name = name.strip_prefix("runtimepack.").unwrap_or(name);
                found.add(name, version, Scope::Runtime, library.line);
            }
            _ => {}
        }
    }
    Ok(found.finish())
}

/// Whether a library of the target has files in the program's folder.
fn has_files(entry: &Node<'_>) -> bool {
    ["runtime", "runtimeTargets", "native", "resources"].iter().any(|key| !entry.entries_of(key).is_empty())
}
