//! What is wrong, and in which file.

use std::fmt;
use std::sync::Arc;

use plimsoll_diagnostics::{Diagnostic, SourceFile, Span, render};

/// A place in one of the files that were read.
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub source: Arc<SourceFile>,
    /// Where in it.
    pub span: Span,
}

impl Place {
    /// A place in a file.
    pub fn new(source: &Arc<SourceFile>, span: Span) -> Self {
        Self { source: Arc::clone(source), span }
    }

    /// An error here.
    pub(crate) fn error(&self, code: &'static str, message: impl Into<String>) -> Problem {
        let diagnostic = Diagnostic::error(code, message).at(self.span);
        Problem { source: Some(Arc::clone(&self.source)), diagnostic: Box::new(diagnostic) }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}..{}", self.source.name(), self.span.start, self.span.end)
    }
}

/// One error, with the file it is in, when it is in one.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// The file that the diagnostic's spans are places in.
    pub source: Option<Arc<SourceFile>>,
    /// What is wrong.
    pub diagnostic: Box<Diagnostic>,
}

impl Problem {
    /// An error that has no place: about the command line, or about all files together.
    pub fn nowhere(code: &'static str, message: impl Into<String>) -> Self {
        Self { source: None, diagnostic: Box::new(Diagnostic::error(code, message)) }
    }

    /// An error with a place.
    pub fn at(place: &Place, code: &'static str, message: impl Into<String>) -> Self {
        place.error(code, message)
    }

    /// Sets the way out.
    #[must_use]
    pub fn hint(mut self, text: impl Into<String>) -> Self {
        self.diagnostic.hint = Some(text.into());
        self
    }

    /// Sets the way out when there is one.
    #[must_use]
    pub(crate) fn maybe_hint(mut self, text: Option<impl Into<String>>) -> Self {
        self.diagnostic.hint = text.map(Into::into).or(self.diagnostic.hint);
        self
    }

    /// Adds a fact.
    #[must_use]
    pub(crate) fn note(mut self, text: impl Into<String>) -> Self {
        self.diagnostic.notes.push(text.into());
        self
    }

    /// Gives the error a place, if it has none.
    #[must_use]
    pub(crate) fn or_at(mut self, place: &Place) -> Self {
        if self.source.is_none() {
            self.source = Some(Arc::clone(&place.source));
            self.diagnostic.span = Some(place.span);
        }
        self
    }

    /// The text for people.
    pub fn render(&self, color: bool) -> String {
        match &self.source {
            Some(source) => render(source, &self.diagnostic, color),
            None => render(&SourceFile::new("", ""), &self.diagnostic, color),
        }
    }
}

/// Why there are no targets.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("the bake definition has errors")]
pub struct BakeError {
    /// Everything that stands in the way; at least one.
    pub problems: Vec<Problem>,
}

impl From<Problem> for BakeError {
    fn from(problem: Problem) -> Self {
        Self { problems: vec![problem] }
    }
}

/// What one look at a file gives.
pub(crate) type Outcome<T> = Result<T, Problem>;
