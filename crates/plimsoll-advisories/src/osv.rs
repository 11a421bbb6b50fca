//! OSV records: the OSV schema as far as matching needs it.
//!
//! Read leniently: unknown fields do not count, a `null` is an absent field, and texts of a `*_specific` part may be of any form.

use std::collections::BTreeSet;

use plimsoll_versions::Ecosystem as Order;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::cve::is_cve;
use crate::ecosystem::{is_distribution, normal_name, order};
use crate::interval::{Event, EventsError, Installed, Interval, Verdict};
use crate::row::{Details, Row, Sourced, State};
use crate::severity::{Severity, best_vector};

fn absent<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// One record.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Record {
    pub(crate) id: String,
    #[serde(default)]
    withdrawn: Option<String>,
    #[serde(default, deserialize_with = "absent")]
    aliases: Vec<String>,
    #[serde(default, deserialize_with = "absent")]
    upstream: Vec<String>,
    #[serde(default, deserialize_with = "absent")]
    related: Vec<String>,
    #[serde(default, deserialize_with = "absent")]
    summary: String,
    #[serde(default, deserialize_with = "absent")]
    details: String,
    #[serde(default, deserialize_with = "absent")]
    severity: Vec<Score>,
    #[serde(default, deserialize_with = "absent")]
    affected: Vec<Affected>,
    #[serde(default, deserialize_with = "absent")]
    references: Vec<Link>,
    #[serde(default)]
    database_specific: Option<Value>,
}

#[derive(Clone, Debug, Deserialize)]
struct Score {
    #[serde(rename = "type", default, deserialize_with = "absent")]
    kind: String,
    #[serde(default, deserialize_with = "absent")]
    score: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Affected {
    #[serde(default)]
    package: Option<Package>,
    #[serde(default, deserialize_with = "absent")]
    severity: Vec<Score>,
    #[serde(default, deserialize_with = "absent")]
    ranges: Vec<Range>,
    #[serde(default, deserialize_with = "absent")]
    versions: Vec<String>,
    #[serde(default)]
    ecosystem_specific: Option<Value>,
    #[serde(default)]
    database_specific: Option<Value>,
}

#[derive(Clone, Debug, Deserialize)]
struct Package {
    #[serde(default, deserialize_with = "absent")]
    ecosystem: String,
    #[serde(default, deserialize_with = "absent")]
    name: String,
}

#[derive(Clone, Debug, Deserialize)]
struct Range {
    #[serde(rename = "type", default, deserialize_with = "absent")]
    kind: String,
    #[serde(default, deserialize_with = "absent")]
    events: Vec<RangeEvent>,
}

#[derive(Clone, Debug, Deserialize)]
struct RangeEvent {
    #[serde(default)]
    introduced: Option<String>,
    #[serde(default)]
    fixed: Option<String>,
    #[serde(default)]
    last_affected: Option<String>,
    #[serde(default)]
    limit: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct Link {
    #[serde(default, deserialize_with = "absent")]
    url: String,
}

/// Why a record, or a part of one, gives no row.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConvertError {
    #[error("`{package}` has neither ranges of versions nor versions")]
    NoVersions { package: String },
    #[error("it names no package of an ecosystem")]
    NoPackage,
    #[error("`{package}`: {source}")]
    Events { package: String, source: EventsError },
    #[error("the name of a package or vulnerability has a control character or is too long")]
    Name,
}

/// What a record became.
#[derive(Debug, Default)]
pub(crate) struct Converted {
    pub(crate) rows: Vec<Row>,
    pub(crate) faults: Vec<ConvertError>,
}

/// The longest name, identifier or version that is taken.
const LONGEST_NAME: usize = 4096;

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= LONGEST_NAME && !text.contains(|letter: char| letter.is_control())
}

impl Record {
    pub(crate) fn is_withdrawn(&self) -> bool {
        self.withdrawn.as_ref().is_some_and(|time| !time.is_empty())
    }

    /// What there is to read.
    pub(crate) fn details(&self) -> Details {
        Details {
            summary: self.summary.trim().to_owned(),
            text: self.details.trim().to_owned(),
            links: self.references.iter().map(|link| link.url.clone()).collect(),
        }
    }

