//! SPDX JSON: ours, Syft's, Trivy's and others'.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_scan::report::{Location, Named};
use serde::Deserialize;
use serde_json::Value;

use super::licenses::from_spdx;
use super::read::{Bom, Collector, Component};
use super::spdx::MARK;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Document {
    name: Option<String>,
    packages: Option<Vec<Entry>>,
    #[serde(rename = "documentDescribes")]
    subjects: Option<Vec<String>>,
    relationships: Option<Vec<Relationship>>,
    has_extracted_licensing_infos: Option<Vec<Extracted>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(rename = "SPDXID")]
    id: String,
    name: String,
    version_info: Option<String>,
    summary: Option<String>,
    source_info: Option<String>,
    primary_package_purpose: Option<String>,
    license_declared: Option<String>,
    license_concluded: Option<String>,
    external_refs: Option<Vec<ExternalReference>>,
    annotations: Option<Vec<Annotation>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExternalReference {
    reference_type: String,
    reference_locator: String,
}

#[derive(Deserialize)]
struct Annotation {
    comment: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Relationship {
    spdx_element_id: String,
    #[serde(rename = "relationshipType")]
    how: String,
    related_spdx_element: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Extracted {
    license_id: String,
    extracted_text: Option<String>,
}

/// What a document says.
pub(super) fn bom(document: Document) -> Bom {
    let described: BTreeSet<String> = document
        .relationships
        .into_iter()
        .flatten()
        .filter(|one| one.spdx_element_id == "SPDXRef-DOCUMENT" && one.how == "DESCRIBES")
        .map(|one| one.related_spdx_element)
        .chain(document.subjects.into_iter().flatten())
        .collect();
    let extracted: BTreeMap<String, String> = document
        .has_extracted_licensing_infos
        .into_iter()
        .flatten()
        .filter_map(|one| Some((one.license_id, one.extracted_text?)))
        .collect();
    let mut collector = Collector::default();
    let mut targets = Vec::new();
    for entry in document.packages.into_iter().flatten() {
        let is_subject = described.contains(&entry.id);
        let purl = entry.purl();
        let is_package = purl.is_some_and(|purl| !purl.starts_with("pkg:oci/"));
        match entry.primary_package_purpose.as_deref().unwrap_or("LIBRARY") {
            "OPERATING-SYSTEM" | "OPERATING_SYSTEM" => {
                let version = entry.version_info.as_deref().unwrap_or_default();
                collector.set_system(&entry.name, version, entry.summary.as_deref());
            }
            // What the document is about is a package only if it says so: a list of a folder has none.
            _ if is_subject && !is_package => targets.push(entry.name),
            // Files and programs without a package URL are what packages were found in, not packages.
            purpose if !is_package && !matches!(purpose, "LIBRARY" | "FRAMEWORK" | "OTHER") => {}
            _ => {
                if is_subject {
                    targets.push(entry.name.clone());
                }
                collector.add(entry.into_component(&extracted));
            }
        }
    }
    collector.target =
        if targets.is_empty() { document.name.unwrap_or_default() } else { targets.join(", ") };
    collector.finish()
}

impl Entry {
    fn purl(&self) -> Option<&str> {
        let references = self.external_refs.iter().flatten();
        let mut purls = references.filter(|reference| reference.reference_type == "purl");
        purls.next().map(|reference| &*reference.reference_locator)
    }

    fn into_component(self, extracted: &BTreeMap<String, String>) -> Component {
        let said = |license: &Option<String>| from_spdx(license.as_deref().unwrap_or_default(), extracted);
        let mut licenses = said(&self.license_declared);
        if licenses.is_empty() {
            licenses = said(&self.license_concluded);
        }
        let mut component = Component {
            purl: self.purl().map(str::to_owned),
            source: self.source_info.as_deref().and_then(source),
            name: self.name,
            version: self.version_info,
            licenses,
            ..Component::default()
        };
        for comment in
            self.annotations.iter().flatten().filter_map(|annotation| annotation.comment.as_deref())
        {
            if let Some(pairs) = comment.strip_prefix(MARK) {
                take_pairs(pairs, &mut component);
            } else if let Some(kind) = comment.strip_prefix("PkgType: ") {
                component.finder = Some(kind.to_owned());
            }
        }
        if let Some(path) = self.source_info.as_deref().and_then(found_in) {
            component.locations.push(path);
        }
        component
    }
}

/// Our own pairs.
fn take_pairs(text: &str, component: &mut Component) {
    let pairs: Vec<(String, Value)> = serde_json::from_str(text).unwrap_or_default();
    for (name, value) in pairs {
        match value {
            Value::String(value) => component.extras.push((name, value)),
            locations if name == "locations" => {
                let read: Vec<Location> = serde_json::from_value(locations).unwrap_or_default();
                component.locations.extend(read);
            }
            _ => {}
        }
    }
}

/// Trivy's and our own words for the source package.
fn source(info: &str) -> Option<Named> {
    let (name, version) = info.strip_prefix("built package from: ")?.split_once(' ')?;
    Some(Named { name: name.to_owned(), version: version.to_owned() })
}

/// Syft's words for the file that names the package: `acquired package info from …: /path`.
fn found_in(info: &str) -> Option<Location> {
    let (_, path) = info.strip_prefix("acquired package info from ")?.split_once(": ")?;
    let path = path.split(", ").next()?.trim_start_matches('/');
    Some(Location { path: path.to_owned(), line: None, layer: None })
}
