//! `CocoaPods`' lock file: `PODS` lists `NAME (VERSION)`, or a map from that to what it needs. `NAME/PART` is a subspec; the pod that it
//! is a part of is listed too, as that is what has versions and advisories.

use std::collections::BTreeSet;

use crate::analyzer::{Analysis, Analyzer, AnalyzerError, File};
use crate::collector::{Collector, is_named};
use crate::document::{read_text, yaml};
use crate::package::{Kind, Scope};
use crate::read_at::ReadAt;

pub(super) static ANALYZER: Analyzer =
    Analyzer { name: "podfile-lock", version: 1, wants: |file| is_named(file, &["Podfile.lock"]), analyze };

fn analyze(_: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    let text = read_text(content)?;
    let mut found = Collector::locked(Kind::Cocoapods);
    for document in yaml(&text, "a lock file of CocoaPods")? {
        let sources = document.entries_of("EXTERNAL SOURCES").iter();
        let local: BTreeSet<&str> =
            sources.filter(|(_, source)| source.get(":path").is_some()).map(|(name, _)| &**name).collect();
        for pod in document.items_of("PODS") {
            let text = pod.as_text().or_else(|| pod.entries().first().map(|(key, _)| &**key));
            let Some((name, version)) = text.and_then(|text| text.strip_suffix(')')?.split_once(" (")) else {
                continue;
            };
            let main = name.split('/').next().unwrap_or(name);
            let is_project = local.contains(main) || local.contains(name);
            let scope = if is_project { Scope::Project } else { Scope::Runtime };
            found.add(main, version, scope, pod.line);
            found.add(name, version, scope, pod.line);
        }
    }
    Ok(found.finish())
}
