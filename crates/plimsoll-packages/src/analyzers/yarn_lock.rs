//! Yarn's lock file: the classic format of Yarn 1 and the YAML of later ones, which differ little enough for one reader.
//!
//! An entry is a line without indentation, the patterns that it answers, and below it `version` and what was resolved:
//! `resolved` an address (classic), `resolution` name, protocol and version (later). Neither tells what is for development.

use crate::analyzer::{Analysis, Analyzer, AnalyzerError, File};
use crate::collector::{Collector, is_below, is_named};
use crate::document::read_text;
use crate::package::{Kind, Scope};
use crate::read_at::ReadAt;

pub(super) static ANALYZER: Analyzer = Analyzer {
    name: "yarn-lock",
    version: 1,
    wants: |file| is_named(file, &["yarn.lock"]) && !is_below(file, "node_modules"),
    analyze,
};

#[derive(Default)]
struct Entry<'a> {
    pattern: &'a str,
    line: u32,
    version: &'a str,
    resolution: &'a str,
    is_soft_link: bool,
}

fn analyze(_: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    let text = read_text(content)?;
    let mut found = Collector::locked(Kind::Npm);
    let mut entry = Entry::default();
    let (mut entries, mut others) = (0, 0);
    for (line, number) in text.lines().zip(1..) {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        // A long key of YAML: `? KEY` on one line, `:` on the next, perhaps with the first field.
        let is_long_key = line.starts_with("? ");
        if !line.starts_with([' ', '\t', ':']) {
            add(&entry, &mut found);
            entry = Entry { pattern: first_pattern(line), line: number, ..Entry::default() };
            if is_long_key || line.trim_end().ends_with(':') {
                entries += 1;
            } else {
                others += 1;
            }
            continue;
        }
        // What belongs to the entry itself is indented once.
        let field = line.strip_prefix("  ").or_else(|| line.strip_prefix(": "));
        let Some(field) = field.filter(|rest| !rest.starts_with(' ')) else { continue };
        let (key, value) = field.split_once([' ', ':']).unwrap_or((field, ""));
        let value = value.trim_start_matches([' ', ':']).trim().trim_matches('"');
        match key.trim_matches('"') {
            "version" => entry.version = value,
            "resolution" => entry.resolution = value,
            "linkType" => entry.is_soft_link = value == "soft",
            _ => {}
        }
    }
    add(&entry, &mut found);
    if entries == 0 && others > 0 {
        return Err(AnalyzerError::format("a lock file of Yarn", "no line begins an entry"));
    }
    Ok(found.finish())
}

/// The first of `"a@^1", "a@^2":`, without its quotes. Later Yarns quote all of them together.
fn first_pattern(line: &str) -> &str {
    let line = line.trim_end().trim_end_matches(':');
    let line = line.strip_prefix("? ").unwrap_or(line);
    line.split(", ").next().unwrap_or(line).trim().trim_matches('"')
}

fn add(entry: &Entry<'_>, found: &mut Collector) {
    if entry.pattern.is_empty() || entry.pattern == "__metadata" {
        return;
    }
    // `resolution` names the package itself, a pattern possibly an alias of it.
    let described = if entry.resolution.is_empty() { entry.pattern } else { entry.resolution };
    let Some((name, reference)) = split(described) else { return };
    let aliased = reference.strip_prefix("npm:").filter(|_| entry.resolution.is_empty()).and_then(split);
    let name = aliased.map_or(name, |(name, _)| name);
    let is_archive = [".tgz", ".tar.gz"].iter().any(|end| reference.contains(end));
    let is_local =
        ["workspace:", "link:", "portal:", "file:"].iter().any(|start| reference.starts_with(start));
    let is_project = entry.is_soft_link || is_local && !is_archive;
    // What Yarn writes for a workspace, whose version it does not know.
    if entry.version == "0.0.0-use.local" {
        return;
    }
    found.add(name, entry.version, if is_project { Scope::Project } else { Scope::Runtime }, entry.line);
}

/// `NAME@REFERENCE`, where the name may begin with an `@`.
fn split(text: &str) -> Option<(&str, &str)> {
    let at = text.char_indices().skip(1).find(|(_, character)| *character == '@')?.0;
    Some((&text[..at], &text[at + 1..]))
}
