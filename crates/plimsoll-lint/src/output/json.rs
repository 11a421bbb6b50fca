//! Findings for programs. The version changes when a member changes its meaning or goes; new members do not change it.

use plimsoll_diagnostics::{Diagnostic, Fix, Severity, SourceFile};
use serde::Serialize;

use super::docker::pretty;
use super::{Checked, SYNTAX_ALIAS};
use crate::finding::{Finding, spellings};

/// The version of the document.
const VERSION: u32 = 1;

/// The document about all files.
pub fn document(files: &[Checked]) -> String {
    let mut findings = Vec::new();
    for checked in files {
        let file = &checked.file;
        for error in &checked.errors {
            findings.push(Entry::new(file, error, vec![SYNTAX_ALIAS.to_owned()], None, false));
        }
        for finding in &checked.report.findings {
            findings.push(Entry::of(file, finding));
        }
    }
    pretty(&Document {
        version: VERSION,
        findings,
        suppressed: files.iter().map(|checked| checked.report.suppressed).sum(),
        files: files.len(),
    })
}

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    findings: Vec<Entry<'a>>,
    suppressed: usize,
    files: usize,
}

#[derive(Serialize)]
struct Entry<'a> {
    id: &'a str,
    aliases: Vec<String>,
    severity: Severity,
    message: &'a str,
    file: &'a str,
    line: Option<usize>,
    column: Option<usize>,
    end_line: Option<usize>,
    end_column: Option<usize>,
    notes: &'a [String],
    hint: Option<&'a str>,
    url: Option<String>,
    fix: Option<FixEntry<'a>>,
}

#[derive(Serialize)]
struct FixEntry<'a> {
    message: &'a str,
    safe: bool,
    edits: Vec<EditEntry<'a>>,
}

#[derive(Serialize)]
struct EditEntry<'a> {
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    text: &'a str,
}

impl<'a> Entry<'a> {
    fn of(file: &'a SourceFile, finding: &'a Finding) -> Self {
        let aliases = finding.aliases.iter().flat_map(|alias| spellings(alias)).collect();
        Self::new(file, &finding.diagnostic, aliases, Some(finding.rule.url()), finding.fix_is_safe)
    }

    fn new(
        file: &'a SourceFile,
        diagnostic: &'a Diagnostic,
        aliases: Vec<String>,
        url: Option<String>,
        fix_is_safe: bool,
    ) -> Self {
        let start = diagnostic.span.map(|span| file.line_column(span.start));
        let end = diagnostic.span.map(|span| file.line_column(span.end));
        Self {
            id: diagnostic.code,
            aliases,
            severity: diagnostic.severity,
            message: &diagnostic.message,
            file: file.name(),
            line: start.map(|place| place.line),
            column: start.map(|place| place.column),
            end_line: end.map(|place| place.line),
            end_column: end.map(|place| place.column),
            notes: &diagnostic.notes,
            hint: diagnostic.hint.as_deref(),
            url,
            fix: diagnostic.fix.as_ref().map(|fix| FixEntry::new(file, fix, fix_is_safe)),
        }
    }
}

impl<'a> FixEntry<'a> {
    fn new(file: &SourceFile, fix: &'a Fix, safe: bool) -> Self {
        let edit = |edit: &'a plimsoll_diagnostics::Edit| {
            let (start, end) = (file.line_column(edit.span.start), file.line_column(edit.span.end));
            EditEntry {
                line: start.line,
                column: start.column,
                end_line: end.line,
                end_column: end.column,
                text: &edit.replacement,
            }
        };
        Self { message: &fix.message, safe, edits: fix.edits.iter().map(edit).collect() }
    }
}
