//! The `RustSec` database: Markdown files that begin with TOML.
//!
//! It lists what is *not* affected, as Cargo's requirements; the affected ranges are what these leave.

use std::cmp::Ordering;
use std::path::Path;

use plimsoll_versions::{Ecosystem as Order, compare};
use serde::Deserialize;

use crate::build::{Rank, Sink};
use crate::cve::{Cve, is_cve};
use crate::error::BuildError;
use crate::interval::{End, Interval};
use crate::row::{Details, Row, Sourced};
use crate::severity::{Severity, score_tenths};
use crate::sources::input::{read_whole, visit};

/// The most bytes of one advisory.
const LONGEST_FILE: u64 = 4 << 20;
/// The most requirements of one advisory.
const MOST_REQUIREMENTS: usize = 200;

#[derive(Deserialize)]
struct Head {
    advisory: Advisory,
    versions: Option<Versions>,
}

#[derive(Deserialize)]
struct Advisory {
    id: String,
    package: String,
    #[serde(default)]
    collection: Option<String>,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    references: Vec<String>,
    #[serde(default)]
    cvss: Option<String>,
    #[serde(default)]
    informational: Option<String>,
    #[serde(default)]
    withdrawn: Option<toml::Value>,
}

#[derive(Default, Deserialize)]
struct Versions {
    #[serde(default)]
    patched: Vec<String>,
    #[serde(default)]
    unaffected: Vec<String>,
}

pub(crate) fn read(path: &Path, sink: &mut Sink<'_>) -> Result<(), BuildError> {
    visit(path, &mut |entry| {
        let content =
            read_whole(entry.content, LONGEST_FILE).map_err(|source| BuildError::read(path, source))?;
        let Some(content) = content else {
            sink.skip(entry.name, format_args!("it is larger than {} MiB", LONGEST_FILE >> 20));
            return Ok(());
        };
        let text = String::from_utf8_lossy(&content);
        let Some((head, body)) = split(&text).filter(|_| entry.form() == "md") else {
            sink.ignore_file();
            return Ok(());
        };
        match toml::from_str::<Head>(head) {
            Ok(head) => add(sink, entry.name, &head, body),
            Err(error) => {
                sink.skip(entry.name, error.message());
                Ok(())
            }
        }
    })
}

/// The TOML between fences, and the Markdown behind it.
fn split(text: &str) -> Option<(&str, &str)> {
    let rest = text.trim_start().strip_prefix("```toml")?;
    rest.split_once("\n```")
}

fn add(sink: &mut Sink<'_>, name: &str, head: &Head, body: &str) -> Result<(), BuildError> {
    sink.count_record();
    let advisory = &head.advisory;
    if advisory.withdrawn.is_some() {
        sink.count_withdrawn();
        return Ok(());
    }
    if advisory.collection.as_deref().is_some_and(|collection| collection != "crates") {
        sink.skip(name, "it is about the toolchain, not about a crate");
        return Ok(());
    }
    let versions = head.versions.as_ref();
    let intervals = match versions.map(affected) {
        Some(Ok(intervals)) => intervals,
        Some(Err(reason)) => {
            sink.skip(name, reason);
            return Ok(());
        }
        None => {
            sink.skip(name, "it says no versions");
            return Ok(());
        }
    };
    let mut ids = vec![advisory.id.clone()];
    ids.extend(advisory.aliases.iter().filter(|alias| **alias != advisory.id).cloned());
    let cves: Vec<&String> = ids.iter().filter(|id| is_cve(id)).collect();
    let vector = advisory.cvss.as_ref().filter(|vector| score_tenths(vector).is_some());
    if let ([cve], Some(vector)) = (cves.as_slice(), vector) {
        sink.vector(cve, vector, "rustsec", Rank::Other);
    }
    let (title, text) = title(body);
    let links = advisory.url.iter().chain(&advisory.references).cloned().collect();
    let details = Details { summary: title.to_owned(), text: text.to_owned(), links };
    let id = cves.into_iter().min_by_key(|cve| Cve::parse(cve)).unwrap_or(&advisory.id);
    sink.details(id, Rank::Other, &details)?;
    let is_remark = matches!(advisory.informational.as_deref(), Some("unmaintained" | "notice"));
    let sourced = |value| Sourced { value, source: "rustsec".to_owned() };
    sink.row(Row {
        ecosystem: "crates.io".to_owned(),
        name: advisory.package.clone(),
        severity: is_remark.then(|| sourced(Severity::Negligible)),
        vector: vector.map(|vector| Sourced { value: vector.clone(), source: "rustsec".to_owned() }),
        intervals,
        ids,
        ..Row::default()
    })
}

