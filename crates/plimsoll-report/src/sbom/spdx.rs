//! Bills of materials as SPDX 2.3 JSON.

use std::collections::BTreeMap;

use plimsoll_diagnostics::encode::pretty;
use plimsoll_oci::Digest;
use plimsoll_scan::Report;
use plimsoll_scan::report::{Package, System, TargetKind};
use serde_json::{Value, json};

use super::extras;
use super::licenses;
use crate::identity::uuid;
use crate::options::Options;
use crate::text::{clip, located, time};

/// What an annotation of ours begins with.
pub(super) const MARK: &str = "plimsoll: ";
const LONGEST_SUPPLIER: usize = 200;
const DOCUMENT: &str = "SPDXRef-DOCUMENT";
const NOTHING_SAID: &str = "NOASSERTION";

/// The document about all reports.
pub(crate) fn document(reports: &[Report], options: &Options) -> String {
    let mut writer = Writer {
        created: format!("{}Z", time(options.created.unwrap_or(0))),
        tool: reports
            .first()
            .map_or_else(String::new, |report| format!("Tool: {}-{}", report.tool.name, report.tool.version)),
        packages: Vec::new(),
        relationships: Vec::new(),
        extracted: BTreeMap::new(),
    };
    for (at, report) in reports.iter().enumerate() {
        writer.push_report(report, at);
    }
    let names: Vec<&str> = reports.iter().map(|report| &*report.target.name).collect();
    let extracted: Vec<Value> = writer
        .extracted
        .iter()
        .map(|(id, text)| json!({ "licenseId": id, "extractedText": text, "name": text }))
        .collect();
    let mut document = json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": DOCUMENT,
        "name": names.join(", "),
        "creationInfo": { "created": writer.created, "creators": [writer.tool] },
        "packages": writer.packages,
        "relationships": writer.relationships,
        "hasExtractedLicensingInfos": extracted,
    });
    // The document's name is made of its content, so it is the same for the same content.
    let namespace = format!("https://spdx.org/spdxdocs/plimsoll-{}", uuid(document.to_string()));
    document["documentNamespace"] = json!(namespace);
    pretty(&document)
}

struct Writer {
    created: String,
    tool: String,
    packages: Vec<Value>,
    relationships: Vec<Value>,
    extracted: BTreeMap<String, String>,
}

impl Writer {
    fn push_report(&mut self, report: &Report, at: usize) {
        let subject = format!("SPDXRef-Target-{at}");
        self.packages.push(self.subject(report, &subject));
        self.relate(DOCUMENT, "DESCRIBES", &subject);
        if let Some(system) = &report.os {
            let id = format!("SPDXRef-OperatingSystem-{at}");
            self.packages.push(operating_system(system, &id));
            self.relate(&subject, "CONTAINS", &id);
        }
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        for package in &report.packages {
            let count = seen.entry(&package.purl).or_default();
            *count += 1;
            let content = format!("{at}\0{}\0{count}", package.purl);
            let id = format!("SPDXRef-Package-{}-{}", package.kind.name(), &Digest::of(content).hex()[..16]);
            let value = self.package(report, package, &id);
            self.packages.push(value);
            self.relate(&subject, "CONTAINS", &id);
        }
    }

    fn subject(&self, report: &Report, id: &str) -> Value {
        let target = &report.target;
        let mut subject = json!({
            "SPDXID": id,
            "name": target.name,
            "downloadLocation": NOTHING_SAID,
            "filesAnalyzed": false,
            "licenseConcluded": NOTHING_SAID,
            "licenseDeclared": NOTHING_SAID,
            "copyrightText": NOTHING_SAID,
            "supplier": NOTHING_SAID,
            "primaryPackagePurpose": match target.kind {
                TargetKind::Image => "CONTAINER",
                TargetKind::Directory | TargetKind::Sbom => "APPLICATION",
            },
        });
        if let Some(digest) = &target.digest {
            subject["versionInfo"] = json!(digest);
            if let Some(hex) = digest.strip_prefix("sha256:") {
                subject["checksums"] = json!([{ "algorithm": "SHA256", "checksumValue": hex }]);
            }
        }
        let missing = report.not_scanned.iter().map(|one| located(&one.path, &one.reason));
        let missing: Vec<Value> =
            missing.map(|text| self.annotation(&format!("not scanned: {text}"))).collect();
        if !missing.is_empty() {
            subject["annotations"] = json!(missing);
        }
        subject
    }

    fn package(&mut self, report: &Report, package: &Package, id: &str) -> Value {
        // One line, as the format wants it; the annotation has it exactly.
        let vendor = clip(package.vendor.as_deref().unwrap_or_default().trim(), LONGEST_SUPPLIER);
        let mut value = json!({
            "SPDXID": id,
            "name": package.name,
            "downloadLocation": NOTHING_SAID,
            "filesAnalyzed": false,
            "licenseConcluded": NOTHING_SAID,
            "licenseDeclared": licenses::spdx(&package.licenses, &mut self.extracted),
            "copyrightText": NOTHING_SAID,
            "supplier": if vendor.is_empty() { NOTHING_SAID.to_owned() } else { format!("Organization: {vendor}") },
            "externalRefs": [{
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": extras::purl(package),
            }],
            "annotations": [self.annotation(&format!("{MARK}{}", extra(report, package)))],
        });
        if !package.version.is_empty() {
            value["versionInfo"] = json!(package.version);
        }
        if let Some(source) = &package.source {
            // The words are those that other scanners look for.
            value["sourceInfo"] = json!(format!("built package from: {} {}", source.name, source.version));
        }
        value
    }

    fn annotation(&self, comment: &str) -> Value {
        json!({
            "annotator": self.tool,
            "annotationDate": self.created,
            "annotationType": "OTHER",
            "comment": comment,
        })
    }

    fn relate(&mut self, from: &str, how: &str, to: &str) {
        self.relationships.push(json!({
            "spdxElementId": from,
            "relationshipType": how,
            "relatedSpdxElement": to,
        }));
    }
}

/// What has no place of its own, as pairs; the locations are one of them.
fn extra(report: &Report, package: &Package) -> Value {
    let mut pairs: Vec<Value> =
        extras::of(report, package).into_iter().map(|(name, value)| json!([name, value])).collect();
    let locations = package.locations.iter().map(|one| json!({ "path": one.path, "line": one.line }));
    pairs.push(json!(["locations", locations.collect::<Vec<_>>()]));
    Value::Array(pairs)
}

fn operating_system(system: &System, id: &str) -> Value {
    let mut value = json!({
        "SPDXID": id,
        "name": system.id,
        "summary": system.name,
        "downloadLocation": NOTHING_SAID,
        "filesAnalyzed": false,
        "licenseConcluded": NOTHING_SAID,
        "licenseDeclared": NOTHING_SAID,
        "copyrightText": NOTHING_SAID,
        "primaryPackagePurpose": "OPERATING-SYSTEM",
    });
    if !system.version.is_empty() {
        value["versionInfo"] = json!(system.version);
    }
    value
}