    /// The record's names for exactly its vulnerability.
    pub(crate) fn ids(&self) -> Vec<String> {
        unique(std::iter::once(&self.id).chain(&self.aliases))
    }

    /// The vulnerabilities that a distribution's record is about: what it is an upstream of, or, in older ones, related to.
    pub(crate) fn upstream_cves(&self) -> Vec<String> {
        let converted = self.id.split_once("-CVE-").map(|(_, number)| format!("CVE-{number}"));
        let named = self.aliases.iter().chain(&self.upstream).chain([&self.id]).chain(&converted);
        let cves = unique(named.filter(|id| is_cve(id)));
        if cves.is_empty() { unique(self.related.iter().filter(|id| is_cve(id))) } else { cves }
    }

    /// The vector of the whole record, or of the first package that has one.
    pub(crate) fn vector(&self) -> Option<&str> {
        vector_of(&self.severity)
            .or_else(|| self.affected.iter().find_map(|affected| vector_of(&affected.severity)))
    }

    /// The rows of all packages, and what could not be converted.
    pub(crate) fn rows(&self) -> Converted {
        let mut converted = Converted::default();
        if !self.ids().iter().all(|id| is_name(id)) {
            converted.faults.push(ConvertError::Name);
            return converted;
        }
        let mut has_package = false;
        for affected in &self.affected {
            let Some(package) = &affected.package else { continue };
            let (ecosystem, name) = (package.ecosystem.trim(), package.name.trim());
            if ecosystem.is_empty() || name.is_empty() {
                continue;
            }
            has_package = true;
            match self.affected_rows(affected, ecosystem, name) {
                Ok(rows) => converted.rows.extend(rows),
                Err(fault) => converted.faults.push(fault),
            }
        }
        if !has_package {
            converted.faults.push(ConvertError::NoPackage);
        }
        converted
    }

    fn affected_rows(
        &self,
        affected: &Affected,
        ecosystem: &str,
        name: &str,
    ) -> Result<Vec<Row>, ConvertError> {
        if !is_name(ecosystem) || !is_name(name) {
            return Err(ConvertError::Name);
        }
        let order = order(ecosystem);
        let mut intervals: Vec<Interval> = Vec::new();
        for range in &affected.ranges {
            if range.kind == "GIT" {
                continue;
            }
            let events = range.events.iter().flat_map(RangeEvent::events).collect();
            let found = Interval::of_events(order, events)
                .map_err(|source| ConvertError::Events { package: format!("{ecosystem} {name}"), source })?;
            for interval in found {
                if !intervals.contains(&interval) {
                    intervals.push(interval);
                }
            }
        }
        let versions = unlisted(order, &intervals, &affected.versions);
        if intervals.is_empty() && versions.is_empty() {
            return Err(ConvertError::NoVersions { package: format!("{ecosystem} {name}") });
        }
        let template = Row {
            ecosystem: ecosystem.to_owned(),
            name: normal_name(ecosystem, name).into_owned(),
            severity: self.word(affected),
            vector: vector_of(&affected.severity).or_else(|| vector_of(&self.severity)).map(|vector| {
                Sourced { value: vector.to_owned(), source: vector_source(&self.id).to_owned() }
            }),
            unfixed: unfixed_state(affected),
            intervals,
            versions,
            ..Row::default()
        };
        if !is_distribution(ecosystem) {
            return Ok(vec![Row { ids: self.ids(), ..template }]);
        }
        let cves = self.upstream_cves();
        if cves.is_empty() {
            return Ok(vec![Row { ids: self.ids(), rank: rank(&self.id), ..template }]);
        }
        let is_single = cves.len() == 1;
        let others = self.aliases.iter().filter(|alias| is_single && !is_cve(alias));
        let labels =
            unique(std::iter::once(&self.id).filter(|id| !is_cve(id) && !id.contains("-CVE-")).chain(others));
        let row = |cve| Row {
            ids: vec![cve],
            labels: labels.clone(),
            rank: rank(&self.id),
            is_vector_shared: !is_single,
            ..template.clone()
        };
        Ok(cves.into_iter().map(row).collect())
    }

