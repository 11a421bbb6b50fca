//! Findings for programs. The version changes when a member changes its meaning or goes; new members do not change it.

use plimsoll_diagnostics::encode::pretty;
use plimsoll_diagnostics::{Edit, Fix, Severity, SourceFile};
use serde::Serialize;

use super::{Checked, Remark};
use crate::finding::spellings;
use crate::rule::Rule;

/// The version of the document.
const VERSION: u32 = 1;

/// The document about all files.
pub fn document(files: &[Checked]) -> String {
    pretty(&Document {
        version: VERSION,
        findings: files.iter().flat_map(Checked::remarks).map(Entry::new).collect(),
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

/// No other member of the document is called `id`.
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
    fn new(remark: Remark<'a>) -> Self {
        let (file, diagnostic) = (remark.file, remark.diagnostic);
        let place = diagnostic.span.map(|_| remark.place());
        Self {
            id: diagnostic.code,
            aliases: remark.aliases.iter().flat_map(|alias| spellings(alias)).collect(),
            severity: diagnostic.severity,
            message: &diagnostic.message,
            file: file.name(),
            line: place.map(|(start, _)| start.line),
            column: place.map(|(start, _)| start.column),
            end_line: place.map(|(_, end)| end.line),
            end_column: place.map(|(_, end)| end.column),
            notes: &diagnostic.notes,
            hint: diagnostic.hint.as_deref(),
            url: remark.rule.map(Rule::url),
            fix: diagnostic.fix.as_ref().map(|fix| FixEntry::new(file, fix, remark.fix_is_safe)),
        }
    }
}

impl<'a> FixEntry<'a> {
    fn new(file: &SourceFile, fix: &'a Fix, safe: bool) -> Self {
        let edit = |edit: &'a Edit| {
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
