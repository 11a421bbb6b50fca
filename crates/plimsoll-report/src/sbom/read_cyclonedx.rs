//! `CycloneDX` JSON: ours, Syft's, Trivy's and others'.

use plimsoll_scan::report::{Location, Named};
use serde::Deserialize;

use super::read::{Bom, Collector, Component};

#[derive(Deserialize)]
pub(super) struct Document {
    metadata: Option<Metadata>,
    components: Option<Vec<Entry>>,
}

#[derive(Deserialize)]
struct Metadata {
    component: Option<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "type")]
    kind: Option<String>,
    group: Option<String>,
    name: Option<String>,
    version: Option<String>,
    description: Option<String>,
    purl: Option<String>,
    licenses: Option<Vec<LicenseChoice>>,
    evidence: Option<Evidence>,
    properties: Option<Vec<Property>>,
    components: Option<Vec<Entry>>,
}

#[derive(Deserialize)]
struct LicenseChoice {
    license: Option<License>,
    expression: Option<String>,
}

#[derive(Deserialize)]
struct License {
    id: Option<String>,
    name: Option<String>,
}

#[derive(Deserialize)]
struct Evidence {
    occurrences: Option<Vec<Occurrence>>,
}

#[derive(Deserialize)]
struct Occurrence {
    location: Option<String>,
    line: Option<u32>,
}

#[derive(Deserialize)]
struct Property {
    name: Option<String>,
    value: Option<String>,
}

/// What a document says.
pub(super) fn bom(document: Document) -> Bom {
    let mut collector = Collector::default();
    if let Some(subject) = document.metadata.and_then(|metadata| metadata.component) {
        collector.target = subject.name.unwrap_or_default();
        collector.add_all(subject.components);
    }
    let components = document.components.unwrap_or_default();
    if collector.target.is_empty() {
        let containers = components.iter().filter(|entry| entry.kind.as_deref() == Some("container"));
        let names: Vec<&str> = containers.filter_map(|entry| entry.name.as_deref()).collect();
        collector.target = names.join(", ");
    }
    collector.add_all(Some(components));
    collector.finish()
}

impl Collector {
    fn add_all(&mut self, entries: Option<Vec<Entry>>) {
        for mut entry in entries.into_iter().flatten() {
            let inner = entry.components.take();
            self.add_entry(entry);
            self.add_all(inner);
        }
    }

    fn add_entry(&mut self, entry: Entry) {
        match entry.kind.as_deref() {
            Some("operating-system") => {
                let name = entry.property(&["syft:distro:prettyName"]).or(entry.description.as_deref());
                let id = entry.property(&["syft:distro:id"]).or(entry.name.as_deref()).unwrap_or_default();
                let version = entry
                    .property(&["syft:distro:versionID"])
                    .or(entry.version.as_deref())
                    .unwrap_or_default();
                self.set_system(id, version, name);
            }
            // Files and programs without a package URL are what packages were found in, not packages.
            Some("library" | "framework") | None => self.add(entry.into_component()),
            Some(_) if entry.purl.as_deref().is_some_and(|purl| !purl.starts_with("pkg:oci/")) => {
                self.add(entry.into_component());
            }
            Some(_) => {}
        }
    }
}

impl Entry {
    fn into_component(self) -> Component {
        let source = self.source();
        let finder =
            self.property(&["syft:package:foundBy", "aquasecurity:trivy:PkgType"]).map(str::to_owned);
        let locations = self.locations();
        let mut extras = Vec::new();
        for property in self.properties.into_iter().flatten() {
            if let (Some(name), Some(value)) = (property.name, property.value)
                && let Some(name) = name.strip_prefix("plimsoll:")
            {
                extras.push((name.to_owned(), value));
            }
        }
        let choices = self.licenses.into_iter().flatten();
        let licenses = choices.filter_map(|choice| {
            choice.expression.or_else(|| choice.license.and_then(|license| license.id.or(license.name)))
        });
        Component {
            name: self.name.unwrap_or_default(),
            group: self.group,
            version: self.version,
            purl: self.purl,
            licenses: licenses.collect(),
            locations,
            extras,
            source,
            finder,
        }
    }

    /// The value of the first of these properties that there is.
    fn property(&self, names: &[&str]) -> Option<&str> {
        let all = || self.properties.iter().flatten();
        let value = |wanted: &&str| {
            let found = all().find(|property| property.name.as_deref() == Some(*wanted))?;
            found.value.as_deref().filter(|value| !value.is_empty())
        };
        names.iter().find_map(value)
    }

    /// The source package as Trivy or Syft tells it.
    fn source(&self) -> Option<Named> {
        let trivy = |name: &str| self.property(&[&format!("aquasecurity:trivy:{name}")]);
        if let (Some(name), Some(version)) = (trivy("SrcName"), trivy("SrcVersion")) {
            let epoch = trivy("SrcEpoch").filter(|epoch| *epoch != "0");
            let epoch = epoch.map(|epoch| format!("{epoch}:")).unwrap_or_default();
            let release = trivy("SrcRelease").map(|release| format!("-{release}")).unwrap_or_default();
            return Some(Named { name: name.to_owned(), version: format!("{epoch}{version}{release}") });
        }
        let name = self.property(&["syft:metadata:source", "syft:metadata:originPackage"])?;
        let version = self.property(&["syft:metadata:sourceVersion"]).or(self.version.as_deref())?;
        Some(Named { name: name.to_owned(), version: version.to_owned() })
    }

    /// Where it was found, by the standard's own field or by what other tools write.
    fn locations(&self) -> Vec<Location> {
        let mut locations = Vec::new();
        let mut push = |path: &str, line: Option<u32>| {
            locations.push(Location { path: path.trim_start_matches('/').to_owned(), line, layer: None });
        };
        for occurrence in self.evidence.iter().flat_map(|evidence| evidence.occurrences.iter().flatten()) {
            if let Some(path) = &occurrence.location {
                push(path, occurrence.line);
            }
        }
        for property in self.properties.iter().flatten() {
            let name = property.name.as_deref().unwrap_or_default();
            let is_path = name == "aquasecurity:trivy:FilePath"
                || name.starts_with("syft:location:") && name.ends_with(":path");
            if let Some(path) = property.value.as_deref().filter(|_| is_path) {
                push(path, None);
            }
        }
        locations
    }
}
