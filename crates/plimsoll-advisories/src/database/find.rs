//! What of a database concerns a package.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};

use serde::Serialize;

use super::Database;
use super::format::{Posting, Reference, Section, Span};
use crate::codec::{Cursor, Malformed};
use crate::ecosystem::{concerns, normal_name, order};
use crate::error::DatabaseError;
use crate::interval::{End, Installed, Interval, Verdict};
use crate::row::State;
use crate::severity::Severity;

/// A package to look up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Query<'a> {
    /// OSV's name of its ecosystem, with the release of a distribution: `npm`, `Debian:12`.
    pub ecosystem: &'a str,
    /// Its name in any spelling of the ecosystem; a distribution's advisories name source packages.
    pub name: &'a str,
    /// The installed version; of a distribution's package the source's.
    pub version: &'a str,
    /// Whether summaries are looked up, which takes longer than everything else.
    pub with_summaries: bool,
}

/// One vulnerability of the package.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// Its CVE identifier, or the name it has without one.
    pub id: String,
    /// Its other names, and advisories that carry it.
    pub aliases: Vec<String>,
    /// How bad it is.
    pub severity: Severity,
    /// Who says so; nothing for an unknown severity.
    pub severity_source: Option<String>,
    /// Its CVSS vector.
    pub vector: Option<String>,
    /// Who gives the vector.
    pub vector_source: Option<String>,
    /// The vector's score, in tenths.
    pub score_tenths: Option<u8>,
    /// What is done about it.
    pub state: State,
    /// The version that fixes it for this one.
    pub fixed: Option<String>,
    /// One line; only when asked for and known.
    pub summary: Option<String>,
    /// The probability that it is exploited within 30 days.
    pub epss: Option<Epss>,
    /// Whether CISA knows that it is exploited.
    pub kev: bool,
    /// The sources that name it: places in [`Database::sources`].
    pub sources: Vec<usize>,
}

/// A vulnerability's EPSS score.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Epss {
    /// The probability.
    pub score: f64,
    /// The part of all vulnerabilities with this score or a lower one.
    pub percentile: f64,
}

/// A vulnerability that may concern the package: its ecosystem has no order for the installed version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct NotComparable {
    /// The vulnerability.
    pub id: String,
}

/// What is known of a package.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Found {
    /// What it is vulnerable to, in the order of the identifiers.
    pub findings: Vec<Finding>,
    /// What cannot be said.
    pub not_comparable: Vec<NotComparable>,
}

/// The most ecosystems asked for whose answer is remembered.
const MOST_REMEMBERED: usize = 256;

impl Database {
    /// What concerns a package.
    pub fn find(&self, query: &Query<'_>) -> Result<Found, DatabaseError> {
        let name = normal_name(query.ecosystem, query.name);
        let installed = Installed::new(order(query.ecosystem), query.version.trim());
        let mut found = Found::default();
        // What releases say, and which of it made a finding.
        let (mut said, mut affected) = (BTreeSet::new(), BTreeSet::new());
        for place in &*self.concerned(query.ecosystem) {
            let Some(span) = self.look_up(*place, &name)? else { continue };
            let recorded = usize::try_from(*place).ok().and_then(|place| self.ecosystems.get(place));
            let is_general = recorded.is_some_and(|recorded| !recorded.contains(':'));
            let bytes = self.file.section(span, "the entries of a package")?;
            let mut cursor = Cursor::new(&bytes);
            while !cursor.is_empty() {
                let posting =
                    Posting::read(&mut cursor).map_err(|_| self.file.corrupt("an entry of a package"))?;
                let id = self.string(posting.id)?;
                // What a release says itself, the general record does not say again; repositories of one release add up.
                if affected.contains(&id) || (is_general && said.contains(&id)) {
                    continue;
                }
                if self.judge(&installed, &id, &posting, query.with_summaries, &mut found)? {
                    affected.insert(id.clone());
                }
                if !is_general {
                    said.insert(id);
                }
            }
        }
        found.findings.sort_by(|left, right| left.id.cmp(&right.id));
        found.not_comparable.sort();
        Ok(found)
    }

    /// Adds what an entry says of the installed version; says whether that was anything.
    fn judge(
        &self,
        installed: &Installed<'_>,
        id: &str,
        posting: &Posting,
        with_summary: bool,
        found: &mut Found,
    ) -> Result<bool, DatabaseError> {
        let intervals = posting.intervals.iter().map(|interval| {
            let end = || self.string(interval.end);
            Ok(Interval {
                introduced: self.optional(interval.introduced)?,
                end: match interval.end_kind {
                    0 => End::Open,
                    1 => End::Fixed(end()?),
                    2 => End::LastAffected(end()?),
                    _ => End::Limit(end()?),
                },
            })
        });
        let intervals = intervals.collect::<Result<Vec<_>, DatabaseError>>()?;
        let versions = self.strings(&posting.versions)?;
        match installed.judge(&intervals, &versions) {
            Verdict::NotAffected => Ok(false),
            Verdict::NotComparable => {
                found.not_comparable.push(NotComparable { id: id.to_owned() });
                Ok(true)
            }
            Verdict::Affected { fixed } => {
                let finding = self.finding(id, posting, fixed, with_summary)?;
                found.findings.push(finding);
                Ok(true)
            }
        }
    }

