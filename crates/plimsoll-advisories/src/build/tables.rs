//! What is known of a vulnerability by its CVE identifier alone, whatever package it is in.

use std::collections::{HashMap, HashSet};

use crate::cve::Cve;
use crate::severity::{score_tenths, vector_version};

/// How much a source's word about a vulnerability is worth where several have one: the lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    /// From a source that exists to say just this.
    Own,
    /// From another's conversion of such a source.
    Converted,
    /// From a database whose records people review.
    Reviewed,
    /// From any other record about the vulnerability.
    Other,
    /// From a distribution's record of the vulnerability.
    Distribution,
    /// From an advisory about several vulnerabilities.
    Advisory,
}

/// EPSS in hundred-thousandths, which is how precisely it is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Epss {
    pub(crate) score: u32,
    pub(crate) percentile: u32,
}

#[derive(Debug)]
struct Vector {
    rank: Rank,
    version: u8,
    text: u32,
    source: &'static str,
}

/// The tables. They have a few hundred thousand entries; the same few thousand vectors are in them again and again.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    epss: HashMap<Cve, Epss>,
    exploited: HashSet<Cve>,
    vectors: HashMap<Cve, Vector>,
    texts: Vec<String>,
    known_texts: HashMap<String, u32>,
}

impl Tables {
    pub(crate) fn add_epss(&mut self, cve: &str, score: f64, percentile: f64) -> bool {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "they are between 0 and 1"
        )]
        let parts = |number: f64| (number * 100_000.0).round() as u32;
        let Some(cve) = Cve::parse(cve) else { return false };
        self.epss.insert(cve, Epss { score: parts(score), percentile: parts(percentile) });
        true
    }

    pub(crate) fn add_exploited(&mut self, cve: &str) -> bool {
        let Some(cve) = Cve::parse(cve) else { return false };
        self.exploited.insert(cve);
        true
    }

    /// Takes a vector where none of a better source, or a newer one of the same, is known; says whether it is one at all.
    pub(crate) fn add_vector(&mut self, cve: &str, vector: &str, source: &'static str, rank: Rank) -> bool {
        let Some(cve) = Cve::parse(cve) else { return false };
        if score_tenths(vector).is_none() {
            return false;
        }
        let version = vector_version(vector);
        let is_better = self
            .vectors
            .get(&cve)
            .is_none_or(|known| rank < known.rank || (rank == known.rank && version > known.version));
        if is_better {
            let text = self.text(vector);
            self.vectors.insert(cve, Vector { rank, version, text, source });
        }
        true
    }

    fn text(&mut self, vector: &str) -> u32 {
        if let Some(place) = self.known_texts.get(vector) {
            return *place;
        }
        let place = u32::try_from(self.texts.len()).expect("there are fewer vectors than vulnerabilities");
        self.texts.push(vector.to_owned());
        self.known_texts.insert(vector.to_owned(), place);
        place
    }

    pub(crate) fn epss(&self, cve: &str) -> Option<Epss> {
        self.epss.get(&Cve::parse(cve)?).copied()
    }

    pub(crate) fn is_exploited(&self, cve: &str) -> bool {
        Cve::parse(cve).is_some_and(|cve| self.exploited.contains(&cve))
    }

    /// The vector of a vulnerability and who says it.
    pub(crate) fn vector(&self, cve: &str) -> Option<(&str, &'static str)> {
        let vector = self.vectors.get(&Cve::parse(cve)?)?;
        Some((&self.texts[vector.text as usize], vector.source))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_source_gives_the_vector() {
        let old = "AV:N/AC:L/Au:N/C:C/I:C/A:C";
        let new = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H";
        let mut tables = Tables::default();
        assert!(tables.add_vector("CVE-2024-1", old, "ghsa", Rank::Reviewed));
        assert!(tables.add_vector("CVE-2024-1", new, "osv", Rank::Other));
        assert_eq!(tables.vector("CVE-2024-1"), Some((old, "ghsa")));
        assert!(tables.add_vector("CVE-2024-1", old, "nvd", Rank::Own));
        assert!(tables.add_vector("CVE-2024-1", new, "nvd", Rank::Own));
        assert!(tables.add_vector("CVE-2024-1", old, "nvd", Rank::Own));
        assert_eq!(tables.vector("CVE-2024-1"), Some((new, "nvd")));
        assert!(!tables.add_vector("GHSA-1", new, "nvd", Rank::Own));
        assert!(!tables.add_vector("CVE-2024-2", "9.8", "nvd", Rank::Own));
    }
}
