//! The rows of one package become one entry a vulnerability.
//!
//! Rows that share a name are of the same vulnerability. In a distribution the source that knows it best decides what is affected; of
//! languages every source counts, and a version is affected when one of them says so.

use std::collections::{BTreeMap, BTreeSet};

use crate::build::tables::{Epss, Tables};
use crate::cve::Cve;
use crate::interval::Interval;
use crate::row::{Row, Sourced, State};
use crate::severity::{Severity, score_tenths};

/// One vulnerability of one package.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) id: String,
    pub(crate) aliases: BTreeSet<String>,
    pub(crate) severity: Severity,
    pub(crate) severity_source: Option<String>,
    pub(crate) vector: Option<Sourced<String>>,
    pub(crate) score_tenths: Option<u8>,
    pub(crate) unfixed: State,
    pub(crate) epss: Option<Epss>,
    pub(crate) is_exploited: bool,
    pub(crate) sources: BTreeSet<u16>,
    pub(crate) intervals: Vec<Interval>,
    pub(crate) versions: Vec<String>,
}

/// Merges the rows of one package; entries are in the order of their identifiers.
pub(crate) fn merge(rows: &[Row], tables: &Tables) -> Vec<Entry> {
    let mut entries: Vec<Entry> = groups(rows).iter().filter_map(|group| entry(group, tables)).collect();
    entries.sort_by(|left, right| left.id.cmp(&right.id));
    entries
}

/// The rows that are of one vulnerability, directly or over others.
fn groups(rows: &[Row]) -> Vec<Vec<&Row>> {
    let mut leaders: Vec<usize> = (0..rows.len()).collect();
    let mut by_id: BTreeMap<&str, usize> = BTreeMap::new();
    for (place, row) in rows.iter().enumerate() {
        for id in &row.ids {
            let other = *by_id.entry(id).or_insert(place);
            let (left, right) = (leader(&mut leaders, place), leader(&mut leaders, other));
            leaders[left.max(right)] = left.min(right);
        }
    }
    let mut groups: BTreeMap<usize, Vec<&Row>> = BTreeMap::new();
    for (place, row) in rows.iter().enumerate() {
        groups.entry(leader(&mut leaders, place)).or_default().push(row);
    }
    groups.into_values().collect()
}

fn leader(leaders: &mut [usize], mut place: usize) -> usize {
    while leaders[place] != place {
        leaders[place] = leaders[leaders[place]];
        place = leaders[place];
    }
    place
}

/// Nothing when the source that decides says that no version is affected.
fn entry(group: &[&Row], tables: &Tables) -> Option<Entry> {
    let best = group.iter().map(|row| row.rank).min()?;
    let deciding: Vec<&Row> = group.iter().filter(|row| row.rank == best).copied().collect();
    let mut intervals: Vec<Interval> = Vec::new();
    for interval in deciding.iter().flat_map(|row| &row.intervals) {
        if !intervals.contains(interval) {
            intervals.push(interval.clone());
        }
    }
    let versions: BTreeSet<&String> = deciding.iter().flat_map(|row| &row.versions).collect();
    if intervals.is_empty() && versions.is_empty() {
        return None;
    }
    let ids: BTreeSet<&String> = group.iter().flat_map(|row| &row.ids).collect();
    let id = *ids.iter().min_by_key(|id| (class(id), Cve::parse(id), id.as_str()))?;
    let aliases = ids.iter().copied().chain(group.iter().flat_map(|row| &row.labels));
    let vector = vector(group, &ids, tables);
    let score_tenths = vector.as_ref().and_then(|vector| score_tenths(&vector.value));
    let (severity, severity_source) = match (word(group), score_tenths, &vector) {
        (Some(word), _, _) => (word.value, Some(word.source.clone())),
        (None, Some(tenths), Some(vector)) => {
            (Severity::of_score(f64::from(tenths) / 10.0), Some(vector.source.clone()))
        }
        _ => (Severity::Unknown, None),
    };
    Some(Entry {
        aliases: aliases.filter(|alias| *alias != id).cloned().collect(),
        severity,
        severity_source,
        vector,
        score_tenths,
        unfixed: deciding.iter().map(|row| row.unfixed).max().unwrap_or_default(),
        epss: ids.iter().filter_map(|id| tables.epss(id)).max_by_key(|epss| epss.score),
        is_exploited: ids.iter().any(|id| tables.is_exploited(id)),
        sources: group.iter().map(|row| row.source).collect(),
        id: id.clone(),
        intervals,
        versions: versions.into_iter().cloned().collect(),
    })
}

/// Names of which the first is the finding's: CVE, then GHSA, then others.
fn class(id: &str) -> u8 {
    if Cve::parse(id).is_some() {
        0
    } else if id.starts_with("GHSA-") {
        1
    } else {
        2
    }
}

/// Of equally ranked rows, those of reviewed databases first.
fn preference(row: &Row, source: &str) -> (u8, bool, u16) {
    (row.rank, source != "ghsa", row.source)
}

fn word<'r>(group: &[&'r Row]) -> Option<&'r Sourced<Severity>> {
    let words = group.iter().filter_map(|row| row.severity.as_ref().map(|word| (row, word)));
    words.min_by_key(|(row, word)| preference(row, &word.source)).map(|(_, word)| word)
}

