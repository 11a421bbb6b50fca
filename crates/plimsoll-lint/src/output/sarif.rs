//! Findings as SARIF 2.1.0, which code hosts show beside the lines.

use plimsoll_diagnostics::encode::{path_uri, pretty, sarif_text};
use plimsoll_diagnostics::{Fix, Severity, SourceFile, Span};
use serde_json::{Value, json};

use super::{Checked, Remark};
use crate::rule::Rule;

/// The document about all files; `version` is the program's.
pub fn document(files: &[Checked], version: &str) -> String {
    let mut results = Vec::new();
    let mut used: Vec<&'static Rule> = Vec::new();
    for remark in files.iter().flat_map(Checked::remarks) {
        if let Some(rule) = remark.rule.filter(|rule| !used.contains(rule)) {
            used.push(rule);
        }
        results.push(result(&remark));
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

fn result(remark: &Remark<'_>) -> Value {
    let (file, diagnostic) = (remark.file, remark.diagnostic);
    let artifact = json!({ "uri": path_uri(file.name()) });
    let mut result = json!({
        "ruleId": diagnostic.code,
        "level": level(diagnostic.severity),
        "message": { "text": sarif_text(&remark.sentence()) },
        "locations": [{ "physicalLocation": {
            "artifactLocation": artifact,
            "region": region(file, diagnostic.span.unwrap_or_default()),
        }}],
        "properties": { "aliases": remark.aliases, "severity": diagnostic.severity },
    });
    if remark.rule.is_none() {
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
        "description": { "text": sarif_text(&fix.message) },
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
