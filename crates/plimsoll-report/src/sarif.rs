//! Findings as SARIF 2.1.0, which code hosts show beside the lines: a Dockerfile's line where it is known, the path in the
//! image where not.

use std::collections::BTreeMap;

use plimsoll_diagnostics::encode::{path_uri, pretty, sarif_text};
use plimsoll_oci::Digest;
use plimsoll_scan::Report;
use plimsoll_scan::report::{Location, Secret, Severity, Vulnerability};
use serde_json::{Value, json};

use crate::advice;
use crate::facts::{Remark, remarks};
use crate::identity::{link, of_secret, of_vulnerability};
use crate::options::Options;
use crate::view::{Origin, View, dockerfile, state_words};

/// One run about all reports: hosts refuse two runs of one tool in a document.
pub(crate) fn document(reports: &[Report], options: &Options) -> String {
    let mut rules: BTreeMap<&str, Value> = BTreeMap::new();
    let mut results = Vec::new();
    let mut notifications = Vec::new();
    for report in reports {
        let view = View::new(report, options);
        for vulnerability in &view.vulnerabilities {
            rules.entry(&vulnerability.id).or_insert_with(|| vulnerability_rule(vulnerability));
            results.push(vulnerability_result(report, vulnerability, options));
        }
        for secret in &view.secrets {
            rules.entry(&secret.rule).or_insert_with(|| secret_rule(secret));
            results.push(secret_result(report, secret, options));
        }
        notifications.extend(remarks(&view, options).iter().map(|remark| notification(report, remark)));
    }
    let places: BTreeMap<&str, usize> = rules.keys().enumerate().map(|(at, id)| (*id, at)).collect();
    for result in &mut results {
        let place = result["ruleId"].as_str().and_then(|id| places.get(id)).copied();
        result["ruleIndex"] = json!(place);
    }
    let databases: Vec<_> = reports.iter().filter_map(|report| report.database.as_ref()).collect();
    pretty(&json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "plimsoll",
                "version": reports.first().map_or("", |report| &report.tool.version),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules.into_values().collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": { "IMAGE": { "description": { "text": "the root of the image's files" } } },
            "invocations": [{
                "executionSuccessful": true,
                "toolExecutionNotifications": notifications,
            }],
            "results": results,
            "properties": {
                "targets": reports.iter().map(|report| &report.target.name).collect::<Vec<_>>(),
                "databases": databases,
            },
        }],
    }))
}

fn vulnerability_rule(vulnerability: &Vulnerability) -> Value {
    let title = sarif_text(vulnerability.title.as_deref().unwrap_or(&vulnerability.id));
    let link = link(&vulnerability.id);
    let mut help = title.clone();
    if let Some(link) = &link {
        help = format!("{help}\n\n{link}");
    }
    let score = vulnerability.score.unwrap_or(match vulnerability.severity {
        Severity::Critical => 9.5,
        Severity::High => 8.0,
        Severity::Medium => 5.5,
        Severity::Low | Severity::Negligible => 2.0,
        Severity::Unknown => 0.0,
    });
    let mut rule = json!({
        "id": vulnerability.id,
        "shortDescription": { "text": title },
        "help": { "text": help },
        "defaultConfiguration": { "level": level(vulnerability.severity) },
        "properties": {
            "tags": ["security", "vulnerability", vulnerability.severity.name()],
            // The number that code hosts make their own severity of.
            "security-severity": format!("{score:.1}"),
        },
    });
    if let Some(link) = link {
        rule["helpUri"] = json!(link);
    }
    rule
}

fn secret_rule(secret: &Secret) -> Value {
    let help = "Revoke the secret: everyone who has the image has it, also where a later layer deletes the file. \
        Give it to the build with `RUN --mount=type=secret`, and to the program when it starts.";
    json!({
        "id": secret.rule,
        "shortDescription": { "text": sarif_text(&secret.title) },
        "help": { "text": help },
        "defaultConfiguration": { "level": level(secret.severity) },
        "properties": { "tags": ["security", "secret", secret.severity.name()] },
    })
}

