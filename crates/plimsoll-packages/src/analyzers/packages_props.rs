//! Versions of a whole .NET solution: `Directory.Packages.props` (Microsoft's documentation, "Central Package Management") and
//! `Packages.props` of the SDK that came before it.
//!
//! A plain version counts as the one that is used, though `NuGet` takes it as the lowest; `[1.0.0]` is exact; ranges and `*` are
//! no versions. Properties of the same file are put in.

use std::collections::BTreeMap;

use crate::analyzer::{Analysis, Analyzer, AnalyzerError, File};
use crate::collector::{Collector, is_named_between};
use crate::document::{Element, read_text, xml};
use crate::package::{Kind, Scope};
use crate::read_at::ReadAt;

pub(super) static ANALYZER: Analyzer = Analyzer {
    name: "packages-props",
    version: 1,
    wants: |file| is_named_between(file, "", "packages.props"),
    analyze,
};

/// No real file refers through so many properties.
const MOST_REFERENCES: usize = 16;

fn analyze(_: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    let text = read_text(content)?;
    let root = xml(&text, "a file of package versions")?;
    let mut properties = BTreeMap::new();
    for group in root.all("PropertyGroup") {
        for property in &group.children {
            properties.insert(property.name.to_ascii_lowercase(), property.text());
        }
    }
    let mut found = Collector::locked(Kind::Nuget);
    for group in root.all("ItemGroup") {
        for item in &group.children {
            let scope = match item.name.to_ascii_lowercase().as_str() {
                "packageversion" | "packagereference" => Scope::Runtime,
                // "Not included as runtime dependencies", for analyzers and tools of a build.
                "globalpackagereference" => Scope::Development,
                _ => continue,
            };
            add(item, scope, &properties, &mut found);
        }
    }
    Ok(found.finish())
}

fn add(item: &Element, scope: Scope, properties: &BTreeMap<String, &str>, found: &mut Collector) {
    let Some(name) = item.attribute("Include").or_else(|| item.attribute("Update")) else { return };
    let Some(version) = item.attribute("Version").or_else(|| item.child_text("Version")) else { return };
    let (Some(name), Some(version)) = (expand(name, properties), expand(version, properties)) else { return };
    let version = match version.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(exact) => exact.trim(),
        None => version.trim(),
    };
    let is_version = version.starts_with(|first: char| first.is_ascii_digit())
        && !version.contains([',', '*', '[', ']', '(', ')', ' ']);
    if is_version {
        found.add(&name, version, scope, item.line);
    }
}

/// Puts properties in the place of `$(NAME)`; nothing if one is not known here.
fn expand(text: &str, properties: &BTreeMap<String, &str>) -> Option<String> {
    let mut text = text.to_owned();
    for _ in 0..MOST_REFERENCES {
        let Some(start) = text.find("$(") else { return Some(text) };
        let end = start + text[start..].find(')')?;
        let value = properties.get(&text[start + 2..end].trim().to_ascii_lowercase())?;
        // Twice as long with each reference would be too long after a few.
        if text.len() + value.len() > 1000 {
            return None;
        }
        text.replace_range(start..=end, value);
    }
    None
}
