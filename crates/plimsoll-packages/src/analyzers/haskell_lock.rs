//! Haskell: Stack's lock file (`stack.yaml.lock`, what it adds to a snapshot of Stackage) and Cabal's `cabal.project.freeze`
//! (Cabal's user guide, "cabal freeze": constraints `any.NAME ==VERSION`).

use crate::analyzer::{Analysis, Analyzer, AnalyzerError, File};
use crate::collector::{Collector, is_named};
use crate::document::{read_text, yaml};
use crate::package::{Kind, Scope};
use crate::read_at::ReadAt;

pub(super) static STACK: Analyzer = Analyzer {
    name: "stack-lock",
    version: 1,
    wants: |file| is_named(file, &["stack.yaml.lock"]),
    analyze: stack,
};

pub(super) static CABAL: Analyzer = Analyzer {
    name: "cabal-freeze",
    version: 1,
    wants: |file| is_named(file, &["cabal.project.freeze", "cabal.config"]),
    analyze: cabal,
};

fn stack(_: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    let text = read_text(content)?;
    let mut found = Collector::locked(Kind::Hackage);
    for document in yaml(&text, "a lock file of Stack")? {
        for package in document.items_of("packages") {
            let Some(completed) = package.get("completed") else { continue };
            // `NAME-VERSION@sha256:…`; one from git or an archive has both apart.
            if let Some((name, version)) =
                completed.text("hackage").and_then(|text| text.split('@').next()?.rsplit_once('-'))
            {
                found.add(name, version, Scope::Runtime, completed.line_of("hackage"));
            } else if let (Some(name), Some(version)) = (completed.text("name"), completed.text("version")) {
                found.add(name, version, Scope::Runtime, completed.line_of("name"));
            }
        }
    }
    Ok(found.finish())
}

fn cabal(_: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    let text = read_text(content)?;
    let mut found = Collector::locked(Kind::Hackage);
    for (line, number) in text.lines().zip(1..) {
        let line = line.split("--").next().unwrap_or(line).trim();
        for constraint in line.strip_prefix("constraints:").unwrap_or(line).split(',') {
            let Some((name, version)) = constraint.split_once("==") else { continue };
            let name = name.trim();
            let name = name.strip_prefix("any.").unwrap_or(name);
            let version = version.trim();
            if !name.contains(' ') && version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
                found.add(name, version, Scope::Runtime, number);
            }
        }
    }
    Ok(found.finish())
}
