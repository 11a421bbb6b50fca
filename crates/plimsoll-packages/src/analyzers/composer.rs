//! Composer's lock file and its record of what is installed (Composer's documentation, "composer.lock" and `installed.json`).
//!
//! Both list packages with `name` and `version` as Composer shows them (`v5.4.0`, `dev-main`). The lock file keeps those for
//! development apart, the record names them in `dev-package-names`; that of Composer 1 is a bare list.

use std::collections::BTreeSet;

use crate::analyzer::{Analysis, Analyzer, AnalyzerError, File};
use crate::collector::{Collector, development, is_named};
use crate::document::{Node, json, read_text};
use crate::package::{Evidence, Kind, Scope};
use crate::read_at::ReadAt;

pub(super) static LOCK: Analyzer = Analyzer {
    name: "composer-lock",
    version: 1,
    wants: |file| is_named(file, &["composer.lock"]),
    analyze: lock,
};

pub(super) static INSTALLED: Analyzer = Analyzer {
    name: "composer-installed",
    version: 1,
    wants: |file| is_named(file, &["installed.json"]),
    analyze: installed,
};

fn lock(_: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    const FORMAT: &str = "a lock file of Composer";
    let text = read_text(content)?;
    let root = json(&text, FORMAT)?;
    if !root.is_map() {
        return Err(AnalyzerError::format(FORMAT, "its root is no object"));
    }
    let mut found = Collector::locked(Kind::Composer);
    for (section, scope) in [("packages", Scope::Runtime), ("packages-dev", Scope::Development)] {
        for package in root.items_of(section) {
            add(package, scope, &mut found);
        }
    }
    Ok(found.finish())
}

fn installed(file: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    let text = read_text(content)?;
    let root = match json(&text, "Composer's record of installed packages") {
        Ok(root) => root,
        // Others have files of that name, too.
        Err(_) if !file.folder().ends_with(b"composer") => return Ok(Analysis::default()),
        Err(error) => return Err(error),
    };
    let names = root.items_of("dev-package-names").iter().filter_map(Node::as_text);
    let for_development: BTreeSet<&str> = names.collect();
    let mut found = Collector::new(Kind::Composer, Evidence::Installed);
    let packages = if root.is_list() { root.items() } else { root.items_of("packages") };
    for package in packages {
        let is_development = package.text("name").is_some_and(|name| for_development.contains(name));
        add(package, development(is_development), &mut found);
    }
    Ok(found.finish())
}

fn add(package: &Node<'_>, scope: Scope, found: &mut Collector) {
    let (Some(name), Some(version)) = (package.text("name"), package.text("version")) else { return };
    let licenses = match package.get("license") {
        Some(license) if license.is_list() => license.items().iter().filter_map(Node::as_text).collect(),
        Some(license) => license.as_text().into_iter().collect(),
        None => Vec::new(),
    };
    let licenses = licenses.into_iter().map(str::to_owned).collect();
    found.add_licensed(name, version, scope, Some(package.line_of("name")), licenses);
}
