//! Findings as GitLab's report of container scanning (security report schemas, 15.0.7). It has no place for secrets: their
//! number is a message.

use plimsoll_diagnostics::encode::pretty;
use plimsoll_scan::Report;
use plimsoll_scan::report::{Severity, Vulnerability};
use serde_json::{Value, json};

use crate::advice;
use crate::facts::remarks;
use crate::identity::{link, of_vulnerability, uuid};
use crate::options::Options;
use crate::text::{clip, counted, time};
use crate::view::{View, state_words};

const SCHEMA_VERSION: &str = "15.0.7";
/// The schema's limits.
const LONGEST_NAME: usize = 255;
const LONGEST_SOLUTION: usize = 7000;
const LONGEST_DESCRIPTION: usize = 100_000;

/// The report about all images.
pub(crate) fn document(reports: &[Report], options: &Options) -> String {
    let mut vulnerabilities = Vec::new();
    let mut messages = Vec::new();
    for report in reports {
        let view = View::new(report, options);
        vulnerabilities.extend(view.vulnerabilities.iter().map(|one| vulnerability(report, one, options)));
        for remark in remarks(&view, options) {
            messages.push(message(remark.is_warning, &format!("{}: {}", report.target.name, remark.text)));
        }
        if !view.secrets.is_empty() {
            let count = counted(view.secrets.len(), "secret", "secrets");
            let text = format!("{}: {count} found, which this report cannot hold", report.target.name);
            messages.push(message(true, &text));
        }
    }
    let tool = json!({
        "id": "plimsoll",
        "name": "plimsoll",
        "url": env!("CARGO_PKG_REPOSITORY"),
        "vendor": { "name": "plimsoll" },
        "version": reports.first().map_or("0", |report| &report.tool.version),
    });
    let time = time(options.created.unwrap_or(0));
    pretty(&json!({
        "version": SCHEMA_VERSION,
        "scan": {
            "type": "container_scanning",
            "status": "success",
            "start_time": time,
            "end_time": time,
            "analyzer": tool,
            "scanner": tool,
            "messages": messages,
        },
        "vulnerabilities": vulnerabilities,
        "remediations": [],
    }))
}

fn vulnerability(report: &Report, one: &Vulnerability, options: &Options) -> Value {
    let package = &one.package;
    let title = one.title.as_deref().unwrap_or(&one.id);
    let todo = advice::for_one(report, one, options);
    let todo = todo.unwrap_or_else(|| state_words(one.state).to_owned());
    let system = report.os.as_ref().map(|system| format!("{} {}", system.id, system.version));
    let ids = std::iter::once(&one.id).chain(&one.aliases).filter(|id| !id.is_empty());
    json!({
        "id": uuid(of_vulnerability(report, one)),
        "name": clip(&format!("{}: {title}", one.id), LONGEST_NAME - 1),
        "description": clip(title, LONGEST_DESCRIPTION),
        "severity": severity(one.severity),
        "solution": clip(&todo, LONGEST_SOLUTION - 1),
        "identifiers": ids.map(|id| identifier(id)).collect::<Vec<_>>(),
        "links": link(&one.id).map(|url| json!({ "url": url })).into_iter().collect::<Vec<_>>(),
        "location": {
            "dependency": { "package": { "name": package.name }, "version": package.version },
            "operating_system": system.as_deref().map_or("unknown", str::trim),
            "image": report.target.name,
        },
    })
}

fn identifier(id: &str) -> Value {
    let kind = id.split_once('-').map_or("osv", |(kind, _)| kind).to_ascii_lowercase();
    let kind = if kind.is_empty() { "osv" } else { &kind };
    let mut identifier = json!({ "type": kind, "name": id, "value": id });
    if let Some(url) = link(id) {
        identifier["url"] = json!(url);
    }
    identifier
}

fn message(is_warning: bool, text: &str) -> Value {
    json!({ "level": if is_warning { "warn" } else { "info" }, "value": clip(text, LONGEST_SOLUTION) })
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "Critical",
        Severity::High => "High",
        Severity::Medium => "Medium",
        Severity::Low => "Low",
        Severity::Negligible => "Info",
        Severity::Unknown => "Unknown",
    }
}
