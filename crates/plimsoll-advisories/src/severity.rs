//! How bad a vulnerability is: words of advisories and CVSS vectors as one scale.

use std::fmt;
use std::str::FromStr;

use cvss::Cvss;
use serde::Serialize;

/// The longest text that is tried as a CVSS vector; real ones stay below a third of it.
const LONGEST_VECTOR: usize = 512;

/// From the least to the most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nobody has said.
    #[default]
    Unknown,
    /// No security problem in practice: Debian's `unimportant`, informational advisories.
    Negligible,
    /// CVSS below 4.
    Low,
    /// CVSS from 4.
    Medium,
    /// CVSS from 7.
    High,
    /// CVSS from 9.
    Critical,
}

/// A word that is no severity.
#[derive(Debug, thiserror::Error)]
#[error("there is no severity `{word}`; there are critical, high, medium, low, negligible and unknown")]
pub struct UnknownSeverity {
    word: String,
}

impl Severity {
    /// All of them, from the most to the least.
    pub const ALL: [Self; 6] =
        [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Negligible, Self::Unknown];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::Negligible => "negligible",
            Self::Unknown => "unknown",
        }
    }

    /// The band of a CVSS score: CVSS 3.1, "Qualitative Severity Rating Scale". A score of zero has no impact at all.
    pub fn of_score(score: f64) -> Self {
        match score {
            9.0.. => Self::Critical,
            7.0.. => Self::High,
            4.0.. => Self::Medium,
            score if score > 0.0 => Self::Low,
            _ => Self::Negligible,
        }
    }

    /// What an advisory's word means; nothing for words that say nothing, as `untriaged` or `not yet assigned`.
    pub(crate) fn of_word(word: &str) -> Option<Self> {
        Some(match word.trim().trim_end_matches('*').to_ascii_lowercase().as_str() {
            "critical" => Self::Critical,
            "high" | "important" => Self::High,
            "medium" | "moderate" => Self::Medium,
            "low" => Self::Low,
            "negligible" | "unimportant" | "none" => Self::Negligible,
            _ => return None,
        })
    }

    pub(crate) fn of_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| *severity as u8 == code)
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for Severity {
    type Err = UnknownSeverity;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|severity| severity.as_str().eq_ignore_ascii_case(word))
            .ok_or_else(|| UnknownSeverity { word: word.to_owned() })
    }
}

/// The score of a CVSS vector of version 2, 3 or 4, in tenths; nothing when it is none.
pub fn score_tenths(vector: &str) -> Option<u8> {
    let vector = vector.trim().trim_start_matches('(').trim_end_matches(')');
    if vector.len() > LONGEST_VECTOR {
        return None;
    }
    let score = vector.parse::<Cvss>().ok()?.score();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 0 and 100")]
    (0.0..=10.0).contains(&score).then(|| (score * 10.0).round() as u8)
}

/// Which version of CVSS a vector is of; the newest says most.
pub(crate) fn vector_version(vector: &str) -> u8 {
    match vector.get(..8) {
        Some("CVSS:4.0") => 4,
        Some("CVSS:3.1" | "CVSS:3.0") => 3,
        _ => 2,
    }
}

/// Of several vectors the one of the newest version that can be scored.
pub(crate) fn best_vector<'a>(vectors: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let scored = vectors.filter(|vector| score_tenths(vector).is_some());
    // The first of equals, so that the order of the source decides.
    scored.fold(None, |best, vector| match best {
        Some(best) if vector_version(best) >= vector_version(vector) => Some(best),
        _ => Some(vector),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn vectors_of_each_version_have_the_score_of_their_calculator() {
        for (vector, tenths) in [
            ("AV:N/AC:L/Au:N/C:C/I:C/A:C", 100),
            ("AV:L/AC:M/Au:N/C:N/I:P/A:C", 54),
            ("(AV:N/AC:L/Au:N/C:N/I:N/A:C)", 78),
            ("CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 98),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 100),
            ("CVSS:3.1/AV:N/AC:L/PR:H/UI:N/S:U/C:N/I:H/A:H", 65),
            ("CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:N/I:N/A:N", 0),
            ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 93),
            ("CVSS:4.0/AV:N/AC:L/AT:N/PR:H/UI:N/VC:L/VI:L/VA:N/SC:N/SI:N/SA:N", 51),
        ] {
            assert_eq!(score_tenths(vector), Some(tenths), "{vector}");
        }
        for refused in ["", "9.8", "CVSS:3.1", "CVSS:5.0/AV:N", "CVSS:3.1/AV:X/AC:L", "AV:N"] {
            assert_eq!(score_tenths(refused), None, "{refused}");
        }
    }

    #[test]
    fn scores_fall_into_the_bands_of_the_specification() {
        for (score, severity) in [
            (10.0, Severity::Critical),
            (9.0, Severity::Critical),
            (8.9, Severity::High),
            (7.0, Severity::High),
            (6.9, Severity::Medium),
            (4.0, Severity::Medium),
            (3.9, Severity::Low),
            (0.1, Severity::Low),
            (0.0, Severity::Negligible),
        ] {
            assert_eq!(Severity::of_score(score), severity, "{score}");
        }
    }

    #[test]
    fn words_of_all_sources_are_known() {
        for (word, severity) in [
            ("MODERATE", Some(Severity::Medium)),
            ("Important", Some(Severity::High)),
            ("low**", Some(Severity::Low)),
            ("unimportant", Some(Severity::Negligible)),
            ("not yet assigned", None),
            ("untriaged", None),
            ("end-of-life", None),
        ] {
            assert_eq!(Severity::of_word(word), severity, "{word}");
        }
    }

    #[test]
    fn the_newest_version_is_preferred() {
        let old = "AV:N/AC:L/Au:N/C:C/I:C/A:C";
        let new = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H";
        assert_eq!(best_vector([old, new].into_iter()), Some(new));
        assert_eq!(best_vector([new, old].into_iter()), Some(new));
        assert_eq!(best_vector(["CVSS:4.0/nonsense", old].into_iter()), Some(old));
        assert_eq!(best_vector(std::iter::empty()), None);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(CVSS:[0-9.]{1,4}/)?([A-Za-z]{1,3}:[A-Za-z]{1,2}/?){0,14}") {
            let _score = score_tenths(&text);
        }
    }
}
