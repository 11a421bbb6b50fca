//! Maven's `pom.xml` (Maven's "POM Reference"): its direct dependencies, as far as this one file tells their versions.
//!
//! Properties of the file are put in, and `dependencyManagement` of the file gives versions to dependencies without one. What a
//! parent or an imported POM would add is not known here, so such dependencies are left out, as are ranges; `[1.0]` is exact.

use std::collections::BTreeMap;

use crate::analyzer::{Analysis, Analyzer, AnalyzerError, File};
use crate::collector::{Collector, is_below, is_named};
use crate::document::{Element, read_text, xml};
use crate::package::{Kind, Scope};
use crate::read_at::ReadAt;

pub(super) static ANALYZER: Analyzer = Analyzer {
    name: "pom",
    version: 1,
    // In `META-INF` it says how an archive was made; what is in there has files of its own.
    wants: |file| is_named(file, &["pom.xml"]) && !is_below(file, "META-INF"),
    analyze,
};

/// No real file refers through so many properties.
const MOST_REFERENCES: usize = 32;
const LONGEST_VALUE: usize = 1000;

fn analyze(_: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    const FORMAT: &str = "a pom.xml";
    let text = read_text(content)?;
    let root = xml(&text, FORMAT)?;
    if root.name != "project" {
        return Err(AnalyzerError::format(FORMAT, format!("its root is `{}`", root.name)));
    }
    let project = Project::new(&root);
    let mut found = Collector::locked(Kind::Maven);
    if let (Some(group), Some(artifact), Some(version)) = (
        project.expand("${project.groupId}"),
        project.expand("${project.artifactId}"),
        project.expand("${project.version}"),
    ) {
        let line = root.child("artifactId").map_or(root.line, |child| child.line);
        found.add(&format!("{group}:{artifact}"), &version, Scope::Project, line);
    }
    for part in &project.parts {
        for dependency in part.nested("dependencies", "dependency") {
            project.add(dependency, &mut found);
        }
    }
    Ok(found.finish())
}

struct Project<'e> {
    /// The project and its profiles that are active when none is asked for.
    parts: Vec<&'e Element>,
    /// The first that is set counts.
    properties: BTreeMap<String, &'e str>,
    /// `dependencyManagement`, by group, artifact, type and classifier.
    managed: BTreeMap<[String; 4], &'e Element>,
}

impl<'e> Project<'e> {
    fn new(root: &'e Element) -> Self {
        let is_active = |profile: &&Element| {
            let activation = profile.child("activation");
            activation.and_then(|by| by.child_text("activeByDefault")) == Some("true")
        };
        let profiles = root.nested("profiles", "profile").filter(is_active);
        // What a profile sets wins over the project.
        let parts: Vec<&Element> = profiles.chain([root]).collect();
        let mut project = Self { parts, properties: BTreeMap::new(), managed: BTreeMap::new() };
        for property in
            project.parts.iter().flat_map(|part| part.all("properties")).flat_map(|all| &all.children)
        {
            project.properties.entry(property.name.clone()).or_insert(property.text());
        }
        let parent = root.child("parent");
        for field in ["groupId", "artifactId", "version"] {
            let inherited = parent.and_then(|parent| parent.child_text(field));
            let own = root.child_text(field).or(inherited.filter(|_| field != "artifactId"));
            for (prefix, value) in [
                ("project.", own),
                ("pom.", own),
                ("", own),
                ("project.parent.", inherited),
                ("parent.", inherited),
            ] {
                if let Some(value) = value {
                    project.properties.entry(format!("{prefix}{field}")).or_insert(value);
                }
            }
        }
        let managements = project.parts.iter().flat_map(|part| part.all("dependencyManagement"));
        let managed: Vec<&Element> =
            managements.flat_map(|all| all.nested("dependencies", "dependency")).collect();
        for dependency in managed {
            if let Some(key) = project.key(dependency) {
                project.managed.entry(key).or_insert(dependency);
            }
        }
        project
    }

    fn field(&self, dependency: &Element, name: &str) -> Option<String> {
        self.expand(dependency.child_text(name)?)
    }

    fn key(&self, dependency: &Element) -> Option<[String; 4]> {
        let kind = self.field(dependency, "type").unwrap_or_else(|| "jar".to_owned());
        let classifier = self.field(dependency, "classifier").unwrap_or_default();
        Some([self.field(dependency, "groupId")?, self.field(dependency, "artifactId")?, kind, classifier])
    }

    fn add(&self, dependency: &Element, found: &mut Collector) {
        let Some(key) = self.key(dependency) else { return };
        let managed = self.managed.get(&key);
        let field = |name: &str| {
            let own = dependency.child_text(name);
            self.expand(own.or_else(|| managed.and_then(|managed| managed.child_text(name)))?)
        };
        let Some(version) = field("version") else { return };
        let Some(version) = exact(&version) else { return };
        let scope = match field("scope").as_deref() {
            Some("test" | "provided") => Scope::Development,
            _ => Scope::Runtime,
        };
        let line = dependency.child("artifactId").map_or(dependency.line, |child| child.line);
        found.add(&format!("{}:{}", key[0], key[1]), version, scope, line);
    }

    /// Puts properties in the place of `${NAME}`; nothing if one is not known here.
    fn expand(&self, text: &str) -> Option<String> {
        let mut text = text.to_owned();
        for _ in 0..MOST_REFERENCES {
            let Some(start) = text.find("${") else { return Some(text) };
            let end = start + text[start..].find('}')?;
            let value = self.properties.get(text[start + 2..end].trim())?;
            if text.len() + value.len() > LONGEST_VALUE {
                return None;
            }
            text.replace_range(start..=end, value);
        }
        None
    }
}

/// A version, or the one that `[VERSION]` allows.
fn exact(version: &str) -> Option<&str> {
    let version = version.trim();
    let version = version.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(version).trim();
    // These are names for the newest one.
    let is_name = ["LATEST", "RELEASE"].contains(&version);
    (!is_name && !version.contains(['[', ']', '(', ')', ',', ' ', '@', '$'])).then_some(version)
}
