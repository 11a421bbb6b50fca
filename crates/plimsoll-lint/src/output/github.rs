//! Findings as workflow commands of GitHub Actions, which shows them beside the lines of a change.

use std::fmt::Write as _;

use plimsoll_diagnostics::Severity;
use plimsoll_diagnostics::encode::{command_message, command_property};

use super::{Checked, Remark};

/// One command a line.
pub fn commands(files: &[Checked]) -> String {
    let mut out = String::new();
    for remark in files.iter().flat_map(Checked::remarks) {
        push(&mut out, &remark);
    }
    out
}

fn push(out: &mut String, remark: &Remark<'_>) {
    let (start, end) = remark.place();
    let level = match remark.diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info | Severity::Style => "notice",
    };
    let _infallible = write!(
        out,
        "::{level} file={},line={},endLine={}",
        command_property(remark.path()),
        start.line,
        end.line
    );
    // Columns are refused for several lines.
    if start.line == end.line {
        let _infallible = write!(out, ",col={},endColumn={}", start.column, end.column);
    }
    let (title, message) = (command_property(&remark.names()), command_message(&remark.sentence()));
    let _infallible = writeln!(out, ",title={title}::{message}");
}
