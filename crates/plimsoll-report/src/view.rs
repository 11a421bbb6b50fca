//! A report as the shapes look at it: what is selected, grouped by package, and where it comes from.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_packages::Kind;
use plimsoll_scan::Report;
use plimsoll_scan::report::{Location, Package, PackageRef, Secret, Severity, State, Vulnerability};

use crate::options::Options;

/// A report, and what of it is selected.
pub(crate) struct View<'r> {
    pub(crate) report: &'r Report,
    pub(crate) vulnerabilities: Vec<&'r Vulnerability>,
    pub(crate) secrets: Vec<&'r Secret>,
    packages: BTreeMap<(Kind, &'r str, &'r str), &'r Package>,
}

impl<'r> View<'r> {
    pub(crate) fn new(report: &'r Report, options: &Options) -> Self {
        let selected = |severity| options.severities.contains(&severity);
        Self {
            report,
            vulnerabilities: report.vulnerabilities.iter().filter(|one| selected(one.severity)).collect(),
            secrets: report.secrets.iter().filter(|one| selected(one.severity)).collect(),
            packages: report
                .packages
                .iter()
                .map(|package| ((package.kind, &*package.name, &*package.version), package))
                .collect(),
        }
    }

    /// How many vulnerabilities there are, those that are not selected included.
    pub(crate) fn total(&self) -> usize {
        let counted: usize = self.report.summary.vulnerabilities.values().sum();
        counted.max(self.report.vulnerabilities.len())
    }

    /// How many vulnerabilities are not selected.
    pub(crate) fn hidden(&self) -> usize {
        self.total() - self.vulnerabilities.len()
    }

    /// How many secrets are not selected.
    pub(crate) fn hidden_secrets(&self) -> usize {
        self.report.summary.secrets.max(self.report.secrets.len()) - self.secrets.len()
    }

    /// The vulnerabilities by the package that a fix is made for; those with the worst come first.
    pub(crate) fn groups(&self) -> Vec<Group<'r>> {
        let mut groups: BTreeMap<(Kind, &str, &str), Group<'r>> = BTreeMap::new();
        for vulnerability in &self.vulnerabilities {
            let (name, version) = self.source(&vulnerability.package);
            let group = groups.entry((vulnerability.package.kind, name, version)).or_insert_with(|| Group {
                kind: vulnerability.package.kind,
                name,
                version,
                packages: BTreeSet::new(),
                rows: Vec::new(),
                locations: BTreeSet::new(),
                places: BTreeMap::new(),
            });
            group.add(vulnerability);
        }
        let mut groups: Vec<Group<'r>> = groups.into_values().collect();
        for group in &mut groups {
            // Stable: the report's order decides among equals.
            group.rows.sort_by_key(|row| std::cmp::Reverse(row.first.severity));
        }
        groups.sort_by_key(|group| std::cmp::Reverse(group.weight()));
        groups
    }

    fn source(&self, package: &'r PackageRef) -> (&'r str, &'r str) {
        let found = self.packages.get(&(package.kind, &*package.name, &*package.version));
        match found.and_then(|package| package.source.as_ref()) {
            Some(source) => (&source.name, &source.version),
            None => (&package.name, &package.version),
        }
    }
}

/// A package and what is known against it; of an operating system, the packages of one source together.
pub(crate) struct Group<'r> {
    pub(crate) kind: Kind,
    pub(crate) name: &'r str,
    pub(crate) version: &'r str,
    /// The names under which it is installed.
    pub(crate) packages: BTreeSet<&'r str>,
    pub(crate) rows: Vec<Row<'r>>,
    pub(crate) locations: BTreeSet<&'r Location>,
    /// The rows by what makes two vulnerabilities one.
    places: BTreeMap<(&'r str, Severity, State, Option<&'r str>), usize>,
}

