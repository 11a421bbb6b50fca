//! `META-INF/MANIFEST.MF` (JAR File Specification, "JAR Manifest"): its main section.

use std::collections::BTreeMap;

use super::archive::{Coordinates, is_literal};
use super::groups;

/// The attributes of the main section.
pub(super) struct Main(BTreeMap<String, String>);

impl Main {
    pub(super) fn parse(text: &str) -> Self {
        let mut attributes: BTreeMap<String, String> = BTreeMap::new();
        let mut last = String::new();
        for line in text.lines().take_while(|line| !line.trim().is_empty()) {
            // "Continuation: SPACE": a line has 72 bytes at most.
            if let Some(more) = line.strip_prefix(' ') {
                if let Some(value) = attributes.get_mut(&last) {
                    value.push_str(more);
                }
            } else if let Some((name, value)) = line.split_once(':') {
                last = name.trim().to_ascii_lowercase();
                attributes.insert(last.clone(), value.trim().to_owned());
            }
        }
        Self(attributes)
    }

    /// A value that can be a name or a version.
    fn literal(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| is_literal(value))
    }

    /// What the archive is by its name and these attributes. Maven names files after their artifacts, so the name is believed first.
    pub(super) fn coordinates(&self, (named, version): (String, Option<String>)) -> Option<Coordinates> {
        if let Some(plugin) = self.jenkins_plugin() {
            return Some(plugin);
        }
        let bundle = self.literal("bundle-symbolicname").map(|name| name.split(';').next().unwrap_or(name));
        let artifact = match (&version, self.literal("implementation-title")) {
            (None, Some(title)) if !title.contains('.') && !title.contains('/') => title.to_owned(),
            _ => named,
        };
        let stated = || self.literal("implementation-version").or_else(|| self.literal("bundle-version"));
        let version = version.or_else(|| stated().map(str::to_owned))?;
        let vendor = self.literal("implementation-vendor-id").filter(|id| id.contains('.'));
        let from_bundle = || bundle?.strip_suffix(artifact.as_str())?.strip_suffix('.');
        let group = groups::of(&artifact, &version).or(vendor).or_else(from_bundle).unwrap_or_default();
        Some(Coordinates { group: group.to_owned(), version, artifact })
    }

    fn jenkins_plugin(&self) -> Option<Coordinates> {
        Some(Coordinates {
            group: self.literal("group-id")?.to_owned(),
            artifact: self.literal("short-name").or_else(|| self.literal("extension-name"))?.to_owned(),
            // `1.2 (private-…)` is what somebody built for himself.
            version: self.0.get("plugin-version")?.split_whitespace().next()?.to_owned(),
        })
    }
}
