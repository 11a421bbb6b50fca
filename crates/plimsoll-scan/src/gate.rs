//! Whether what was found lets an image through.

use crate::report::{Report, Severity};

/// What is wanted of an image.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    /// It fails at a vulnerability or a secret of one of these severities; with none there is no gate.
    pub severities: Vec<Severity>,
    /// Whether an operating system past its end of life fails it.
    pub end_of_life: bool,
}

/// How a gate decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing counts, and everything was scanned.
    Passed,
    /// Nothing counts, and something was not scanned.
    PassedWithGaps,
    /// Something counts.
    Failed,
}

impl Gate {
    /// Decides about the reports of all images together.
    pub fn decide(&self, reports: &[Report]) -> Verdict {
        if reports.iter().any(|report| self.fails(report)) {
            Verdict::Failed
        } else if reports.iter().any(|report| !report.not_scanned.is_empty()) {
            Verdict::PassedWithGaps
        } else {
            Verdict::Passed
        }
    }

    fn fails(&self, report: &Report) -> bool {
        let counts = |severity: Severity| self.severities.contains(&severity);
        report.vulnerabilities.iter().any(|one| counts(one.severity))
            || report.secrets.iter().any(|secret| counts(secret.severity))
            || self.end_of_life && report.os.as_ref().is_some_and(|os| os.is_past_end_of_life)
    }
}
