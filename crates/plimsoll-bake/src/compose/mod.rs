//! Compose files: the `build:` section of each service is a target.
//!
//! Read are services with what they extend, and the secrets they name; several files are merged as the compose
//! specification says. Everything else of a compose file is looked at only for variables that must be set.

mod dotenv;
mod interpolate;
mod merge;
mod service;
mod yaml;

use std::collections::BTreeMap;
use std::sync::Arc;

use plimsoll_diagnostics::{Severity, SourceFile};

use crate::BakeError;
use crate::problem::{Outcome, Problem};
use crate::resolve::Definitions;
use crate::target::Group;

pub use dotenv::parse_dotenv;

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
    pub(crate) fn read(
        files: &[Arc<SourceFile>],
        environment: &BTreeMap<String, String>,
    ) -> Result<Self, BakeError> {
        let mut problems = Vec::new();
        let mut warnings = Vec::new();
        let mut merged: Option<Node> = None;
        for file in files {
            match load(file, environment, &mut warnings) {
                Ok(document) => {
                    merged = Some(match merged {
                        Some(base) => merge::documents(base, document),
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
        for warning in &mut warnings {
            warning.diagnostic.severity = Severity::Warning;
        }
        Ok(Self { definitions, warnings })
    }
}

/// One file, with its variables filled in and its services extended.
fn load(
    file: &Arc<SourceFile>,
    environment: &BTreeMap<String, String>,
    warnings: &mut Vec<Problem>,
) -> Outcome<Node> {
    let mut document = yaml::parse(file)?;
    if document.as_map().is_none() && !document.is_null() {
        return Err(document
            .place
            .error("bad-compose", "a compose file is a mapping")
            .hint("start with `services:`"));
    }
    interpolate::document(&mut document, environment, warnings)?;
    if let Some(include) = document.get("include") {
        return Err(include
            .place
            .error("unsupported-include", "`include` is not followed")
            .hint("name the included file with `--file` as well"));
    }
    if let Some(services) = document.get("services")
        && services.as_map().is_none()
        && !services.is_null()
    {
        return Err(services.place.error("bad-compose", "`services` must be a mapping"));
    }
    merge::extend_services(&mut document)?;
    Ok(document)
}
