//! Julia's `Manifest.toml` (Pkg's documentation, "Project.toml and Manifest.toml"): `[[deps.NAME]]`, or `[[NAME]]` in the first
//! format. Entries of the standard library have no version. `path` is a package that is being developed.

use crate::analyzer::{Analysis, Analyzer, AnalyzerError, File};
use crate::collector::Collector;
use crate::document::{read_text, toml};
use crate::package::{Kind, Scope};
use crate::read_at::ReadAt;

pub(super) static ANALYZER: Analyzer = Analyzer { name: "julia-manifest", version: 1, wants, analyze };

fn wants(file: &File<'_>) -> bool {
    // `Manifest-v1.11.toml` belongs to that version of Julia.
    let name = file.name().strip_prefix(b"Julia").unwrap_or(file.name());
    name == b"Manifest.toml" || name.starts_with(b"Manifest-v") && name.ends_with(b".toml")
}

fn analyze(_: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    let text = read_text(content)?;
    let root = toml(&text, "a manifest of Julia")?;
    let packages =
        if root.get("manifest_format").is_some() { root.entries_of("deps") } else { root.entries() };
    let mut found = Collector::locked(Kind::Julia);
    for (name, entries) in packages {
        for entry in entries.items().iter().filter(|entry| entry.get("uuid").is_some()) {
            let scope = if entry.get("path").is_some() { Scope::Project } else { Scope::Runtime };
            found.add(name, entry.text("version").unwrap_or_default(), scope, entry.line);
        }
    }
    Ok(found.finish())
}
