//! What is found on the way, errors and warnings alike.

use plimsoll_diagnostics::{Diagnostic, Span};

/// An error was reported; what depends on its place is not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reported;

/// What may fail with errors that are reported already.
pub(crate) type Reporting<T = ()> = Result<T, Reported>;

/// Collects diagnostics, and moves those of triggers to a place in the file.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    found: Vec<Diagnostic>,
    trigger: Option<(Span, String)>,
}

impl Problems {
    /// Notes a diagnostic; one that was noted already is dropped.
    pub(crate) fn report(&mut self, mut diagnostic: Diagnostic) {
        if let Some((span, text)) = &self.trigger {
            // The spans of a base image's trigger are places in its own text, not in the file.
            diagnostic.span = Some(*span);
            diagnostic.labels.clear();
            diagnostic.fix = None;
            diagnostic.label = None;
            diagnostic.notes.push(format!("in the trigger `ONBUILD {text}` of this base image"));
        }
        if !self.found.contains(&diagnostic) {
            self.found.push(diagnostic);
        }
    }

    /// From now on diagnostics belong to a trigger of the base image named at `span`.
    pub(crate) fn enter_trigger(&mut self, span: Span, text: &str) {
        self.trigger = Some((span, text.to_owned()));
    }

    /// From now on diagnostics belong to the file again.
    pub(crate) fn leave_trigger(&mut self) {
        self.trigger = None;
    }

    /// Whether anything found is an error.
    pub(crate) fn has_errors(&self) -> bool {
        self.found.iter().any(Diagnostic::is_error)
    }

    /// Everything found, in the order of the file.
    pub(crate) fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.found.sort_by_key(|diagnostic| diagnostic.span.map_or((0, 0), |span| (span.start, span.end)));
        self.found
    }
}
