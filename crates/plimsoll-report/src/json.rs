//! The report itself. Its form is stable: see [`plimsoll_scan::report`].

use std::borrow::Cow;

use plimsoll_diagnostics::encode::pretty;
use plimsoll_scan::Report;
use plimsoll_scan::report::SCHEMA;
use serde::Serialize;

use crate::options::Options;

#[derive(Serialize)]
struct Several<'r> {
    schema: u32,
    images: Vec<Cow<'r, Report>>,
}

/// One report as it is, several in a list.
pub(crate) fn document(reports: &[Report], options: &Options) -> String {
    match reports {
        [report] => pretty(&selected(report, options)),
        reports => {
            let images = reports.iter().map(|report| selected(report, options)).collect();
            pretty(&Several { schema: SCHEMA, images })
        }
    }
}

fn selected<'r>(report: &'r Report, options: &Options) -> Cow<'r, Report> {
    if options.has_all_severities() {
        return Cow::Borrowed(report);
    }
    let mut report = report.clone();
    report.vulnerabilities.retain(|one| options.severities.contains(&one.severity));
    report.secrets.retain(|one| options.severities.contains(&one.severity));
    Cow::Owned(report)
}
