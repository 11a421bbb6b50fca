//! Findings as SARIF 2.1.0, which code hosts show beside the lines.

use std::fmt::Write as _;

use plimsoll_diagnostics::{Diagnostic, Fix, Severity, SourceFile, Span};
use serde_json::{Value, json};

use super::docker::pretty;
use super::{Checked, SYNTAX_ALIAS};
use crate::rule::{Rule, rule_named};

/// The document about all files; `version` is the program's.
pub fn document(files: &[Checked], version: &str) -> String {
    let mut results = Vec::new();
    let mut used: Vec<&'static Rule> = Vec::new();
    for checked in files {
        for error in &checked.errors {
            results.push(result(&checked.file, error, &[SYNTAX_ALIAS]));
        }
        for finding in &checked.report.findings {
            if !used.contains(&finding.rule) {
                used.push(finding.rule);
            }
            results.push(result(&checked.file, &finding.diagnostic, &finding.aliases));
        }
    }
    used.sort_by_key(|rule| rule.name);
    let rules: Vec<Value> = used.iter().map(|rule| descriptor(rule)).collect();
    pretty(&json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "plimsoll",
                "version": version,
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    }))
}

fn descriptor(rule: &Rule) -> Value {
    json!({
        "id": rule.name,
        "shortDescription": { "text": rule.summary },
        "help": { "text": rule.explanation.trim(), "markdown": rule.explanation.trim() },
        "helpUri": rule.url(),
        "defaultConfiguration": { "level": level(rule.severity) },
    })
}

fn result(file: &SourceFile, diagnostic: &Diagnostic, aliases: &[&str]) -> Value {
    let text = match &diagnostic.hint {
        Some(hint) => format!("{} ({hint})", diagnostic.message),
        None => diagnostic.message.clone(),
    };
    let artifact = json!({ "uri": uri(file.name()) });
    let mut result = json!({
        "ruleId": diagnostic.code,
        "level": level(diagnostic.severity),
        "message": { "text": text },
        "locations": [{ "physicalLocation": {
            "artifactLocation": artifact,
            "region": region(file, diagnostic.span.unwrap_or_default()),
        }}],
        "properties": { "aliases": aliases },
    });
    if rule_named(diagnostic.code).is_none() {
        result["properties"]["syntax"] = Value::Bool(true);
    }
    if let Some(fix) = &diagnostic.fix {
        result["fixes"] = json!([fixed(file, fix, &artifact)]);
    }
    result
}

fn fixed(file: &SourceFile, fix: &Fix, artifact: &Value) -> Value {
    let replacements: Vec<Value> = fix
        .edits
        .iter()
        .map(|edit| {
            json!({
                "deletedRegion": region(file, edit.span),
                "insertedContent": { "text": edit.replacement },
            })
        })
        .collect();
    json!({
        "description": { "text": fix.message },
        "artifactChanges": [{ "artifactLocation": artifact, "replacements": replacements }],
    })
}

fn region(file: &SourceFile, span: Span) -> Value {
    let (start, end) = (file.line_column(span.start), file.line_column(span.end));
    json!({
        "startLine": start.line,
        "startColumn": start.column,
        "endLine": end.line,
        "endColumn": end.column,
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info | Severity::Style => "note",
    }
}

/// A path as a relative reference: everything that means something in an address is escaped.
fn uri(path: &str) -> String {
    let mut out = String::new();
    for byte in path.strip_prefix("./").unwrap_or(path).bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _infallible = write!(out, "%{byte:02X}");
        }
    }
    out
}
