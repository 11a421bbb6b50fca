//! Findings as failed tests in the XML of `JUnit`; a file that nothing is said about is a test that passed.

use std::fmt::Write as _;

use plimsoll_diagnostics::encode::{push_tag, xml};

use super::{Checked, Remark};

/// The document about all files.
pub fn document(files: &[Checked]) -> String {
    let total: usize = files.iter().map(|checked| checked.remarks().count()).sum();
    let tests: usize = files.iter().map(|checked| checked.remarks().count().max(1)).sum();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    push_suite(&mut out, "testsuites", "plimsoll check", tests, total);
    for checked in files {
        let name = checked.file.name();
        let count = checked.remarks().count();
        push_suite(&mut out, "testsuite", name, count.max(1), count);
        for remark in checked.remarks() {
            push(&mut out, &remark);
        }
        if count == 0 {
            push_tag(&mut out, "testcase", &[("classname", name), ("name", "no findings")]);
            out.push_str("/>\n");
        }
        out.push_str("</testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn push_suite(out: &mut String, element: &str, name: &str, tests: usize, failures: usize) {
    let (tests, failures) = (tests.to_string(), failures.to_string());
    push_tag(out, element, &[("name", name), ("tests", &tests), ("failures", &failures), ("errors", "0")]);
    out.push_str(">\n");
}

fn push(out: &mut String, remark: &Remark<'_>) {
    let (start, _) = remark.place();
    let name = remark.file.name();
    let line = start.line.to_string();
    let test = format!("{} in line {line}, column {}", remark.diagnostic.code, start.column);
    push_tag(out, "testcase", &[("classname", name), ("name", &test), ("file", name), ("line", &line)]);
    out.push('>');
    let message = remark.sentence();
    push_tag(out, "failure", &[("type", remark.diagnostic.severity.as_str()), ("message", &message)]);
    let place = format!("{name}:{line}:{}: {}", start.column, remark.names());
    let _infallible = writeln!(out, ">{}</failure></testcase>", xml(&place));
}
