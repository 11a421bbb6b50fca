//! Bundler's lock file, `Gemfile.lock` or `gems.locked` (Bundler's documentation, "bundle lock"): the `specs` of its sources.
//!
//! What is indented four times is a gem, six times what that needs. A platform behind the version (`1.15.0-x86_64-linux`) is no
//! part of it; versions of gems have no `-`. Groups are in the `Gemfile` only.

use crate::analyzer::{Analysis, Analyzer, AnalyzerError, File};
use crate::collector::{Collector, is_named};
use crate::document::read_text;
use crate::package::{Kind, Scope};
use crate::read_at::ReadAt;

pub(super) static ANALYZER: Analyzer = Analyzer { name: "gemfile-lock", version: 1, wants, analyze };

fn wants(file: &File<'_>) -> bool {
    let name = file.name();
    let is_one = is_named(file, &["Gemfile.lock", "gems.locked"]) || name.ends_with(b".gemfile.lock");
    is_one && !is_in_gem(file.path)
}

/// Whether the file is a part of an installed gem: in `gems/NAME-VERSION`.
fn is_in_gem(path: &[u8]) -> bool {
    let mut parts = path.split(|byte| *byte == b'/').peekable();
    while let Some(part) = parts.next() {
        let below = parts.peek().copied().unwrap_or_default();
        let version = below.iter().rposition(|byte| *byte == b'-').map(|at| &below[at + 1..]);
        if part == b"gems" && version.is_some_and(|version| version.first().is_some_and(u8::is_ascii_digit)) {
            return true;
        }
    }
    false
}

fn analyze(_: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    let text = read_text(content)?;
    let mut found = Collector::locked(Kind::Gem);
    let mut scope = None;
    let mut sections = 0;
    for (line, number) in text.lines().zip(1..) {
        if !line.starts_with(' ') {
            scope = match line.trim_end() {
                "GEM" | "GIT" | "PLUGIN SOURCE" | "SVN" => Some(Scope::Runtime),
                "PATH" => Some(Scope::Project),
                _ => None,
            };
            sections += u32::from(!line.trim().is_empty());
        } else if let Some(scope) = scope
            && let Some(gem) = line.strip_prefix("    ").filter(|gem| !gem.starts_with(' '))
            && let Some((name, version)) =
                gem.trim_end().strip_suffix(')').and_then(|gem| gem.split_once(" ("))
        {
            found.add(name, version.split('-').next().unwrap_or(version), scope, number);
        }
    }
    if sections == 0 && !text.trim().is_empty() {
        return Err(AnalyzerError::format("a lock file of Bundler", "no line begins a section"));
    }
    Ok(found.finish())
}
