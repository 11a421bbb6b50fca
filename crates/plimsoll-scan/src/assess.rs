//! What is known against packages: the database is asked about each of them.

use std::collections::BTreeMap;

use plimsoll_advisories::{Database, DatabaseError, Finding, Query, ecosystem};
use plimsoll_packages::{Kind, OperatingSystem, Scope};

use crate::facts::NotScanned;
use crate::foreign::is_foreign;
use crate::report::{Package, PackageRef, Severity, State, Vulnerability};

/// What the database says of a list of packages.
#[derive(Debug, Default)]
pub(crate) struct Assessment {
    /// What is known against them.
    pub(crate) vulnerabilities: Vec<Vulnerability>,
    /// What could not be judged.
    pub(crate) not_scanned: Vec<NotScanned>,
}

/// Asks about packages. Those that are only for development are asked about when `with_development` says so; the project
/// itself never is.
pub(crate) fn assess(
    database: &Database,
    system: Option<&OperatingSystem>,
    packages: &[Package],
    with_development: bool,
) -> Result<Assessment, DatabaseError> {
    let mut assessment = Assessment::default();
    let mut unknown: BTreeMap<String, usize> = BTreeMap::new();
    let sources: Vec<String> = database.sources().iter().map(|source| source.kind.clone()).collect();
    let release = system.and_then(|system| ecosystem::of_os(&system.id, &system.version, &system.codename));
    for package in packages {
        let is_wanted = match package.scope {
            Scope::Runtime => true,
            Scope::Development => with_development,
            Scope::Project => false,
        };
        if !is_wanted {
            continue;
        }
        if system.is_some_and(|system| is_foreign(package.kind, package.vendor.as_deref(), &system.id)) {
            *unknown.entry("of another maker than the distribution".to_owned()).or_default() += 1;
            continue;
        }
        let Some(ecosystem) = ecosystem_of(package, release.as_deref()) else {
            *unknown.entry(unknown_reason(package, system)).or_default() += 1;
            continue;
        };
        // A folder of records is what somebody chose to ask about; a built database claims to know an ecosystem.
        if database.built() > 0 && !database.covers(ecosystem) {
            *unknown.entry(format!("the database has nothing about `{ecosystem}`")).or_default() += 1;
            continue;
        }
        let before = assessment.vulnerabilities.len();
        for (name, version) in asked(package) {
            let query = Query { ecosystem, name, version, with_summaries: true };
            let found = database.find(&query)?;
            for finding in found.findings {
                // Under two names of a package the same vulnerability is one.
                if assessment.vulnerabilities[before..].iter().all(|one| one.id != finding.id) {
                    assessment.vulnerabilities.push(vulnerability(package, finding, &sources));
                }
            }
            for one in found.not_comparable {
                let reason = format!(
                    "`{}` {} cannot be compared with what `{}` says",
                    package.name, package.version, one.id
                );
                let path = package.locations.first().map(|place| place.path.clone()).unwrap_or_default();
                assessment.not_scanned.push(NotScanned { path, reason });
            }
        }
    }
    for (reason, count) in unknown {
        let packages = if count == 1 { "1 package was".to_owned() } else { format!("{count} packages were") };
        let reason = format!("{packages} not looked up: {reason}");
        assessment.not_scanned.push(NotScanned { path: String::new(), reason });
    }
    assessment.vulnerabilities.sort_by(|left, right| {
        let place = |one: &Vulnerability| {
            (
                std::cmp::Reverse(one.severity),
                one.package.kind,
                one.package.name.clone(),
                one.package.version.clone(),
            )
        };
        place(left).cmp(&place(right)).then_with(|| left.id.cmp(&right.id))
    });
    Ok(assessment)
}

fn ecosystem_of<'e>(package: &Package, release: Option<&'e str>) -> Option<&'e str> {
    if package.kind.is_of_system() { release } else { ecosystem::of_purl_type(package.kind.name()) }
}

fn unknown_reason(package: &Package, system: Option<&OperatingSystem>) -> String {
    match system {
        _ if !package.kind.is_of_system() => {
            format!("no source of advisories covers packages of type `{}`", package.kind.name())
        }
        None => "no file says which operating system they are of".to_owned(),
        Some(system) => format!("no source of advisories covers `{}` {}", system.id, system.version),
    }
}

/// The names and versions under which advisories speak of a package. Debian and Alpine speak of source packages; with RPM
/// some distributions do, and others speak of what is installed.
fn asked(package: &Package) -> Vec<(&str, &str)> {
    let own = (package.name.as_str(), package.version.as_str());
    let source = package.source.as_ref().map(|source| (source.name.as_str(), source.version.as_str()));
    match package.kind {
        Kind::Rpm => source.into_iter().filter(|source| source.0 != own.0).chain([own]).collect(),
        _ => vec![source.unwrap_or(own)],
    }
}

fn vulnerability(package: &Package, finding: Finding, sources: &[String]) -> Vulnerability {
    let reference = PackageRef {
        kind: package.kind,
        name: package.name.clone(),
        version: package.version.clone(),
        purl: package.purl.clone(),
    };
    Vulnerability {
        id: finding.id,
        aliases: finding.aliases,
        package: reference,
        severity: severity(finding.severity),
        severity_source: finding.severity_source.unwrap_or_default(),
        score: finding.score_tenths.map(|tenths| f64::from(tenths) / 10.0),
        vector: finding.vector,
        state: state(finding.state),
        fixed: finding.fixed,
        title: finding.summary,
        epss: finding.epss.map(|epss| epss.score),
        is_exploited: finding.kev,
        locations: package.locations.clone(),
        sources: finding.sources.iter().filter_map(|place| sources.get(*place).cloned()).collect(),
    }
}

fn severity(severity: plimsoll_advisories::Severity) -> Severity {
    match severity {
        plimsoll_advisories::Severity::Critical => Severity::Critical,
        plimsoll_advisories::Severity::High => Severity::High,
        plimsoll_advisories::Severity::Medium => Severity::Medium,
        plimsoll_advisories::Severity::Low => Severity::Low,
        plimsoll_advisories::Severity::Negligible => Severity::Negligible,
        plimsoll_advisories::Severity::Unknown => Severity::Unknown,
    }
}

fn state(state: plimsoll_advisories::State) -> State {
    match state {
        plimsoll_advisories::State::Fixed => State::Fixed,
        plimsoll_advisories::State::Affected => State::Affected,
        plimsoll_advisories::State::WillNotFix => State::WillNotFix,
        plimsoll_advisories::State::Postponed => State::Postponed,
        plimsoll_advisories::State::EndOfLife => State::EndOfLife,
    }
}
