//! What there is to read at a place: the rule of a finding, and what the store knows of a base image.

use std::fmt::Write as _;

use plimsoll_diagnostics::sanitize;
use plimsoll_lint::introspect::{BaseWord, base_at};
use plimsoll_lint::{BaseFacts, Bases, Document};
use serde_json::{Value, json};

use super::document::{Open, options};

/// The text for a position; nothing when there is none.
pub(super) fn hover(open: &Open, position: &Value, bases: &Bases<'_>) -> Option<Value> {
    let text = open.file.text();
    let offset = open.lines.offset(text, position);
    let mut parts = Vec::new();
    let options = options(open.ignore_file.as_ref(), bases);
    let document = Document::new(&open.file, &open.dockerfile, &options);
    if let Some(base) = base_at(&document, offset) {
        parts.push(about(&base));
    }
    for finding in &open.report.findings {
        let rule = finding.rule;
        let here = finding.diagnostic.span.is_some_and(|span| span.start <= offset && offset <= span.end);
        let part = || {
            let explanation = rule.explanation.trim();
            format!("**{}**: {}\n\n{explanation}\n\n[{}]({})", rule.name, rule.summary, rule.name, rule.url())
        };
        if here && !parts.iter().any(|part: &String| part.starts_with(&format!("**{}**", rule.name))) {
            parts.push(part());
        }
    }
    (!parts.is_empty())
        .then(|| json!({ "contents": { "kind": "markdown", "value": parts.join("\n\n---\n\n") } }))
}

fn about(base: &BaseWord<'_>) -> String {
    let mut out = format!("**{}**", code(base.name));
    match (base.stage, base.facts) {
        (Some(line), _) => {
            let _infallible = write!(out, ": the stage that starts in line {line}");
        }
        (None, Some(facts)) => push_facts(&mut out, facts),
        (None, None) => out.push_str(": not in the store; `plimsoll pull` fetches it"),
    }
    out
}

fn push_facts(out: &mut String, facts: &BaseFacts) {
    let (image, config) = (&facts.config, &facts.config.config);
    let _infallible = write!(out, ", {}/{}, in the store\n\n", code(&image.os), code(&image.architecture));
    let mut line = |name: &str, values: &[String]| {
        if !values.is_empty() {
            let values: Vec<String> = values.iter().take(50).map(|value| code(value)).collect();
            let _infallible = writeln!(out, "- {name}: {}", values.join(" "));
        }
    };
    let one = |value: &str| if value.is_empty() { Vec::new() } else { vec![value.to_owned()] };
    line("user", &one(if config.user.is_empty() { "root" } else { &config.user }));
    line("directory", &one(&config.working_dir));
    line("entrypoint", config.entrypoint.as_deref().unwrap_or_default());
    line("command", config.cmd.as_deref().unwrap_or_default());
    line("shell", config.shell.as_deref().unwrap_or_default());
    line("ports", &config.exposed_ports.keys().cloned().collect::<Vec<_>>());
    line("variables", &config.env);
}

/// Text of an image, which is nobody's Markdown.
fn code(text: &str) -> String {
    let text: String = sanitize::line(text).chars().take(200).collect();
    format!("`{}`", text.replace('`', "'"))
}
