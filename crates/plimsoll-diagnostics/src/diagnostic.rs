//! What there is to say about a place in a text.

use serde::{Deserialize, Serialize};

use crate::{LineColumn, SourceFile, Span};

/// How serious a diagnostic is; the order is from harmless to serious.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A matter of taste.
    Style,
    /// Good to know.
    Info,
    /// Works, but probably not as meant.
    Warning,
    /// Does not work.
    Error,
}

impl Severity {
    /// The word shown before the code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Style => "style",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl std::fmt::Display for Severity {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A further place that belongs to the same diagnostic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What there is about it.
    pub text: String,
}

/// One replacement in the text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Edit {
    /// What is replaced; an empty span inserts.
    pub span: Span,
    /// The new text.
    pub replacement: String,
}

/// A change of the text that removes the reason of a diagnostic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fix {
    /// What the change does, as an order: "add the digest".
    pub message: String,
    /// The replacements; they do not overlap.
    pub edits: Vec<Edit>,
}

/// An error, warning or remark about a place in a text.
///
/// Messages are lower case, without a full stop, with names in backticks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Stable kebab-case name of the kind of finding.
    pub code: &'static str,
    /// How serious it is.
    pub severity: Severity,
    /// One line.
    pub message: String,
    /// The place, when there is one.
    pub span: Option<Span>,
    /// What the place is marked with.
    pub label: Option<String>,
    /// Further marked places.
    pub labels: Vec<Label>,
    /// Facts that explain the message.
    pub notes: Vec<String>,
    /// The way out.
    pub hint: Option<String>,
    /// A change that makes the finding go away.
    pub fix: Option<Fix>,
}

impl Diagnostic {
    /// A diagnostic of any severity.
    pub fn new(severity: Severity, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            severity,
            message: message.into(),
            span: None,
            label: None,
            labels: Vec::new(),
            notes: Vec::new(),
            hint: None,
            fix: None,
        }
    }

    /// An error.
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, message)
    }

    /// A warning.
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, message)
    }

    /// A remark.
    pub fn info(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Info, code, message)
    }

    /// A matter of taste.
    pub fn style(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Style, code, message)
    }

    /// Sets the place.
    #[must_use]
    pub fn at(mut self, span: Span) -> Self {
        self.span = Some(span);
        self
    }

    /// Sets what the place is marked with.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.label = Some(text.into());
        self
    }

    /// Marks a further place.
    #[must_use]
    pub fn also(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// Sets the way out.
    #[must_use]
    pub fn hint(mut self, text: impl Into<String>) -> Self {
        self.hint = Some(text.into());
        self
    }

    /// Sets the way out when there is one.
    #[must_use]
    pub fn maybe_hint(mut self, text: Option<impl Into<String>>) -> Self {
        self.hint = text.map(Into::into);
        self
    }

    /// Sets the change that makes the finding go away.
    #[must_use]
    pub fn fix(mut self, message: impl Into<String>, edits: Vec<Edit>) -> Self {
        self.fix = Some(Fix { message: message.into(), edits });
        self
    }

    /// Whether this is an error.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// The diagnostic with lines and columns, for JSON and SARIF.
    pub fn located<'a>(&'a self, file: &'a SourceFile) -> LocatedDiagnostic<'a> {
        LocatedDiagnostic {
            code: self.code,
            severity: self.severity,
            message: &self.message,
            file: file.name(),
            location: self.span.map(|span| Location::new(file, span)),
            label: self.label.as_deref(),
            labels: self
                .labels
                .iter()
                .map(|label| LocatedLabel { location: Location::new(file, label.span), text: &label.text })
                .collect(),
            notes: &self.notes,
            hint: self.hint.as_deref(),
            fix: self.fix.as_ref(),
        }
    }
}

/// A span with its lines and columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Location {
    /// Byte offsets.
    pub span: Span,
    /// First character.
    pub start: LineColumn,
    /// Just behind the last character.
    pub end: LineColumn,
}

impl Location {
    /// Finds lines and columns of a span.
    pub fn new(file: &SourceFile, span: Span) -> Self {
        Self { span, start: file.line_column(span.start), end: file.line_column(span.end) }
    }
}

/// A [`Label`] with lines and columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LocatedLabel<'a> {
    /// Where.
    pub location: Location,
    /// What there is about it.
    pub text: &'a str,
}

/// A [`Diagnostic`] with file name, lines and columns: the JSON form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LocatedDiagnostic<'a> {
    /// Kind of finding.
    pub code: &'a str,
    /// How serious it is.
    pub severity: Severity,
    /// One line.
    pub message: &'a str,
    /// Name of the file.
    pub file: &'a str,
    /// The place, when there is one.
    pub location: Option<Location>,
    /// What the place is marked with.
    pub label: Option<&'a str>,
    /// Further marked places.
    pub labels: Vec<LocatedLabel<'a>>,
    /// Facts that explain the message.
    pub notes: &'a [String],
    /// The way out.
    pub hint: Option<&'a str>,
    /// A change that makes the finding go away.
    pub fix: Option<&'a Fix>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severities_are_ordered() {
        assert!(Severity::Style < Severity::Info);
        assert!(Severity::Warning < Severity::Error);
    }

    #[test]
    fn json_has_lines_and_columns() {
        let file = SourceFile::new("Dockerfile", "FROM a\nRUM b\n");
        let diagnostic = Diagnostic::error("unknown-instruction", "no instruction is named `RUM`")
            .at(Span::new(7, 10))
            .also(Span::new(0, 4), "the stage starts here")
            .hint("write `RUN`")
            .fix("write `RUN`", vec![Edit { span: Span::new(7, 10), replacement: "RUN".into() }]);
        let json = serde_json::to_value(diagnostic.located(&file)).unwrap();
        assert_eq!(json["severity"], "error");
        assert_eq!(json["file"], "Dockerfile");
        assert_eq!(json["location"]["start"]["line"], 2);
        assert_eq!(json["location"]["end"]["column"], 4);
        assert_eq!(json["labels"][0]["location"]["start"]["line"], 1);
        assert_eq!(json["fix"]["edits"][0]["replacement"], "RUN");
    }
}
