//! What the editor offers to do: the fixes of findings, and comments that allow them.

use plimsoll_diagnostics::{Edit, Span};
use plimsoll_lint::{Bases, Finding, fix};
use serde_json::{Value, json};

use super::document::{Open, options};

const QUICK: &str = "quickfix";
const ALL: &str = "source.fixAll.plimsoll";

/// The actions for a range. `only` are the kinds that the editor asks for; nothing means all.
pub(super) fn actions(
    open: &Open,
    uri: &str,
    range: &Value,
    only: Option<&[Value]>,
    bases: &Bases<'_>,
) -> Vec<Value> {
    let text = open.file.text();
    let wanted = open.lines.span(text, range);
    let is_asked = |kind: &str| {
        only.is_none_or(|only| {
            only.iter().filter_map(Value::as_str).any(|one| {
                kind.strip_prefix(one).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            })
        })
    };
    let mut found = Vec::new();
    if is_asked(QUICK) {
        for finding in open.report.findings.iter().filter(|finding| touches(finding, wanted)) {
            found.extend(fixed(open, uri, finding));
            found.extend(allowed(open, uri, finding));
        }
    }
    // Whoever asks for nothing in particular wants what is at the cursor.
    if only.is_some() && is_asked(ALL) {
        let fixed = fix(&open.file, &options(open.ignore_file.as_ref(), bases));
        if fixed.text != text {
            let edit = Edit { span: Span::new(0, text.len()), replacement: fixed.text };
            found.push(json!({
                "title": "fix everything that can be fixed safely",
                "kind": ALL,
                "edit": changes(open, uri, &[edit]),
            }));
        }
    }
    found
}

fn touches(finding: &Finding, wanted: Span) -> bool {
    finding.diagnostic.span.is_some_and(|span| span.start <= wanted.end && wanted.start <= span.end)
}

fn fixed(open: &Open, uri: &str, finding: &Finding) -> Option<Value> {
    let fix = finding.diagnostic.fix.as_ref()?;
    Some(json!({
        "title": format!("{} ({})", fix.message, finding.rule.name),
        "kind": QUICK,
        "isPreferred": finding.fix_is_safe,
        "diagnostics": [open.diagnostic(&finding.diagnostic, &finding.aliases, Some(finding.rule.url()))],
        "edit": changes(open, uri, &fix.edits),
    }))
}

/// A comment above the instruction.
fn allowed(open: &Open, uri: &str, finding: &Finding) -> Option<Value> {
    let start = open.lines.line_start(finding.instruction?.start);
    let name = finding.rule.name;
    let edit = Edit { span: Span::at(start), replacement: format!("# plimsoll allow={name}\n") };
    Some(json!({
        "title": format!("allow {name} here"),
        "kind": QUICK,
        "diagnostics": [open.diagnostic(&finding.diagnostic, &finding.aliases, Some(finding.rule.url()))],
        "edit": changes(open, uri, &[edit]),
    }))
}

fn changes(open: &Open, uri: &str, edits: &[Edit]) -> Value {
    let edit = |edit: &Edit| json!({ "range": open.lines.range(open.file.text(), edit.span), "newText": edit.replacement });
    let edits: Vec<Value> = edits.iter().map(edit).collect();
    json!({ "changes": { uri: edits } })
}
