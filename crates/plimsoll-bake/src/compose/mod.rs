//! Compose files: the `build:` section of each service is a target.
//!
//! Read are services with what they extend, files that are included, and the secrets that services name; several files are
//! merged as the compose specification says. Everything else of a compose file is looked at only for variables that must
//! be set.

mod dotenv;
mod extends;
mod include;
mod interpolate;
mod loader;
mod merge;
mod rebase;
mod service;
mod yaml;

use std::sync::Arc;

use plimsoll_diagnostics::{Severity, SourceFile};

use crate::paths::clean;
use crate::problem::Problem;
use crate::resolve::Definitions;
use crate::target::Group;
use crate::{BakeError, Inputs};

pub use dotenv::parse_dotenv;

use loader::{Ground, Loader};
use yaml::Node;

/// What compose files define.
pub(crate) struct Compose {
    pub(crate) definitions: Definitions,
    pub(crate) warnings: Vec<Problem>,
}

/// Whether a file is a compose file: by its name, else by what it holds.
pub(crate) fn is_compose(source: &Arc<SourceFile>) -> bool {
    match crate::paths::extension(source.name()).as_deref() {
        Some("yml" | "yaml") => return true,
        Some("json" | "hcl") => return false,
        _ => {}
    }
    yaml::parse(source)
        .is_ok_and(|document| document.get("services").is_some_and(|node| node.as_map().is_some()))
}

impl Compose {
    /// Reads all compose files as one.
    pub(crate) fn read(files: &[Arc<SourceFile>], inputs: &Inputs<'_>) -> Result<Self, BakeError> {
        let environment = &inputs.compose_environment;
        let mut problems = Vec::new();
        let mut loader = Loader::new(inputs.files);
        let mut merged: Option<Node> = None;
        for file in files {
            let ground = Ground { folder: parent(file.name()), environment };
            match loader.named_file(file, &ground) {
                Ok(document) => {
                    merged = Some(match merged {
                        Some(base) => merge::over(base, document),
                        None => document,
                    });
                }
                Err(problem) => problems.push(problem),
            }
        }
        if !problems.is_empty() {
            return Err(BakeError { problems });
        }
        let document = merged.expect("there is at least one compose file");
        let mut definitions = Definitions::default();
        let mut group = Group { name: "default".to_owned(), ..Group::default() };
        for (name, service) in document.get("services").and_then(Node::as_map).unwrap_or_default() {
            let secrets = document.get("secrets");
            match service::target(name, service, secrets, environment) {
                Ok(Some(target)) => {
                    group.targets.push(target.name.clone());
                    definitions.targets.push(target);
                }
                Ok(None) => {}
                Err(problem) => problems.push(problem),
            }
        }
        if !problems.is_empty() {
            return Err(BakeError { problems });
        }
        group.targets.sort();
        definitions.targets.sort_by(|a, b| a.name.cmp(&b.name));
        definitions.groups.push(group);
        let mut warnings: Vec<Problem> = Vec::new();
        for mut warning in loader.into_warnings() {
            warning.diagnostic.severity = Severity::Warning;
            // A file that several services extend is read for each.
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
        }
        Ok(Self { definitions, warnings })
    }
}

/// The folder of a file; nothing for the working directory.
fn parent(path: &str) -> String {
    path.rsplit_once('/').map_or_else(String::new, |(folder, _)| {
        match clean(&format!("{folder}/")).as_str() {
            "." => String::new(),
            folder => folder.to_owned(),
        }
    })
}

/// A path that is meant from a folder, seen from the working directory.
fn join(folder: &str, path: &str) -> String {
    if path.starts_with('/') || folder.is_empty() { clean(path) } else { clean(&format!("{folder}/{path}")) }
}
