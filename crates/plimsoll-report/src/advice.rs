//! What to do about a vulnerability, in one sentence: which version, and in which line or image.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use plimsoll_packages::Kind;
use plimsoll_scan::Report;
use plimsoll_scan::report::{Location, State, Vulnerability};
use plimsoll_versions::{Ecosystem, compare};

use crate::options::Options;
use crate::view::{Group, Origin, dockerfile};

/// More packages than this are called by their source.
const NAMED: usize = 3;

/// What to do about a package's vulnerabilities; none when there is nothing to be done.
pub(crate) fn for_group(report: &Report, group: &Group<'_>, options: &Options) -> Option<String> {
    let names = if group.packages.len() > NAMED {
        group.name.to_owned()
    } else {
        group.packages.iter().copied().collect::<Vec<_>>().join(", ")
    };
    let vulnerabilities: Vec<&Vulnerability> = group.rows.iter().map(|row| row.first).collect();
    advice(report, &names, &vulnerabilities, &group.locations, options)
}

/// What to do about one vulnerability; none when there is nothing to be done.
pub(crate) fn for_one(report: &Report, vulnerability: &Vulnerability, options: &Options) -> Option<String> {
    let locations = vulnerability.locations.iter().collect();
    advice(report, &vulnerability.package.name, &[vulnerability], &locations, options)
}

fn advice(
    report: &Report,
    names: &str,
    vulnerabilities: &[&Vulnerability],
    locations: &BTreeSet<&Location>,
    options: &Options,
) -> Option<String> {
    let kind = vulnerabilities.first()?.package.kind;
    let ended = report.os.as_ref().filter(|system| system.is_past_end_of_life && kind.is_of_system());
    if let Some(system) = ended {
        return Some(format!("move to a release that is still supported: {} gets no fixes", system.name));
    }
    let version = newest_fix(kind, vulnerabilities)?;
    let origins = Origin::all(report, locations.iter().copied());
    let from_base = origins.contains(&Origin::Base);
    let file = locations.iter().find(|location| location.line.is_some() && !kind.is_of_system());
    let places = origins.iter().filter_map(|origin| match origin {
        Origin::Base => None,
        Origin::Line { line, .. } => Some(format!("{}:{line}", dockerfile(report, options))),
        Origin::Layer { number, .. } => Some(format!("layer {number}")),
    });
    let places = places.collect::<Vec<_>>().join(" and ");
    let mut text = format!("upgrade {names} to {version}");
    match (file, from_base, places.is_empty()) {
        (None, true, true) => {
            return Some(format!(
                "it comes with the base image: take one with {names} {version}, or upgrade it in a RUN"
            ));
        }
        (None, _, true) => {}
        (None, _, false) => text = format!("{text} in {places}"),
        (Some(file), _, true) => text = format!("{text} in {}", file.path),
        (Some(file), _, false) => text = format!("{text} in {}, which {places} brings", file.path),
    }
    if from_base {
        text.push_str(" and in the base image");
    }
    Some(text)
}

/// The version that fixes all that can be fixed.
fn newest_fix<'v>(kind: Kind, vulnerabilities: &[&'v Vulnerability]) -> Option<&'v str> {
    let fixes = vulnerabilities.iter().filter(|one| one.state == State::Fixed);
    let fixes = fixes.filter_map(|one| one.fixed.as_deref());
    fixes.reduce(
        |newest, fix| {
            if compare(ecosystem(kind), newest, fix) == Some(Ordering::Less) { fix } else { newest }
        },
    )
}

/// The order of a kind's versions.
fn ecosystem(kind: Kind) -> Ecosystem {
    kind.name().parse().unwrap_or(Ecosystem::Semver)
}
