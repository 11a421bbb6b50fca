//! Findings in the XML of Checkstyle.

use plimsoll_diagnostics::Severity;
use plimsoll_diagnostics::encode::push_tag;

use super::{Checked, Remark};

/// The document about all files.
pub fn document(files: &[Checked]) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<checkstyle version=\"4.3\">\n");
    for checked in files {
        push_tag(&mut out, "file", &[("name", checked.file.name())]);
        out.push_str(">\n");
        for remark in checked.remarks() {
            push(&mut out, &remark);
        }
        out.push_str("</file>\n");
    }
    out.push_str("</checkstyle>\n");
    out
}

fn push(out: &mut String, remark: &Remark<'_>) {
    let (start, _) = remark.place();
    let severity = match remark.diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        // Checkstyle has nothing below.
        Severity::Info | Severity::Style => "info",
    };
    let attributes = [
        ("line", &*start.line.to_string()),
        ("column", &start.column.to_string()),
        ("severity", severity),
        ("message", &format!("{}: {}", remark.names(), remark.sentence())),
        ("source", remark.diagnostic.code),
    ];
    push_tag(out, "error", &attributes);
    out.push_str("/>\n");
}