    fn finding(
        &self,
        id: &str,
        posting: &Posting,
        fixed: Option<String>,
        with_summary: bool,
    ) -> Result<Finding, DatabaseError> {
        let corrupt = || self.file.corrupt("an entry of a package");
        let unfixed = State::of_code(posting.unfixed).ok_or_else(corrupt)?;
        let aliases = self.strings(&posting.aliases)?;
        let source = |place: &u64| {
            usize::try_from(*place).ok().filter(|place| *place < self.sources.len()).ok_or_else(corrupt)
        };
        Ok(Finding {
            severity: Severity::of_code(posting.severity).ok_or_else(corrupt)?,
            severity_source: self.optional(posting.severity_source)?,
            vector: self.optional(posting.vector)?,
            vector_source: self.optional(posting.vector_source)?,
            score_tenths: Some(posting.score).filter(|score| *score <= 100),
            state: if fixed.is_some() { State::Fixed } else { unfixed },
            fixed,
            summary: if with_summary { self.summary(id, &aliases)? } else { None },
            epss: posting.epss.map(|(score, percentile)| Epss {
                score: hundred_thousandths(score),
                percentile: hundred_thousandths(percentile),
            }),
            kev: posting.is_exploited,
            sources: posting.sources.iter().map(source).collect::<Result<_, _>>()?,
            id: id.to_owned(),
            aliases,
        })
    }

    /// The summary under the first of the names that has one.
    fn summary(&self, id: &str, aliases: &[String]) -> Result<Option<String>, DatabaseError> {
        for name in std::iter::once(id).chain(aliases.iter().map(String::as_str)) {
            if let Some(details) = self.details(name)?
                && !details.summary.is_empty()
            {
                return Ok(Some(details.summary));
            }
        }
        Ok(None)
    }

    fn string(&self, reference: Reference) -> Result<String, DatabaseError> {
        self.file.string(self.header.span(Section::Strings), reference)
    }

    fn optional(&self, reference: Reference) -> Result<Option<String>, DatabaseError> {
        if reference == 0 { Ok(None) } else { self.string(reference).map(Some) }
    }

    fn strings(&self, references: &[Reference]) -> Result<Vec<String>, DatabaseError> {
        references.iter().map(|reference| self.string(*reference)).collect()
    }

    /// The ecosystems whose records concern packages of one, the most exact name first.
    pub(super) fn concerned(&self, asked: &str) -> Arc<[u64]> {
        let mut remembered = self.concerned.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = remembered.get(asked) {
            return Arc::clone(known);
        }
        let recorded = (0_u64..).zip(&self.ecosystems).filter(|(_, recorded)| concerns(recorded, asked));
        let mut places: Vec<(bool, u64)> =
            recorded.map(|(place, recorded)| (!recorded.contains(':'), place)).collect();
        places.sort_unstable();
        let places: Arc<[u64]> = places.into_iter().map(|(_, place)| place).collect();
        if remembered.len() < MOST_REMEMBERED {
            remembered.insert(asked.to_owned(), Arc::clone(&places));
        }
        places
    }

    /// Where the entries of a package lie.
    fn look_up(&self, ecosystem: u64, name: &str) -> Result<Option<Span>, DatabaseError> {
        let behind =
            self.blocks.partition_point(|block| (block.ecosystem, block.name.as_str()) <= (ecosystem, name));
        let Some(block) = behind.checked_sub(1).and_then(|place| self.blocks.get(place)) else {
            return Ok(None);
        };
        let part = "a block of packages";
        let span = self.file.within(self.header.span(Section::Keys), block.span, part)?;
        if span.length > super::format::MOST_HELD {
            return Err(self.file.corrupt(part));
        }
        let mut bytes = Vec::new();
        let append = self.file.pages.append(&mut bytes, span.offset, span.length);
        append.map_err(|source| self.file.failed(source))?;
        let found = search(&bytes, ecosystem, name).map_err(|_| self.file.corrupt(part))?;
        found
            .map(|span| self.file.within(self.header.span(Section::Postings), span, "the place of a package"))
            .transpose()
    }
}

fn search(block: &[u8], ecosystem: u64, name: &str) -> Result<Option<Span>, Malformed> {
    let mut cursor = Cursor::new(block);
    while !cursor.is_empty() {
        let is_ecosystem = cursor.number()? == ecosystem;
        let is_wanted = cursor.text()? == name && is_ecosystem;
        let span = Span { offset: cursor.number()?, length: cursor.number()? };
        if is_wanted {
            return Ok(Some(span));
        }
    }
    Ok(None)
}

#[expect(clippy::cast_precision_loss, reason = "real ones are at most 100,000")]
fn hundred_thousandths(number: u64) -> f64 {
    number as f64 / 100_000.0
}
