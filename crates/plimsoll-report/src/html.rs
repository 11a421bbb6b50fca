//! Reports as one page that does nothing: no script, no picture, no form, and nothing is fetched. A policy in the page says
//! so to the browser; the only addresses in it are those of well-known databases, behind names of vulnerabilities.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plimsoll_diagnostics::encode::xml;
use plimsoll_oci::Digest;
use plimsoll_scan::Report;
use plimsoll_scan::report::{Severity, State};

use crate::advice;
use crate::facts::facts;
use crate::identity::link;
use crate::options::Options;
use crate::text::{clip, place};
use crate::view::{Group, Origin, Row, View, dockerfile, state_words};

/// Longer names and titles are cut: a page with a name of megabytes helps nobody.
const LONGEST: usize = 1000;

const STYLE: &str = "\
:root{color-scheme:light dark}\
body{font:15px/1.45 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;overflow-wrap:anywhere}\
h2{margin-top:2.5rem;border-bottom:2px solid}\
h3{margin:1.6rem 0 .2rem}\
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem}\
dt{opacity:.7}dd{margin:0}\
p{margin:.2rem 0}\
table{border-collapse:collapse;width:100%;margin:.4rem 0}\
th,td{text-align:left;vertical-align:top;padding:.2rem .6rem .2rem 0;border-bottom:1px solid #8884}\
.critical{color:#b00020;font-weight:bold}.high{color:#c4420a;font-weight:bold}.medium{color:#8a6100}\
.unknown{color:#7a3a99}.low,.negligible{opacity:.8}\
@media(prefers-color-scheme:dark){.critical{color:#ff6b81}.high{color:#ff9d66}.medium{color:#e5c15c}.unknown{color:#cf9bea}}";

/// The page about all reports.
pub(crate) fn document(reports: &[Report], options: &Options) -> String {
    let style = STANDARD.encode(Digest::of(STYLE).as_bytes());
    let mut out = String::from("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    let _infallible = writeln!(
        out,
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{style}'; \
         base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>plimsoll scan</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>plimsoll scan</h1>"
    );
    for report in reports {
        push_report(&mut out, report, options);
    }
    if let Some(report) = reports.first() {
        let made = format!("made by {} {}", report.tool.name, report.tool.version);
        let _infallible = writeln!(out, "<p><small>{}</small></p>", shown(&made));
    }
    out.push_str("</body>\n</html>\n");
    out
}

fn push_report(out: &mut String, report: &Report, options: &Options) {
    let view = View::new(report, options);
    let platform = report.target.platform.as_ref().map(|one| format!(" ({one})")).unwrap_or_default();
    let _infallible = writeln!(out, "<h2>{}</h2>\n<dl>", shown(&format!("{}{platform}", report.target.name)));
    for (label, text) in facts(&view, options) {
        let _infallible = writeln!(out, "<dt>{}</dt><dd>{}</dd>", shown(label), shown(&text));
    }
    out.push_str("</dl>\n");
    for group in view.groups() {
        push_group(out, report, &group, options);
    }
    push_secrets(out, &view, options);
    if !report.not_scanned.is_empty() {
        out.push_str("<h3>not scanned</h3>\n<table>\n<tr><th>path</th><th>reason</th></tr>\n");
        for one in &report.not_scanned {
            push_row(out, &[shown(&one.path), shown(&one.reason)]);
        }
        out.push_str("</table>\n");
    }
}

fn push_group(out: &mut String, report: &Report, group: &Group<'_>, options: &Options) {
    let _infallible = writeln!(out, "<h3>{}</h3>", shown(&format!("{} {}", group.name, group.version)));
    let mut lines = Vec::new();
    if group.packages.len() > 1 || !group.packages.contains(group.name) {
        lines.push(format!("installed: {}", joined(group.packages.iter().copied())));
    }
    for origin in Origin::all(report, group.locations.iter().copied()) {
        lines.push(format!("from {}", origin.words(dockerfile(report, options))));
    }
    if !group.kind.is_of_system() {
        lines.extend(group.locations.iter().map(|one| format!("in {}", place(&one.path, one.line))));
    }
    if let Some(advice) = advice::for_group(report, group, options) {
        lines.push(format!("fix: {advice}"));
    }
    for line in lines {
        let _infallible = writeln!(out, "<p>{}</p>", shown(&line));
    }
    out.push_str("<table>\n<tr><th>severity</th><th>vulnerability</th><th>fixed in</th><th>what</th></tr>\n");
    for row in &group.rows {
        push_row(out, &cells(row, group));
    }
    out.push_str("</table>\n");
}

fn cells(row: &Row<'_>, group: &Group<'_>) -> [String; 4] {
    let one = row.first;
    let id = match link(&one.id) {
        Some(link) => format!("<a href=\"{}\" rel=\"noreferrer\">{}</a>", xml(&link), shown(&one.id)),
        None => shown(&one.id),
    };
    let fix = match (&one.fixed, one.state) {
        (Some(version), State::Fixed) => version,
        (_, state) => state_words(state),
    };
    let mut what = one.title.clone().unwrap_or_default();
    if one.is_exploited {
        what = format!("exploited. {what}");
    }
    if row.packages.len() < group.packages.len() {
        what = format!("({}) {what}", joined(row.packages.iter().copied()));
    }
    [severity(one.severity), id, shown(fix), shown(&what)]
}

fn push_secrets(out: &mut String, view: &View<'_>, options: &Options) {
    if view.secrets.is_empty() {
        return;
    }
    out.push_str(
        "<h3>secrets</h3>\n<table>\n<tr><th>severity</th><th>what</th><th>where</th><th>from</th></tr>\n",
    );
    for secret in &view.secrets {
        let origin = Origin::of(view.report, secret.layer)
            .map(|origin| origin.words(dockerfile(view.report, options)));
        let deleted =
            if secret.is_deleted_later { "; a later layer deletes it, and it is still there" } else { "" };
        push_row(
            out,
            &[
                severity(secret.severity),
                shown(&format!("{}: {} ({})", secret.title, secret.masked, secret.rule)),
                shown(&place(&secret.path, Some(secret.line))),
                shown(&format!("{}{deleted}", origin.unwrap_or_default())),
            ],
        );
    }
    out.push_str("</table>\n");
}

fn push_row(out: &mut String, cells: &[String]) {
    out.push_str("<tr>");
    for cell in cells {
        let _infallible = write!(out, "<td>{cell}</td>");
    }
    out.push_str("</tr>\n");
}

fn severity(severity: Severity) -> String {
    format!("<span class=\"{0}\">{0}</span>", severity.name())
}

fn shown(text: &str) -> String {
    xml(&clip(text, LONGEST))
}

fn joined<'n>(names: impl Iterator<Item = &'n str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}