/// The heading that Markdown begins with, and what is below it.
fn title(body: &str) -> (&str, &str) {
    let body = body.trim();
    let (first, rest) = body.split_once('\n').unwrap_or((body, ""));
    first.strip_prefix("# ").map_or(("", body), |title| (title.trim(), rest.trim()))
}

/// Versions that are safe: from `from` on, before `to`; nothing where there is no bound.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Safe {
    from: Option<String>,
    to: Option<String>,
}

/// What patched and unaffected versions leave.
fn affected(versions: &Versions) -> Result<Vec<Interval>, String> {
    let requirements = versions.patched.iter().chain(&versions.unaffected);
    let mut safe = requirements.map(|requirement| self::safe(requirement)).collect::<Result<Vec<_>, _>>()?;
    if safe.len() > MOST_REQUIREMENTS {
        return Err(format!("it has {} requirements, more than {MOST_REQUIREMENTS}", safe.len()));
    }
    safe.sort_by(|left, right| match (&left.from, &right.from) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Less,
        (Some(_), None) => Ordering::Greater,
        (Some(left), Some(right)) => order(left, right),
    });
    let mut intervals = Vec::new();
    // Where the next affected version may be: the beginning, behind a safe range, or nowhere.
    let mut next: Option<Option<String>> = Some(None);
    for range in safe {
        let Some(introduced) = next.take() else { break };
        let is_gap = match (&introduced, &range.from) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(introduced), Some(from)) => order(introduced, from).is_lt(),
        };
        let reaches_further = match (&introduced, &range.to) {
            (_, None) | (None, _) => true,
            (Some(introduced), Some(to)) => order(introduced, to).is_lt(),
        };
        if is_gap && let Some(from) = range.from {
            intervals.push(Interval { introduced: introduced.clone(), end: End::Fixed(from) });
        }
        next = if reaches_further { range.to.map(Some) } else { Some(introduced) };
    }
    if let Some(introduced) = next {
        intervals.push(Interval { introduced, end: End::Open });
    }
    Ok(intervals)
}

fn order(left: &str, right: &str) -> Ordering {
    compare(Order::Semver, left, right).unwrap_or(Ordering::Equal)
}

/// The range of one requirement: comparisons with commas between, all of which must hold.
fn safe(requirement: &str) -> Result<Safe, String> {
    let mut safe = Safe::default();
    for comparison in requirement.split(',').map(str::trim).filter(|comparison| !comparison.is_empty()) {
        let Safe { from, to } =
            bounds(comparison).ok_or_else(|| format!("`{requirement}` is no requirement"))?;
        if let Some(from) = from
            && safe.from.as_ref().is_none_or(|known| order(known, &from).is_lt())
        {
            safe.from = Some(from);
        }
        if let Some(to) = to
            && safe.to.as_ref().is_none_or(|known| order(&to, known).is_lt())
        {
            safe.to = Some(to);
        }
    }
    Ok(safe)
}

fn bounds(comparison: &str) -> Option<Safe> {
    let operator_end = comparison.find(|letter: char| letter.is_ascii_digit() || letter == '*')?;
    let (operator, version) = comparison.split_at(operator_end);
    let version = version.trim();
    if version == "*" {
        return Some(Safe::default());
    }
    let numbers = numbers(version)?;
    let full = |text: &str| Some(text.to_owned());
    Some(match operator.trim() {
        ">=" => Safe { from: full(version), to: None },
        ">" => Safe { from: Some(just_behind(&numbers, version)), to: None },
        "<" => Safe { from: None, to: full(version) },
        "<=" => Safe { from: None, to: Some(just_behind(&numbers, version)) },
        "=" => Safe { from: full(version), to: Some(just_behind(&numbers, version)) },
        // Up to the next number left of which all are zero.
        "^" | "" => {
            let significant = numbers.iter().position(|number| *number != 0).unwrap_or(numbers.len() - 1);
            Safe { from: full(version), to: Some(raised(&numbers, significant)) }
        }
        "~" => Safe { from: full(version), to: Some(raised(&numbers, (numbers.len() - 1).min(1))) },
        _ => return None,
    })
}