/// A row's own vector, else the vulnerability's wherever it is known, else that of an advisory it is in.
fn vector(group: &[&Row], ids: &BTreeSet<&String>, tables: &Tables) -> Option<Sourced<String>> {
    let of_rows = |is_shared| {
        let vectors = group.iter().filter(|row| row.is_vector_shared == is_shared);
        let vectors = vectors.filter_map(|row| row.vector.as_ref().map(|vector| (row, vector)));
        vectors.min_by_key(|(row, vector)| preference(row, &vector.source)).map(|(_, vector)| vector.clone())
    };
    let known = || {
        let (vector, source) = ids.iter().find_map(|id| tables.vector(id))?;
        Some(Sourced { value: vector.to_owned(), source: source.to_owned() })
    };
    of_rows(false).or_else(known).or_else(|| of_rows(true))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::tables::Rank;
    use crate::interval::End;

    const VECTOR: &str = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H";

    fn row(ids: &[&str], fixed: &str) -> Row {
        let interval = Interval { introduced: None, end: End::Fixed(fixed.to_owned()) };
        Row {
            ids: ids.iter().map(|id| (*id).to_owned()).collect(),
            intervals: vec![interval],
            ..Row::default()
        }
    }

    fn names(entries: &[Entry]) -> Vec<(String, Vec<String>)> {
        entries.iter().map(|entry| (entry.id.clone(), entry.aliases.iter().cloned().collect())).collect()
    }

    #[test]
    fn names_are_the_same_over_others() {
        let rows = [
            row(&["RUSTSEC-1", "GHSA-y"], "2"),
            row(&["CVE-2024-9"], "1"),
            row(&["CVE-2024-7", "CVE-2024-10"], "1"),
            row(&["GHSA-y", "CVE-2024-8"], "3"),
        ];
        let entries = merge(&rows, &Tables::default());
        let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            names(&entries),
            [
                ("CVE-2024-7".to_owned(), own(&["CVE-2024-10"])),
                ("CVE-2024-8".to_owned(), own(&["GHSA-y", "RUSTSEC-1"])),
                ("CVE-2024-9".to_owned(), own(&[])),
            ]
        );
        assert_eq!(entries[1].intervals.len(), 2);
    }

    #[test]
    fn the_distribution_decides_what_is_affected() {
        let tracker = Row { unfixed: State::Postponed, ..row(&["CVE-2024-1"], "9") };
        let list = Row { rank: 30, source: 1, labels: vec!["DSA-1".to_owned()], ..row(&["CVE-2024-1"], "8") };
        let entries = merge(&[tracker.clone(), list.clone()], &Tables::default());
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].intervals, tracker.intervals);
        assert_eq!(entries[0].unfixed, State::Postponed);
        assert_eq!(entries[0].aliases.iter().collect::<Vec<_>>(), ["DSA-1"]);
        assert_eq!(entries[0].sources.iter().collect::<Vec<_>>(), [&0, &1]);
        let never = Row { intervals: Vec::new(), ..tracker };
        assert_eq!(merge(&[never, list], &Tables::default()), []);
    }

    #[test]
    fn a_severity_says_where_it_is_from() {
        let mut tables = Tables::default();
        assert!(tables.add_vector("CVE-2024-1", VECTOR, "nvd", Rank::Own));
        let plain = row(&["CVE-2024-1"], "9");
        let entries = merge(std::slice::from_ref(&plain), &tables);
        assert_eq!(
            (entries[0].severity, entries[0].severity_source.as_deref()),
            (Severity::Critical, Some("nvd"))
        );
        let word = Sourced { value: Severity::Negligible, source: "debian".to_owned() };
        let said = Row { severity: Some(word), ..plain.clone() };
        let entries = merge(&[said], &tables);
        assert_eq!(
            (entries[0].severity, entries[0].severity_source.as_deref()),
            (Severity::Negligible, Some("debian"))
        );
        assert_eq!(entries[0].vector.as_ref().map(|vector| vector.source.as_str()), Some("nvd"));
        let entries = merge(&[plain], &Tables::default());
        assert_eq!((entries[0].severity, entries[0].severity_source.as_deref()), (Severity::Unknown, None));
    }

    #[test]
    fn an_advisory_s_vector_is_the_last_resort() {
        let low = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:L";
        let vector = Sourced { value: low.to_owned(), source: "redhat".to_owned() };
        let shared = Row { vector: Some(vector), is_vector_shared: true, ..row(&["CVE-2024-1"], "9") };
        let own = Row { is_vector_shared: false, ..shared.clone() };
        let mut tables = Tables::default();
        assert_eq!(
            merge(std::slice::from_ref(&shared), &tables)[0].severity_source.as_deref(),
            Some("redhat")
        );
        assert!(tables.add_vector("CVE-2024-1", VECTOR, "nvd", Rank::Own));
        assert_eq!(merge(&[shared], &tables)[0].severity_source.as_deref(), Some("nvd"));
        assert_eq!(merge(&[own], &tables)[0].severity_source.as_deref(), Some("redhat"));
    }
}
