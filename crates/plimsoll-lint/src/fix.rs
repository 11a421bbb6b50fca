//! Fixes applied: what is safe, until nothing is left to fix.

use plimsoll_diagnostics::{Diagnostic, Edit, SourceFile};
use plimsoll_dockerfile::parse;

use crate::engine::check;
use crate::finding::apply;
use crate::options::Options;

/// One fix may uncover another; no file needs more rounds than this.
const MOST_ROUNDS: usize = 10;

/// What came of fixing a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fixed {
    /// The new text.
    pub text: String,
    /// How many findings were fixed.
    pub count: usize,
}

/// Applies the safe fixes of all findings. A round whose result does not parse as well as the text before is not kept.
pub fn fix(file: &SourceFile, options: &Options<'_>) -> Fixed {
    let mut fixed = Fixed { text: file.text().to_owned(), count: 0 };
    for _ in 0..MOST_ROUNDS {
        let current = SourceFile::new(file.name(), fixed.text.clone());
        let parsed = parse(&current);
        let report = check(&current, &parsed.dockerfile, options);
        let mut edits: Vec<Edit> = Vec::new();
        let mut count = 0;
        for finding in report.findings.iter().filter(|finding| finding.fix_is_safe) {
            let Some(own) = finding.diagnostic.fix.as_ref().map(|fix| &fix.edits) else { continue };
            // Two insertions at one place are put off too: their order would be left to chance.
            if own.iter().all(|edit| edits.iter().all(|other| !touches(edit, other))) {
                edits.extend(own.iter().cloned());
                count += 1;
            }
        }
        if edits.is_empty() {
            break;
        }
        let text = apply(&fixed.text, &edits);
        let after = parse(&SourceFile::new(file.name(), text.clone()));
        if errors(&after.diagnostics) > errors(&parsed.diagnostics) || text == fixed.text {
            break;
        }
        fixed = Fixed { text, count: fixed.count + count };
    }
    fixed
}

fn touches(left: &Edit, right: &Edit) -> bool {
    left.span.start <= right.span.end && right.span.start <= left.span.end
}

fn errors(diagnostics: &[Diagnostic]) -> usize {
    diagnostics.iter().filter(|one| one.is_error()).count()
}
