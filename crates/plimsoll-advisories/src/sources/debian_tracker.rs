//! The Debian security tracker's JSON: source package → vulnerability → release → status.
//!
//! It is the only source that says what Debian will not fix: `nodsa` with the reasons `ignored` and `postponed`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeSeed;
use serde_json::Value;

use crate::build::{Rank, Sink};
use crate::ecosystem::{debian_number, is_debian_release};
use crate::error::BuildError;
use crate::interval::{Event, Interval};
use crate::row::{Details, Row, Sourced, State};
use crate::severity::Severity;
use crate::sources::input::visit;
use crate::sources::stream::Members;

#[derive(Deserialize)]
struct Vulnerability {
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    releases: BTreeMap<String, Release>,
}

#[derive(Deserialize)]
struct Release {
    #[serde(default)]
    status: String,
    #[serde(default)]
    fixed_version: Option<String>,
    #[serde(default)]
    urgency: Option<String>,
    #[serde(default)]
    nodsa: Option<String>,
    #[serde(default)]
    nodsa_reason: Option<String>,
}

pub(crate) fn read(path: &Path, sink: &mut Sink<'_>) -> Result<(), BuildError> {
    visit(path, &mut |entry| {
        if !matches!(entry.form().as_str(), "" | "json") {
            sink.ignore_file();
            return Ok(());
        }
        // An error of the sink ends the build, but only after the reader has come back.
        let mut outcome = Ok(());
        let mut each = |package: String, value: Value| {
            if outcome.is_ok() {
                outcome = add_package(sink, &package, value);
            }
        };
        let mut document = serde_json::Deserializer::from_reader(&mut *entry.content);
        Members::new(&mut each)
            .deserialize(&mut document)
            .map_err(|error| BuildError::read(path, error.into()))?;
        outcome
    })
}

fn add_package(sink: &mut Sink<'_>, package: &str, value: Value) -> Result<(), BuildError> {
    let Value::Object(vulnerabilities) = value else {
        sink.skip(package, "it is no object of vulnerabilities");
        return Ok(());
    };
    for (id, value) in vulnerabilities {
        sink.count_record();
        match serde_json::from_value::<Vulnerability>(value) {
            Ok(vulnerability) => add(sink, package, &id, vulnerability)?,
            Err(error) => sink.skip(format_args!("{package} {id}"), error),
        }
    }
    Ok(())
}

fn add(sink: &mut Sink<'_>, package: &str, id: &str, vulnerability: Vulnerability) -> Result<(), BuildError> {
    for (name, release) in &vulnerability.releases {
        if !is_debian_release(name) {
            sink.skip(format_args!("{package} {id}"), format_args!("there is no Debian release `{name}`"));
            continue;
        }
        match row(package, id, name, release) {
            Ok(row) => sink.row(row)?,
            Err(reason) => sink.skip(format_args!("{package} {id} in {name}"), reason),
        }
    }
    let text = vulnerability.description.unwrap_or_default();
    sink.details(id, Rank::Distribution, &Details { text, ..Details::default() })
}

fn row(package: &str, id: &str, name: &str, release: &Release) -> Result<Row, String> {
    let urgency = release.urgency.as_deref().unwrap_or_default();
    let unfixed = match (release.nodsa_reason.as_deref(), release.nodsa.is_some()) {
        _ if urgency == "end-of-life" => State::EndOfLife,
        (Some("postponed"), _) => State::Postponed,
        (Some("ignored"), _) | (_, true) => State::WillNotFix,
        _ => State::Affected,
    };
    let fixed = release.fixed_version.as_deref().filter(|version| !version.is_empty());
    let intervals = match (release.status.as_str(), fixed) {
        // Debian's way to say that no version was ever affected.
        ("resolved", Some("0")) => Vec::new(),
        ("resolved", Some(version)) => {
            let events = vec![Event::Introduced("0".to_owned()), Event::Fixed(version.to_owned())];
            Interval::of_events(plimsoll_versions::Ecosystem::Deb, events)
                .map_err(|error| error.to_string())?
        }
        ("open", _) => vec![Interval { introduced: None, end: crate::interval::End::Open }],
        (status, _) => return Err(format!("its status is `{status}`")),
    };
    Ok(Row {
        ecosystem: format!("Debian:{}", debian_number(name)),
        name: package.to_owned(),
        ids: vec![id.to_owned()],
        severity: Severity::of_word(urgency).map(|value| Sourced { value, source: "debian".to_owned() }),
        unfixed,
        intervals,
        ..Row::default()
    })
}
