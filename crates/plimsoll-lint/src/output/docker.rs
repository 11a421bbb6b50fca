//! The shapes of `docker build --check` and its relatives, so that what reads theirs reads ours.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plimsoll_diagnostics::encode::pretty;
use plimsoll_diagnostics::{Diagnostic, SourceFile, Span, sanitize};
use serde::Serialize;

use crate::engine::Report;
use crate::finding::Finding;
use crate::names::base_name;

const RULER: &str = "--------------------";

/// The text: a headline, then for each finding its rule, a sentence, its place and the lines around it.
///
/// Without findings and with `error` there is no headline; the error itself is [`error_text`].
pub fn text(file: &SourceFile, report: &Report, error: Option<&Diagnostic>) -> String {
    let findings = sorted(file, report);
    let mut out = match (findings.len(), error) {
        (0, Some(_)) => String::new(),
        (0, None) => "Check complete, no warnings found.\n".to_owned(),
        (1, _) => "Check complete, 1 warning has been found!\n".to_owned(),
        (count, _) => format!("Check complete, {count} warnings have been found!\n"),
    };
    for (name, finding) in findings {
        let _infallible = writeln!(out, "\nWARNING: {name} - {}", finding.rule.url());
        push_line(&mut out, &sentence(&finding.diagnostic));
        push_excerpt(&mut out, file, place(finding));
    }
    out
}

/// What stands in the way of a build, in the same shape.
pub fn error_text(file: &SourceFile, error: &Diagnostic) -> String {
    let mut out = String::from("ERROR: ");
    push_line(&mut out, &sentence(error));
    push_excerpt(&mut out, file, error.span);
    out
}

/// The JSON document, indented.
pub fn json(file: &SourceFile, report: &Report, error: Option<&Diagnostic>) -> String {
    let warnings: Vec<Warning<'_>> = sorted(file, report)
        .into_iter()
        .map(|(name, finding)| Warning {
            rule_name: name,
            description: capitalised(finding.rule.summary),
            url: finding.rule.url(),
            detail: sentence(&finding.diagnostic),
            location: location(file, place(finding)),
        })
        .collect();
    let document = Document {
        warnings: (!warnings.is_empty()).then_some(warnings),
        sources: vec![Source {
            filename: base_name(file.name()),
            data: STANDARD.encode(file.text()),
            language: "Dockerfile",
        }],
        build_error: error
            .map(|error| BuildError { message: sentence(error), location: location(file, error.span) }),
    };
    pretty(&document)
}

#[derive(Serialize)]
struct Document<'a> {
    warnings: Option<Vec<Warning<'a>>>,
    sources: Vec<Source<'a>>,
    #[serde(rename = "buildError", skip_serializing_if = "Option::is_none")]
    build_error: Option<BuildError>,
}

#[derive(Serialize)]
struct Warning<'a> {
    #[serde(rename = "ruleName")]
    rule_name: &'a str,
    description: String,
    url: String,
    detail: String,
    location: Location,
}

#[derive(Serialize)]
struct Source<'a> {
    filename: &'a str,
    data: String,
    language: &'static str,
}

#[derive(Serialize)]
struct BuildError {
    message: String,
    location: Location,
}

/// Places as line ranges.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Location {
    ranges: Vec<Range>,
}

#[derive(Clone, Debug, Serialize)]
struct Range {
    start: Position,
    end: Position,
}

#[derive(Clone, Debug, Serialize)]
struct Position {
    line: usize,
}

/// The lines of a span.
pub(crate) fn location(file: &SourceFile, span: Option<Span>) -> Location {
    let range = |span| {
        let (first, last) = lines(file, span);
        Range { start: Position { line: first }, end: Position { line: last } }
    };
    Location { ranges: span.map(range).into_iter().collect() }
}

fn lines(file: &SourceFile, span: Span) -> (usize, usize) {
    let first = file.line_of(span.start).min(file.line_count());
    let last = file.line_of(span.end.max(span.start + 1) - 1).min(file.line_count());
    (first, last.max(first))
}

/// The findings that Docker has a name for, by line.
fn sorted<'r>(file: &SourceFile, report: &'r Report) -> Vec<(&'static str, &'r Finding)> {
    let mut findings: Vec<_> =
        report.findings.iter().filter_map(|finding| Some((finding.docker_name()?, finding))).collect();
    findings.sort_by_key(|(_, finding)| place(finding).map_or(0, |span| file.line_of(span.start)));
    findings
}

fn place(finding: &Finding) -> Option<Span> {
    finding.instruction.or(finding.diagnostic.span)
}

/// A message and its way out as one sentence.
fn sentence(diagnostic: &Diagnostic) -> String {
    match &diagnostic.hint {
        Some(hint) => format!("{} ({hint})", capitalised(&diagnostic.message)),
        None => capitalised(&diagnostic.message),
    }
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => String::new(),
    }
}

fn push_line(out: &mut String, line: &str) {
    out.push_str(&sanitize::line(line));
    out.push('\n');
}

/// The place and its lines: two more on each side of one line, one more on each side of several.
fn push_excerpt(out: &mut String, file: &SourceFile, span: Option<Span>) {
    let Some(span) = span else { return };
    let (first, last) = lines(file, span);
    let context = if first == last { 2 } else { 1 };
    let name = file.name();
    push_line(out, &format!("{}:{first}", name.strip_prefix("./").unwrap_or(name)));
    push_line(out, RULER);
    // The empty line behind the final line end counts as one.
    let all = file.text().split('\n').count();
    for line in first.saturating_sub(context).max(1)..=(last + context).min(all) {
        let mark = if (first..=last).contains(&line) { ">>>" } else { "   " };
        push_line(out, &format!(" {line:>3} | {mark} {}", file.line_text(line)));
    }
    push_line(out, RULER);
}
