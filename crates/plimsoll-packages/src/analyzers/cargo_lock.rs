//! Cargo's lock file in its versions 1 to 4 (the Cargo Book, "Cargo.toml vs Cargo.lock"). A package without `source` lies beside
//! the file: the project, a member of its workspace or a path dependency. What is for development only, it does not say.

use crate::analyzer::{Analysis, Analyzer, AnalyzerError, File};
use crate::collector::{Collector, is_named};
use crate::document::{read_text, toml};
use crate::package::{Kind, Scope};
use crate::read_at::ReadAt;

pub(super) static ANALYZER: Analyzer = Analyzer { name: "cargo-lock", version: 1, wants, analyze };

fn wants(file: &File<'_>) -> bool {
    // Cargo unpacks sources of others here, each with the lock file of its own development.
    let is_of_others =
        [&b"registry/src/"[..], b"git/checkouts/"].iter().any(|folder| contains(file.path, folder));
    is_named(file, &["Cargo.lock"]) && !is_of_others
}

fn contains(path: &[u8], part: &[u8]) -> bool {
    path.windows(part.len()).any(|window| window == part)
}

fn analyze(_: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    let text = read_text(content)?;
    let root = toml(&text, "a lock file of Cargo")?;
    let mut found = Collector::locked(Kind::Cargo);
    // The oldest files have the project in a table of its own.
    for package in root.items_of("package").iter().chain(root.get("root")) {
        let (Some(name), Some(version)) = (package.text("name"), package.text("version")) else { continue };
        let scope = if package.get("source").is_some() { Scope::Runtime } else { Scope::Project };
        found.add(name, version, scope, package.line_of("name"));
    }
    Ok(found.finish())
}
