//! What every shape for people says about a target before it lists anything, and what it warns of.
//!
//! A number that cannot be known is never shown as none: without a database, and for a release that nobody watches any more,
//! there is a sentence in its place.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use plimsoll_scan::Report;
use plimsoll_scan::report::{Severity, System};

use crate::options::Options;
use crate::text::{counted, day};
use crate::view::View;

/// Something to be said about a whole report.
pub(crate) struct Remark {
    /// Whether it makes the answer less certain.
    pub(crate) is_warning: bool,
    pub(crate) text: String,
}

/// A label and a sentence each; a sentence without a label belongs to the one before.
pub(crate) fn facts(view: &View<'_>, options: &Options) -> Vec<(&'static str, String)> {
    let report = view.report;
    let mut facts = Vec::new();
    if let Some(digest) = &report.target.digest {
        facts.push(("digest", digest.clone()));
    }
    facts.push(("system", report.os.as_ref().map_or_else(|| "none that says what it is".to_owned(), system)));
    facts.push(("packages", packages(report)));
    match &report.database {
        None => {
            facts.push(("vulnerabilities", NO_DATABASE.to_owned()));
            facts.push(("", NO_DATABASE_HINT.to_owned()));
        }
        Some(database) => {
            let built = database.built.map(|built| format!("built {}, ", day(built))).unwrap_or_default();
            facts.push(("database", format!("{built}{}", database.digest)));
            push_counts(&mut facts, view, options);
        }
    }
    let secrets = view.secrets.len() + view.hidden_secrets();
    let public = report.summary.public_secrets;
    if secrets + public > 0 {
        let public = (public > 0).then(|| format!("{public} more in what anybody can fetch"));
        let parts = [Some(secrets.to_string()), hidden(view.hidden_secrets(), options), public];
        facts.push(("secrets", parts.into_iter().flatten().collect::<Vec<_>>().join("; ")));
    }
    if !report.not_scanned.is_empty() {
        let count = counted(report.not_scanned.len(), "thing", "things");
        facts.push(("not scanned", format!("{count}, listed below: there may be more than is known")));
    }
    facts
}

const NO_DATABASE: &str = "not looked up: no database was asked";
const NO_DATABASE_HINT: &str = "hint: `plimsoll db build --from SOURCE -o DB` makes one, `--db DB` uses it";

/// What to say about the report besides what it lists.
pub(crate) fn remarks(view: &View<'_>, options: &Options) -> Vec<Remark> {
    let report = view.report;
    let mut remarks = Vec::new();
    let mut push = |is_warning, text| remarks.push(Remark { is_warning, text });
    if report.database.is_none() {
        push(false, format!("vulnerabilities: {NO_DATABASE}; {NO_DATABASE_HINT}"));
    }
    for one in &report.not_scanned {
        push(true, format!("not scanned: {}", crate::text::located(&one.path, &one.reason)));
    }
    if let Some(text) = hidden(view.hidden(), options) {
        push(false, format!("vulnerabilities: {text}"));
    }
    if let Some(text) = hidden(view.hidden_secrets(), options) {
        push(false, format!("secrets: {text}"));
    }
    if let Some(text) = known_before(report) {
        push(false, format!("vulnerabilities: {text}"));
    }
    if report.summary.suppressed > 0 {
        push(false, format!("{} suppressed", report.summary.suppressed));
    }
    remarks
}

fn system(system: &System) -> String {
    let mut text = system.name.clone();
    if system.is_past_end_of_life {
        let since = system.end_of_life.as_ref().map(|day| format!(" since {day}")).unwrap_or_default();
        let _infallible = write!(text, ": its release has ended, it gets no fixes{since}");
    }
    text
}

/// `312: 300 deb, 12 npm`.
fn packages(report: &Report) -> String {
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for package in &report.packages {
        *kinds.entry(package.kind.name()).or_default() += 1;
    }
    let kinds: Vec<String> = kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    match kinds.len() {
        0 => "none".to_owned(),
        1 => kinds[0].clone(),
        _ => format!("{}: {}", report.packages.len(), kinds.join(", ")),
    }
}

fn push_counts(facts: &mut Vec<(&'static str, String)>, view: &View<'_>, options: &Options) {
    let summary = &view.report.summary;
    let label = "vulnerabilities";
    let ended = view.report.os.as_ref().is_some_and(|system| system.is_past_end_of_life);
    match (ended, view.total()) {
        (true, 0) => {
            facts.push((label, "not known: nobody lists them for a release that has ended".to_owned()));
        }
        (true, _) => {
            facts.push((label, format!("at least {}", counts(view))));
            facts.push(("", "there are more: nobody lists them for a release that has ended".to_owned()));
        }
        (false, _) => facts.push((label, counts(view))),
    }
    let fixable = (summary.fixable > 0)
        .then(|| format!("{} {} a fix", summary.fixable, if summary.fixable == 1 { "has" } else { "have" }));
    let suppressed = (summary.suppressed > 0).then(|| format!("{} suppressed", summary.suppressed));
    let notes = [fixable, hidden(view.hidden(), options), known_before(view.report), suppressed];
    let notes: Vec<String> = notes.into_iter().flatten().collect();
    if !notes.is_empty() {
        facts.push(("", notes.join("; ")));
    }
}

/// All severities, also those that nothing has: who looks for the unknown ones finds them.
fn counts(view: &View<'_>) -> String {
    let mut listed: BTreeMap<&str, usize> = BTreeMap::new();
    for vulnerability in &view.report.vulnerabilities {
        *listed.entry(vulnerability.severity.name()).or_default() += 1;
    }
    let count = |severity: Severity| {
        let of = |counts: Option<&usize>| counts.copied().unwrap_or(0);
        let name = severity.name();
        of(view.report.summary.vulnerabilities.get(name)).max(of(listed.get(name)))
    };
    Severity::ALL.map(|severity| format!("{} {}", count(severity), severity.name())).join(", ")
}

fn known_before(report: &Report) -> Option<String> {
    let count = report.summary.known_before;
    (count > 0).then(|| format!("{count} not new"))
}

fn hidden(count: usize, options: &Options) -> Option<String> {
    if count == 0 {
        return None;
    }
    let only = if options.has_all_severities() {
        String::new()
    } else {
        format!(" (only {})", options.severity_names())
    };
    Some(format!("{count} not shown{only}"))
}
