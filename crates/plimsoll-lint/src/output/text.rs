//! Findings for people, each with its lines.

use plimsoll_diagnostics::{Diagnostic, Severity, render};

use super::Checked;
use crate::finding::Finding;

/// The findings of a file, errors of the text first.
pub fn findings(checked: &Checked, color: bool) -> String {
    let mut out = String::new();
    for error in &checked.errors {
        out.push_str(&render(&checked.file, error, color));
        out.push('\n');
    }
    for finding in &checked.report.findings {
        out.push_str(&render(&checked.file, &described(finding), color));
        out.push('\n');
    }
    out
}

/// How many findings there are of which severity: `3 findings: 1 error, 2 warnings; 1 suppressed`.
pub fn summary(files: &[Checked]) -> String {
    let severities = || files.iter().flat_map(Checked::severities);
    let total = severities().count();
    let suppressed: usize = files.iter().map(|checked| checked.report.suppressed).sum();
    let mut out = match total {
        0 => "no findings".to_owned(),
        1 => "1 finding".to_owned(),
        _ => format!("{total} findings"),
    };
    let parts: Vec<String> = [Severity::Error, Severity::Warning, Severity::Info, Severity::Style]
        .into_iter()
        .filter_map(|severity| {
            let count = severities().filter(|other| *other == severity).count();
            let plural =
                if count == 1 || matches!(severity, Severity::Info | Severity::Style) { "" } else { "s" };
            (count > 0).then(|| format!("{count} {severity}{plural}"))
        })
        .collect();
    if !parts.is_empty() {
        out = format!("{out}: {}", parts.join(", "));
    }
    if files.len() > 1 {
        out = format!("{out} in {} files", files.len());
    }
    format!("{out}; {suppressed} suppressed")
}

/// The finding with its other names.
fn described(finding: &Finding) -> Diagnostic {
    let mut diagnostic = finding.diagnostic.clone();
    if !finding.aliases.is_empty() {
        diagnostic = diagnostic.note(format!("also known as {}", finding.aliases.join(", ")));
    }
    diagnostic
}