/// The numbers of a version, without pre-release and build.
fn numbers(version: &str) -> Option<Vec<u64>> {
    let numbers = version.split(['-', '+']).next()?.split('.');
    let numbers: Vec<u64> =
        numbers.filter(|number| *number != "*").map(|number| number.parse().ok()).collect::<Option<_>>()?;
    (!numbers.is_empty() && numbers.len() <= 3).then_some(numbers)
}

/// The lowest version above a version: `-0` is the lowest pre-release there is.
fn just_behind(numbers: &[u64], version: &str) -> String {
    if version.contains('-') {
        return format!("{version}.0");
    }
    raised(numbers, numbers.len() - 1)
}

/// The version with one number raised and those behind it zero; before all of its own pre-releases.
fn raised(numbers: &[u64], place: usize) -> String {
    let number = |at: usize| match at.cmp(&place) {
        Ordering::Less => numbers[at],
        Ordering::Equal => numbers[at].saturating_add(1),
        Ordering::Greater => 0,
    };
    format!("{}.{}.{}-0", number(0), number(1), number(2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interval::{Installed, Verdict};

    fn judge(patched: &[&str], unaffected: &[&str], version: &str) -> Verdict {
        let own = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        let versions = Versions { patched: own(patched), unaffected: own(unaffected) };
        let intervals = affected(&versions).expect("the requirements are good");
        Installed::new(Order::Semver, version).judge::<String>(&intervals, &[])
    }

    fn fixed(version: &str) -> Verdict {
        Verdict::Affected { fixed: Some(version.to_owned()) }
    }

    #[test]
    fn what_is_neither_patched_nor_unaffected_is_affected() {
        let (patched, unaffected) = ([">= 1.2.5, < 1.3.0", ">=1.3.2", "^0.4.7"], ["< 0.2.0"]);
        for (version, verdict) in [
            ("0.1.9", Verdict::NotAffected),
            ("0.2.0", fixed("0.4.7")),
            ("0.4.6", fixed("0.4.7")),
            ("0.4.7", Verdict::NotAffected),
            ("0.4.99", Verdict::NotAffected),
            ("0.5.0", fixed("1.2.5")),
            ("1.2.5", Verdict::NotAffected),
            ("1.3.0", fixed("1.3.2")),
            ("1.3.2", Verdict::NotAffected),
            ("9.0.0", Verdict::NotAffected),
        ] {
            assert_eq!(judge(&patched, &unaffected, version), verdict, "{version}");
        }
    }

    #[test]
    fn without_a_patch_every_version_is_affected() {
        assert_eq!(judge(&[], &[], "7.0.0"), Verdict::Affected { fixed: None });
        assert_eq!(judge(&[], &["<2"], "7.0.0"), Verdict::Affected { fixed: None });
        assert_eq!(judge(&["*"], &[], "7.0.0"), Verdict::NotAffected);
    }

    #[test]
    fn bounds_take_in_or_leave_out_their_version() {
        assert_eq!(judge(&["> 1.0.0"], &[], "1.0.0"), fixed("1.0.1-0"));
        assert_eq!(judge(&["> 1.0.0"], &[], "1.0.1"), Verdict::NotAffected);
        assert_eq!(judge(&[], &["<= 1.0.0"], "1.0.0"), Verdict::NotAffected);
        assert_eq!(judge(&[], &["<= 1.0.0"], "1.0.1-alpha"), Verdict::Affected { fixed: None });
        assert_eq!(judge(&["= 1.0.3"], &[], "1.0.3"), Verdict::NotAffected);
        assert_eq!(judge(&["= 1.0.3"], &[], "1.0.4"), Verdict::Affected { fixed: None });
        assert_eq!(judge(&["~1.2.3"], &[], "1.2.9"), Verdict::NotAffected);
        assert_eq!(judge(&["~1.2.3"], &[], "1.3.0"), Verdict::Affected { fixed: None });
        assert_eq!(judge(&["0.0.3"], &[], "0.0.4"), Verdict::Affected { fixed: None });
        assert_eq!(judge(&["> 1.0.0-rc.1"], &[], "1.0.0-rc.1"), fixed("1.0.0-rc.1.0"));
    }

    #[test]
    fn what_is_no_requirement_is_refused() {
        for requirement in ["x", ">= a", "!1.0", ">= 1.2.3.4", ">= 99999999999999999999999"] {
            assert!(safe(requirement).is_err(), "{requirement}");
        }
    }
}
