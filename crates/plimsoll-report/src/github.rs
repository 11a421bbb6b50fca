//! Findings as workflow commands of GitHub Actions, which shows them beside the lines of a change.

use std::fmt::Write as _;

use plimsoll_diagnostics::encode::{command_message, command_property};
use plimsoll_scan::Report;
use plimsoll_scan::report::Severity;

use crate::advice;
use crate::facts::remarks;
use crate::options::Options;
use crate::text::{clip, place};
use crate::view::{Origin, View, dockerfile, state_words};

/// What the host shows of a title and a message.
const LONGEST_TITLE: usize = 200;
const LONGEST_MESSAGE: usize = 2000;

/// One command a line, the worst vulnerability of a package first.
pub(crate) fn commands(reports: &[Report], options: &Options) -> String {
    let mut out = String::new();
    for report in reports {
        let view = View::new(report, options);
        let file = dockerfile(report, options);
        for group in view.groups() {
            let todo = advice::for_group(report, &group, options);
            for row in &group.rows {
                let one = row.first;
                let names: Vec<&str> = row.packages.iter().copied().collect();
                let title = format!("{} in {} {}", one.id, group.name, group.version);
                let fix = todo.as_deref().unwrap_or(state_words(one.state));
                let what = one.title.as_deref().unwrap_or(&one.id);
                let message =
                    format!("{}: {what} ({}; {fix})", one.severity.name().to_uppercase(), names.join(", "));
                let origin = Origin::all(report, &one.locations).into_iter().find_map(line_of);
                push(&mut out, level(one.severity), origin.map(|line| (file, line)), &title, &message);
            }
        }
        for secret in &view.secrets {
            let title = format!("secret in {}", place(&secret.path, Some(secret.line)));
            let deleted =
                if secret.is_deleted_later { ", and a deleted file is still in the image" } else { "" };
            let message = format!("{}: {} ({}{deleted})", secret.title, secret.masked, secret.rule);
            let origin = Origin::of(report, secret.layer).and_then(line_of);
            push(&mut out, level(secret.severity), origin.map(|line| (file, line)), &title, &message);
        }
        for remark in remarks(&view, options) {
            let level = if remark.is_warning { "warning" } else { "notice" };
            push(&mut out, level, None, &report.target.name, &remark.text);
        }
    }
    out
}

fn line_of(origin: Origin<'_>) -> Option<u32> {
    match origin {
        Origin::Line { line, .. } => Some(line),
        Origin::Base | Origin::Layer { .. } => None,
    }
}

fn push(out: &mut String, level: &str, place: Option<(&str, u32)>, title: &str, message: &str) {
    let _infallible = write!(out, "::{level} ");
    if let Some((file, line)) = place {
        let _infallible = write!(out, "file={},line={line},", command_property(file));
    }
    let title = command_property(&clip(title, LONGEST_TITLE));
    let message = command_message(&clip(message, LONGEST_MESSAGE));
    let _infallible = writeln!(out, "title={title}::{message}");
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium | Severity::Unknown => "warning",
        Severity::Low | Severity::Negligible => "notice",
    }
}
