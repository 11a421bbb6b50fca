//! Bills of materials as `CycloneDX` 1.6 JSON (ECMA-424), with what is known against their components when that is asked for.
//!
//! One report is the subject of its document; several are components that have components.

use std::collections::BTreeMap;

use plimsoll_diagnostics::encode::pretty;
use plimsoll_packages::Scope;
use plimsoll_scan::Report;
use plimsoll_scan::report::{Package, Severity, State, System, TargetKind, Vulnerability};
use serde_json::{Map, Value, json};

use super::extras;
use super::licenses;
use crate::identity::{link, uuid};
use crate::options::Options;
use crate::text::{located, time};
use crate::view::{View, state_words};

/// The schema's limit for versions.
const LONGEST_VERSION: usize = 1024;

/// The document about all reports.
pub(crate) fn document(reports: &[Report], options: &Options, with_vulnerabilities: bool) -> String {
    let mut references = References::default();
    let references: Vec<Vec<String>> =
        reports.iter().enumerate().map(|(at, one)| references.of(at, one)).collect();
    let mut metadata = json!({
        "tools": { "components": reports.first().map(tool).into_iter().collect::<Vec<_>>() },
    });
    if let Some(created) = options.created {
        metadata["timestamp"] = json!(format!("{}Z", time(created)));
    }
    let parts = |at: usize| components(&reports[at], at, &references[at]);
    let top = match reports {
        [report] => {
            metadata["component"] = subject(report, 0);
            parts(0)
        }
        _ => (0..reports.len())
            .map(|at| {
                let mut subject = subject(&reports[at], at);
                subject["components"] = json!(parts(at));
                subject
            })
            .collect(),
    };
    let mut document = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": metadata,
        "components": top,
        "compositions": reports.iter().enumerate().map(|(at, report)| composition(report, at)).collect::<Vec<_>>(),
    });
    if with_vulnerabilities {
        let all = reports.iter().zip(&references);
        let all: Vec<Value> =
            all.flat_map(|(report, names)| vulnerabilities(report, names, options)).collect();
        document["vulnerabilities"] = Value::Array(all);
    }
    // The document's name is made of its content, so it is the same for the same content.
    document["serialNumber"] = json!(format!("urn:uuid:{}", uuid(document.to_string())));
    pretty(&document)
}

/// The names of components in a document.
#[derive(Default)]
struct References(BTreeMap<String, usize>);

impl References {
    /// A name for each package of a report. Two packages can have one package URL, when they differ in what it leaves out.
    fn of(&mut self, report_at: usize, report: &Report) -> Vec<String> {
        let mut names = Vec::with_capacity(report.packages.len());
        for package in &report.packages {
            let name = extras::purl(package);
            let name = if report_at == 0 { name } else { format!("{report_at}/{name}") };
            let count = self.0.entry(name.clone()).or_default();
            *count += 1;
            names.push(if *count == 1 { name } else { format!("{name}#{count}") });
        }
        names
    }
}

fn tool(report: &Report) -> Value {
    json!({ "type": "application", "name": report.tool.name, "version": report.tool.version })
}

fn subject_reference(at: usize) -> String {
    format!("target-{at}")
}

fn subject(report: &Report, at: usize) -> Value {
    let target = &report.target;
    let kind = match target.kind {
        TargetKind::Image => "container",
        TargetKind::Directory | TargetKind::Sbom => "application",
    };
    let mut properties = Vec::new();
    if let Some(platform) = &target.platform {
        properties.push(property("platform", platform));
    }
    properties.extend(target.layers.iter().map(|layer| property("layer", &layer.diff_id)));
    let not_scanned = report.not_scanned.iter();
    properties.extend(not_scanned.map(|one| property("not-scanned", &located(&one.path, &one.reason))));
    let mut subject = json!({
        "type": kind,
        "bom-ref": subject_reference(at),
        "name": target.name,
        "properties": properties,
    });
    if let Some(digest) = &target.digest {
        subject["version"] = json!(digest);
    }
    subject
}

/// What is not known to be missing: without it a reader would take the list for whole.
fn composition(report: &Report, at: usize) -> Value {
    let aggregate = if report.not_scanned.is_empty() { "unknown" } else { "incomplete" };
    json!({ "aggregate": aggregate, "assemblies": [subject_reference(at)] })
}

fn components(report: &Report, at: usize, references: &[String]) -> Vec<Value> {
    let system = report.os.iter().map(|system| operating_system(system, at));
    let packages = report.packages.iter().zip(references);
    system.chain(packages.map(|(package, reference)| component(report, package, reference))).collect()
}

fn operating_system(system: &System, at: usize) -> Value {
    let mut component = json!({
        "type": "operating-system",
        "bom-ref": format!("system-{at}"),
        "name": system.id,
        "description": system.name,
    });
    if !system.version.is_empty() {
        component["version"] = json!(system.version);
    }
    component
}

