//! Findings as failed tests in the XML of `JUnit`. What was not scanned is a test that was skipped: it did not pass.

use std::fmt::Write as _;

use plimsoll_diagnostics::encode::{push_tag, xml};
use plimsoll_scan::Report;

use crate::advice;
use crate::facts::remarks;
use crate::options::Options;
use crate::text::place;
use crate::view::{Origin, View, dockerfile, state_words};

/// One test.
struct Case {
    class: String,
    name: String,
    outcome: Outcome,
}

enum Outcome {
    Passed,
    Failed { kind: &'static str, message: String, text: String },
    Skipped { message: String },
}

/// The document about all reports.
pub(crate) fn document(reports: &[Report], options: &Options) -> String {
    let suites: Vec<(&Report, Vec<Case>)> =
        reports.iter().map(|report| (report, cases(report, options))).collect();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    push_suite(&mut out, "testsuites", "plimsoll scan", suites.iter().flat_map(|(_, cases)| cases));
    for (report, cases) in &suites {
        push_suite(&mut out, "testsuite", &report.target.name, cases);
        for case in cases {
            push_case(&mut out, case);
        }
        out.push_str("</testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn push_suite<'c>(out: &mut String, element: &str, name: &str, cases: impl IntoIterator<Item = &'c Case>) {
    let (mut tests, mut failures, mut skipped) = (0, 0, 0);
    for case in cases {
        tests += 1;
        match case.outcome {
            Outcome::Passed => {}
            Outcome::Failed { .. } => failures += 1,
            Outcome::Skipped { .. } => skipped += 1,
        }
    }
    let [tests, failures, skipped] = [tests, failures, skipped].map(|count: usize| count.to_string());
    let counts =
        [("name", name), ("tests", &*tests), ("failures", &failures), ("errors", "0"), ("skipped", &skipped)];
    push_tag(out, element, &counts);
    out.push_str(">\n");
}

fn push_case(out: &mut String, case: &Case) {
    push_tag(out, "testcase", &[("classname", &case.class), ("name", &case.name)]);
    match &case.outcome {
        Outcome::Passed => out.push_str("/>\n"),
        Outcome::Failed { kind, message, text } => {
            out.push('>');
            push_tag(out, "failure", &[("type", kind), ("message", message)]);
            let _infallible = writeln!(out, ">{}</failure></testcase>", xml(text));
        }
        Outcome::Skipped { message } => {
            out.push('>');
            push_tag(out, "skipped", &[("message", message)]);
            out.push_str("/></testcase>\n");
        }
    }
}

fn cases(report: &Report, options: &Options) -> Vec<Case> {
    let view = View::new(report, options);
    let mut cases = Vec::new();
    for group in view.groups() {
        let todo = advice::for_group(report, &group, options);
        let origins = Origin::all(report, group.locations.iter().copied());
        let origins: Vec<String> =
            origins.into_iter().map(|origin| origin.words(dockerfile(report, options))).collect();
        for row in &group.rows {
            let one = row.first;
            let fix = todo.as_deref().unwrap_or(state_words(one.state));
            let names: Vec<&str> = row.packages.iter().copied().collect();
            cases.push(Case {
                class: format!("{} {}", group.name, group.version),
                name: format!("{} ({})", one.id, one.severity.name()),
                outcome: Outcome::Failed {
                    kind: one.severity.name(),
                    message: format!("{}: {fix}", one.title.as_deref().unwrap_or(&one.id)),
                    text: format!("installed: {}; from: {}", names.join(", "), origins.join("; ")),
                },
            });
        }
    }
    for secret in &view.secrets {
        cases.push(Case {
            class: "secrets".to_owned(),
            name: format!("{} in {}", secret.rule, place(&secret.path, Some(secret.line))),
            outcome: Outcome::Failed {
                kind: secret.severity.name(),
                message: secret.title.clone(),
                text: secret.masked.clone(),
            },
        });
    }
    let warnings = remarks(&view, options).into_iter().filter(|remark| remark.is_warning);
    for (at, remark) in warnings.enumerate() {
        cases.push(Case {
            class: "not scanned".to_owned(),
            name: format!("part {}", at + 1),
            outcome: Outcome::Skipped { message: remark.text },
        });
    }
    if cases.is_empty() {
        let name = format!("nothing found in {} packages", report.packages.len());
        cases.push(Case { class: "scan".to_owned(), name, outcome: Outcome::Passed });
    }
    cases
}