fn vulnerability_result(report: &Report, vulnerability: &Vulnerability, options: &Options) -> Value {
    let package = &vulnerability.package;
    let mut text = format!("{} {} has {}", package.name, package.version, vulnerability.id);
    if let Some(title) = &vulnerability.title {
        text = format!("{text}: {title}");
    }
    let todo = advice::for_one(report, vulnerability, options);
    let todo = todo.unwrap_or_else(|| state_words(vulnerability.state).to_owned());
    let (locations, related) = places(report, &vulnerability.locations, options);
    json!({
        "ruleId": vulnerability.id,
        "level": level(vulnerability.severity),
        "message": { "text": sarif_text(&format!("{text} ({todo})")) },
        "locations": locations,
        "relatedLocations": related,
        "partialFingerprints": { "plimsoll/v1": Digest::of(of_vulnerability(report, vulnerability)).hex() },
        "properties": {
            "target": report.target.name,
            "platform": report.target.platform,
            "aliases": vulnerability.aliases,
            "purl": package.purl,
            "installed": package.version,
            "fixed": vulnerability.fixed,
            "state": vulnerability.state,
            "severity": vulnerability.severity,
            "severity_source": vulnerability.severity_source,
            "epss": vulnerability.epss,
            "is_exploited": vulnerability.is_exploited,
        },
    })
}

fn secret_result(report: &Report, secret: &Secret, options: &Options) -> Value {
    let place = Location { path: secret.path.clone(), line: Some(secret.line), layer: secret.layer };
    let deleted =
        if secret.is_deleted_later { " (a later layer deletes it, and it is still there)" } else { "" };
    let (locations, related) = places(report, std::slice::from_ref(&place), options);
    json!({
        "ruleId": secret.rule,
        "level": level(secret.severity),
        "message": { "text": sarif_text(&format!("{}: {} in {}{deleted}", secret.title, secret.masked, secret.path)) },
        "locations": locations,
        "relatedLocations": related,
        "partialFingerprints": { "plimsoll/v1": Digest::of(of_secret(report, secret)).hex() },
        "properties": {
            "target": report.target.name,
            "platform": report.target.platform,
            "severity": secret.severity,
            "is_deleted_later": secret.is_deleted_later,
        },
    })
}

/// The place that a host shows, and the others: lines of the Dockerfile go before files of the image.
fn places(report: &Report, locations: &[Location], options: &Options) -> (Vec<Value>, Vec<Value>) {
    let mut all = Vec::new();
    for origin in Origin::all(report, locations) {
        if let Origin::Line { line, .. } = origin {
            all.push(json!({ "physicalLocation": {
                "artifactLocation": { "uri": path_uri(dockerfile(report, options)) },
                "region": { "startLine": line },
            }}));
        }
    }
    for location in locations.iter().filter(|location| !location.path.is_empty()) {
        let mut place =
            json!({ "artifactLocation": { "uri": path_uri(&location.path), "uriBaseId": "IMAGE" } });
        if let Some(line) = location.line.filter(|line| *line > 0) {
            place["region"] = json!({ "startLine": line });
        }
        all.push(json!({ "physicalLocation": place }));
    }
    if all.is_empty() {
        let artifact = json!({ "uri": path_uri(&report.target.name) });
        all.push(json!({ "physicalLocation": { "artifactLocation": artifact } }));
    }
    let related = all.split_off(1);
    (all, related)
}

fn notification(report: &Report, remark: &Remark) -> Value {
    json!({
        "level": if remark.is_warning { "warning" } else { "note" },
        "message": { "text": sarif_text(&format!("{}: {}", report.target.name, remark.text)) },
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium | Severity::Unknown => "warning",
        Severity::Low | Severity::Negligible => "note",
    }
}
