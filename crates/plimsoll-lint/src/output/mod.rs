//! Findings in the shapes that people and programs read.
//!
//! Whatever comes from a Dockerfile is encoded for where it goes: a shape that can hold any text holds it exactly, with
//! escapes for what would hide or command; the others show it as the sanitiser does.

pub mod checkstyle;
pub mod docker;
pub mod github;
pub mod gitlab;
pub mod json;
pub mod junit;
pub mod sarif;
pub mod text;

use plimsoll_diagnostics::{Diagnostic, LineColumn, Severity, SourceFile};

use crate::engine::Report;
use crate::finding::Finding;
use crate::rule::Rule;

/// hadolint's name for a file that cannot be read as a Dockerfile.
const SYNTAX_ALIAS: &str = "DL1000";

/// A file that was checked.
pub struct Checked {
    /// The text, under the name that it was given.
    pub file: SourceFile,
    /// What the rules found.
    pub report: Report,
    /// What is wrong with the text itself.
    pub errors: Vec<Diagnostic>,
}

impl Checked {
    /// The severity of everything that is said about the file.
    pub fn severities(&self) -> impl Iterator<Item = Severity> {
        let errors = self.errors.iter().map(|error| error.severity);
        errors.chain(self.report.findings.iter().map(Finding::severity))
    }

    /// Everything that is said about the file, errors of the text first.
    fn remarks(&self) -> impl Iterator<Item = Remark<'_>> {
        let errors = self.errors.iter().map(|error| Remark {
            file: &self.file,
            diagnostic: error,
            aliases: &[SYNTAX_ALIAS],
            rule: None,
            fix_is_safe: false,
        });
        errors.chain(self.report.findings.iter().map(|finding| Remark {
            file: &self.file,
            diagnostic: &finding.diagnostic,
            aliases: &finding.aliases,
            rule: Some(finding.rule),
            fix_is_safe: finding.fix_is_safe,
        }))
    }
}

/// A finding, or an error of the text, which no rule stands behind.
#[derive(Clone, Copy)]
struct Remark<'c> {
    file: &'c SourceFile,
    diagnostic: &'c Diagnostic,
    aliases: &'c [&'static str],
    rule: Option<&'static Rule>,
    fix_is_safe: bool,
}

impl Remark<'_> {
    /// Message and way out in one line.
    fn sentence(&self) -> String {
        let diagnostic = self.diagnostic;
        match &diagnostic.hint {
            Some(hint) => format!("{} ({hint})", diagnostic.message),
            None => diagnostic.message.clone(),
        }
    }

    /// The first character and the place behind the last one; the start of the file where there is no place.
    fn place(&self) -> (LineColumn, LineColumn) {
        let span = self.diagnostic.span.unwrap_or_default();
        (self.file.line_column(span.start), self.file.line_column(span.end))
    }

    /// The file's name as a path in a repository.
    fn path(&self) -> &str {
        relative(self.file.name())
    }

    /// The id with its other names: `untagged-base-image (DL3006, DS-0001)`.
    fn names(&self) -> String {
        match self.aliases {
            [] => self.diagnostic.code.to_owned(),
            aliases => format!("{} ({})", self.diagnostic.code, aliases.join(", ")),
        }
    }
}

fn relative(name: &str) -> &str {
    name.strip_prefix("./").unwrap_or(name)
}