/// A vulnerability of some of a group's packages.
pub(crate) struct Row<'r> {
    pub(crate) first: &'r Vulnerability,
    pub(crate) packages: BTreeSet<&'r str>,
}

impl<'r> Group<'r> {
    fn add(&mut self, vulnerability: &'r Vulnerability) {
        self.packages.insert(&vulnerability.package.name);
        self.locations.extend(&vulnerability.locations);
        let key =
            (&*vulnerability.id, vulnerability.severity, vulnerability.state, vulnerability.fixed.as_deref());
        let place = *self.places.entry(key).or_insert(self.rows.len());
        if place == self.rows.len() {
            self.rows.push(Row { first: vulnerability, packages: BTreeSet::new() });
        }
        self.rows[place].packages.insert(&vulnerability.package.name);
    }

    /// How many rows there are of which severity, the worst first.
    fn weight(&self) -> [usize; 6] {
        let mut counts = [0; 6];
        for row in &self.rows {
            counts[5 - row.first.severity as usize] += 1;
        }
        counts
    }
}

/// The Dockerfile of a target: its own, or the one that the caller knows.
pub(crate) fn dockerfile<'a>(report: &'a Report, options: &'a Options) -> &'a str {
    report.target.dockerfile.as_deref().unwrap_or(&options.dockerfile)
}

/// What a state is called.
pub(crate) fn state_words(state: State) -> &'static str {
    match state {
        State::Fixed => "fixed",
        State::Affected => "no fix yet",
        State::WillNotFix => "will not fix",
        State::Postponed => "postponed",
        State::EndOfLife => "release ended",
    }
}

/// What brought something into the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin<'r> {
    /// The base image.
    Base,
    /// A line of the Dockerfile, in a stage.
    Line { line: u32, stage: Option<&'r str>, created_by: Option<&'r str> },
    /// A layer, counted from 1.
    Layer { number: usize, created_by: Option<&'r str> },
}

impl<'r> Origin<'r> {
    /// What brought the layer at this place.
    pub(crate) fn of(report: &'r Report, layer: Option<usize>) -> Option<Self> {
        let place = layer?;
        let layer = report.target.layers.get(place)?;
        let created_by = layer.created_by.as_deref().map(instruction).filter(|text| !text.is_empty());
        Some(match layer.line {
            _ if layer.is_base => Self::Base,
            Some(line) => Self::Line { line, stage: layer.stage.as_deref(), created_by },
            None => Self::Layer { number: place + 1, created_by },
        })
    }

    /// What brought these, each once, in the order of the layers.
    pub(crate) fn all(report: &'r Report, locations: impl IntoIterator<Item = &'r Location>) -> Vec<Self> {
        let layers: BTreeSet<usize> = locations.into_iter().filter_map(|location| location.layer).collect();
        let mut origins = Vec::new();
        for origin in layers.into_iter().filter_map(|layer| Self::of(report, Some(layer))) {
            if !origins.contains(&origin) {
                origins.push(origin);
            }
        }
        origins
    }

    /// In words: `the base image`, `Dockerfile:12 (stage build): RUN …`.
    pub(crate) fn words(self, dockerfile: &str) -> String {
        match self {
            Self::Base => "the base image".to_owned(),
            Self::Line { line, stage, created_by } => {
                let stage = stage.map(|stage| format!(" (stage {stage})")).unwrap_or_default();
                format!("{}:{line}{stage}{}", dockerfile, described(created_by))
            }
            Self::Layer { number, created_by } => format!("layer {number}{}", described(created_by)),
        }
    }
}

fn described(created_by: Option<&str>) -> String {
    created_by.map(|text| format!(": {text}")).unwrap_or_default()
}

/// The instruction in an entry of an image's history, without what builders put around it.
fn instruction(created_by: &str) -> &str {
    let text = created_by.trim();
    let text = text.strip_suffix("# buildkit").unwrap_or(text);
    text.strip_prefix("/bin/sh -c #(nop)").unwrap_or(text).trim()
}