fn component(report: &Report, package: &Package, reference: &str) -> Value {
    let mut component = Map::new();
    let mut put = |key: &str, value: Value| component.insert(key.to_owned(), value);
    put("type", json!("library"));
    put("bom-ref", json!(reference));
    match package.name.split_once(':') {
        Some((group, name)) if package.kind == plimsoll_packages::Kind::Maven => {
            put("group", json!(group));
            put("name", json!(name));
        }
        _ => {
            put("name", json!(package.name));
        }
    }
    if !package.version.is_empty() && package.version.chars().count() <= LONGEST_VERSION {
        put("version", json!(package.version));
    }
    if package.scope == Scope::Development {
        put("scope", json!("excluded"));
    }
    if !package.licenses.is_empty() {
        put("licenses", licenses::cyclonedx(&package.licenses));
    }
    put("purl", json!(extras::purl(package)));
    let occurrences: Vec<Value> = package
        .locations
        .iter()
        .map(|location| match location.line {
            Some(line) => json!({ "location": location.path, "line": line }),
            None => json!({ "location": location.path }),
        })
        .collect();
    if !occurrences.is_empty() {
        put("evidence", json!({ "occurrences": occurrences }));
    }
    let pairs = extras::of(report, package);
    put("properties", pairs.iter().map(|(name, value)| property(name, value)).collect());
    Value::Object(component)
}

fn property(name: &str, value: &str) -> Value {
    json!({ "name": format!("plimsoll:{name}"), "value": value })
}

/// One entry for the packages that a vulnerability is in, and in which the same can be done about it.
fn vulnerabilities(report: &Report, references: &[String], options: &Options) -> Vec<Value> {
    let mut places: BTreeMap<_, Vec<&String>> = BTreeMap::new();
    for (package, reference) in report.packages.iter().zip(references) {
        places.entry((package.kind, &*package.name, &*package.version)).or_default().push(reference);
    }
    let view = View::new(report, options);
    let mut order = Vec::new();
    let mut entries: BTreeMap<_, (Vec<&Vulnerability>, Vec<Value>)> = BTreeMap::new();
    for &vulnerability in &view.vulnerabilities {
        let key = (&vulnerability.id, vulnerability.state, &vulnerability.fixed);
        let (same, affects) = entries.entry(key).or_insert_with(|| {
            order.push(key);
            Default::default()
        });
        same.push(vulnerability);
        let package = &vulnerability.package;
        for reference in places.get(&(package.kind, &*package.name, &*package.version)).into_iter().flatten()
        {
            let mut versions = Vec::new();
            if (1..=LONGEST_VERSION).contains(&package.version.chars().count()) {
                versions.push(json!({ "version": package.version, "status": "affected" }));
            }
            let affected = json!({ "ref": reference, "versions": versions });
            if !affects.contains(&affected) {
                affects.push(affected);
            }
        }
    }
    order.iter().map(|key| entry(entries[key].0[0], &entries[key].1)).collect()
}

fn entry(vulnerability: &Vulnerability, affects: &[Value]) -> Value {
    let mut rating = json!({
        "source": { "name": vulnerability.severity_source },
        "severity": match vulnerability.severity {
            Severity::Negligible => "info",
            severity => severity.name(),
        },
    });
    if let Some(score) = vulnerability.score {
        rating["score"] = json!(score);
    }
    if let Some(vector) = &vulnerability.vector {
        rating["vector"] = json!(vector);
        rating["method"] = json!(method(vector));
    }
    let mut analysis = json!({ "state": "in_triage", "detail": state_words(vulnerability.state) });
    let mut entry = json!({
        "id": vulnerability.id,
        "ratings": [rating],
        "affects": affects,
        "references": vulnerability.aliases.iter().map(|alias| json!({
            "id": alias,
            "source": { "name": alias.split('-').next().unwrap_or(alias) },
        })).collect::<Vec<_>>(),
        "properties": vulnerability.sources.iter().map(|source| property("source", source)).collect::<Vec<_>>(),
    });
    match vulnerability.state {
        State::Fixed => {
            analysis["response"] = json!(["update"]);
            if let Some(fixed) = &vulnerability.fixed {
                analysis["detail"] = json!(format!("fixed in {fixed}"));
                entry["recommendation"] = json!(format!("upgrade to {fixed}"));
            }
        }
        State::WillNotFix => analysis["response"] = json!(["will_not_fix"]),
        State::EndOfLife => analysis["response"] = json!(["can_not_fix"]),
        State::Affected | State::Postponed => {}
    }
    entry["analysis"] = analysis;
    if let Some(title) = &vulnerability.title {
        entry["description"] = json!(title);
    }
    if let Some(link) = link(&vulnerability.id) {
        entry["source"] = json!({ "name": vulnerability.id.split('-').next(), "url": link });
    }
    entry
}

fn method(vector: &str) -> &'static str {
    match vector.split('/').next() {
        Some("CVSS:4.0") => "CVSSv4",
        Some("CVSS:3.1") => "CVSSv31",
        Some("CVSS:3.0") => "CVSSv3",
        Some(first) if first.starts_with("AV:") => "CVSSv2",
        _ => "other",
    }
}
