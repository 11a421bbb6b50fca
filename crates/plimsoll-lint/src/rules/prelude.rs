//! What most rules need.

pub(super) use plimsoll_diagnostics::{Edit, Severity, Span, Spanned, Text, did_you_mean};
pub(super) use plimsoll_dockerfile::ignore::clean;
use plimsoll_dockerfile::words;
pub(super) use plimsoll_dockerfile::{
    CommandForm, Healthcheck, Instruction, InstructionKind, Source, Transfer,
};
pub(super) use plimsoll_oci::{Platform, Reference};

pub(super) use crate::document::{Document, RunView, Stage, Step};
pub(super) use crate::finding::{Finding, same_id};
pub(super) use crate::names::{base_name, has_extension};
pub(super) use crate::rule::Rule;
pub(super) use crate::shell::{Call, Command, Joint, List, Pipeline, Script, Word};

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

/// Whether a file is an archive, by its name.
pub(super) fn is_archive(name: &str) -> bool {
    is_unpacked(name) || ["tzst", "zip", "zst"].iter().any(|kind| has_extension(name, kind))
}

/// Whether a file is an archive that every builder unpacks for `ADD`.
pub(super) fn is_unpacked(name: &str) -> bool {
    const KINDS: [&str; 15] =
        ["Z", "bz2", "gz", "lz", "lzma", "tZ", "tar", "tb2", "tbz", "tbz2", "tgz", "tlz", "tpz", "txz", "xz"];
    KINDS.iter().any(|kind| has_extension(name, kind))
}

/// Every port of every `EXPOSE`, both ends of ranges, with its word.
pub(super) fn exposed<'d>(document: &'d Document<'_>) -> Vec<(&'d Step<'d>, &'d Spanned<Text>, u64)> {
    let mut ports = Vec::new();
    for stage in document.wanted_stages() {
        for step in &stage.steps {
            let InstructionKind::Expose(words) = &step.instruction.kind else { continue };
            for word in words {
                for text in document.expand_words(stage, step, &word.value) {
                    let port = text.rsplit(':').next().unwrap_or_default();
                    let port = port.split('/').next().unwrap_or_default();
                    let numbers = port.split('-').filter(|number| !number.is_empty());
                    let numbers = numbers.filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
                    ports.extend(numbers.map(|number| (step, word, number.parse().unwrap_or(u64::MAX))));
                }
            }
        }
    }
    ports
}

/// Whether an instruction is a line of an image's history, `ADD file:4b82… in /`, which Trivy leaves alone.
pub(super) fn is_of_history(transfer: &Transfer) -> bool {
    let is_digest = |path: &str| ["file:", "dir:", "multi:"].iter().any(|kind| path.starts_with(kind));
    matches!(transfer.sources.as_slice(), [Source::Path(what), Source::Path(word)]
        if is_digest(&what.value) && word.value == "in")
}

/// The variables in a word.
pub(super) fn variables_in(word: &str, escape: char) -> Vec<String> {
    let seen = std::cell::RefCell::new(Vec::new());
    let lookup = |name: &str| {
        seen.borrow_mut().push(name.to_owned());
        Some(String::new())
    };
    let _broken_words_are_errors_of_the_builder = words::expand(word, escape, &lookup);
    seen.into_inner()
}