    /// The severity that the source gives as a word, for the package before the whole record.
    fn word(&self, affected: &Affected) -> Option<Sourced<Severity>> {
        let sourced = |value| Sourced { value, source: database(&self.id).to_owned() };
        let text = |part: &Option<Value>, field: &str| {
            part.as_ref().and_then(|part| part.get(field)).and_then(Value::as_str).map(ToOwned::to_owned)
        };
        if text(&affected.database_specific, "informational")
            .is_some_and(|kind| matches!(kind.as_str(), "unmaintained" | "notice"))
        {
            return Some(sourced(Severity::Negligible));
        }
        let priorities = affected.severity.iter().chain(&self.severity);
        let priority = priorities.filter(|score| score.kind == "Ubuntu").map(|score| score.score.clone());
        [
            text(&affected.ecosystem_specific, "urgency"),
            text(&affected.ecosystem_specific, "ubuntu_priority"),
            text(&affected.ecosystem_specific, "severity"),
            text(&affected.database_specific, "severity"),
        ]
        .into_iter()
        .flatten()
        .chain(priority)
        .chain(text(&self.database_specific, "severity"))
        .find_map(|word| Severity::of_word(&word))
        .map(sourced)
    }
}

impl RangeEvent {
    fn events(&self) -> impl Iterator<Item = Event> {
        let event = |version: &Option<String>, kind: fn(String) -> Event| {
            version.as_ref().map(|version| kind(version.trim().to_owned()))
        };
        [
            event(&self.introduced, Event::Introduced),
            event(&self.fixed, Event::Fixed),
            event(&self.last_affected, Event::LastAffected),
            event(&self.limit, Event::Limit),
        ]
        .into_iter()
        .flatten()
    }
}

fn unfixed_state(affected: &Affected) -> State {
    let urgency = affected.ecosystem_specific.as_ref().and_then(|part| part.get("urgency"));
    if urgency.and_then(Value::as_str) == Some("end-of-life") { State::EndOfLife } else { State::Affected }
}

fn vector_of(scores: &[Score]) -> Option<&str> {
    best_vector(scores.iter().map(|score| score.score.trim()))
}

/// Listed versions that no interval has already: the lists of OSV's exports repeat what the ranges say.
fn unlisted(order: Order, intervals: &[Interval], versions: &[String]) -> Vec<String> {
    let is_new = |version: &&String| {
        is_name(version)
            && !matches!(
                Installed::new(order, version).judge::<String>(intervals, &[]),
                Verdict::Affected { .. }
            )
    };
    unique(versions.iter().filter(is_new))
}

/// Texts in their order, each once.
fn unique<'a>(texts: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    texts.map(|text| text.trim()).filter(|text| seen.insert(*text)).map(ToOwned::to_owned).collect()
}

/// Which database an identifier is of, as reports name it.
pub(crate) fn database(id: &str) -> &'static str {
    let prefix = id.split('-').next().unwrap_or_default();
    match prefix {
        "GHSA" => "ghsa",
        "CVE" => "nvd",
        "DEBIAN" | "DSA" | "DLA" | "DTSA" => "debian",
        "UBUNTU" | "USN" | "LSN" => "ubuntu",
        "ALPINE" => "alpine",
        "GO" => "go",
        "PYSEC" => "pysec",
        "RUSTSEC" => "rustsec",
        "BIT" => "bitnami",
        "RHSA" | "RHBA" | "RHEA" => "redhat",
        "ALSA" | "ALBA" | "ALEA" => "alma",
        "RLSA" | "RXSA" => "rocky",
        "SUSE" | "openSUSE" => "suse",
        _ => "osv",
    }
}

/// Where a record's vectors are from. OSV's conversions of Debian's and Alpine's data carry NVD's.
fn vector_source(id: &str) -> &'static str {
    match id.split('-').next().unwrap_or_default() {
        "DEBIAN" | "ALPINE" => "nvd",
        _ => database(id),
    }
}

/// Among the records of a distribution one of a CVE says more than an advisory that carries it.
fn rank(id: &str) -> u8 {
    const CONVERTED: u8 = 20;
    const ADVISORY: u8 = 40;
    match id.split('-').next().unwrap_or_default() {
        "DSA" | "DLA" | "DTSA" | "USN" => ADVISORY,
        _ => CONVERTED,
    }
}
