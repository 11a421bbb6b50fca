//! What most rules need.

pub(super) use plimsoll_diagnostics::{Edit, Severity, Span, Spanned, did_you_mean};
pub(super) use plimsoll_dockerfile::ignore::clean;
pub(super) use plimsoll_dockerfile::{CommandForm, Healthcheck, Instruction, InstructionKind, Source};
pub(super) use plimsoll_oci::{Platform, Reference};

pub(super) use crate::document::{Document, RunView, Stage};
pub(super) use crate::finding::Finding;
pub(super) use crate::rule::Rule;
pub(super) use crate::shell::{Call, Command, Joint, Word};

/// How a word is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Casing {
    /// All letters are upper case.
    Upper,
    /// All letters are lower case.
    Lower,
    /// Both occur.
    Mixed,
}

/// How a word is written.
pub(super) fn casing(word: &str) -> Casing {
    if word.bytes().all(|byte| !byte.is_ascii_lowercase()) {
        Casing::Upper
    } else if word.bytes().all(|byte| !byte.is_ascii_uppercase()) {
        Casing::Lower
    } else {
        Casing::Mixed
    }
}

/// An edit that puts a text in the place of another.
pub(super) fn replace(span: Span, text: impl Into<String>) -> Edit {
    Edit { span, replacement: text.into() }
}

/// Whether a name ends with a dot and this.
pub(super) fn has_extension(name: &str, extension: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, end)| end == extension)
}
