//! Ranges of affected versions.
//!
//! OSV schema, "Evaluation": a range is a list of events; between `introduced` and the next `fixed`, `last_affected` or `limit` a version
//! is affected. Events become intervals once, when the database is built.

use std::cmp::Ordering;

use plimsoll_versions::{Ecosystem as Order, Version, compare};

use crate::codec::{Cursor, Malformed, put_optional, put_text};

/// The most events of one range. They are put in order by insertion, which bears any comparison, but takes squared time.
const MOST_EVENTS: usize = 2000;

/// The most fixes that are looked at for one answer.
const MOST_FIXES: usize = 64;

/// Where an interval ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End<T> {
    /// Never: there is no fix.
    Open,
    /// Before this version, which has the fix.
    Fixed(T),
    /// Behind this version, the last one known to be affected.
    LastAffected(T),
    /// Before this version, which is on another branch.
    Limit(T),
}

/// Versions that are affected: from `introduced`, which is affected itself, to an end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Interval<T = String> {
    /// Nothing: from the beginning.
    pub(crate) introduced: Option<T>,
    pub(crate) end: End<T>,
}

/// One entry of a range's timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Introduced(String),
    Fixed(String),
    LastAffected(String),
    Limit(String),
}

impl Event {
    fn version(&self) -> &str {
        match self {
            Self::Introduced(version)
            | Self::Fixed(version)
            | Self::LastAffected(version)
            | Self::Limit(version) => version,
        }
    }

    /// At one version the order of the source counts, except that what is affected there begins before it ends behind it.
    fn rank(&self) -> u8 {
        u8::from(matches!(self, Self::LastAffected(_)))
    }
}

/// Why events cannot become intervals.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum EventsError {
    #[error("a range has {count} events, more than {MOST_EVENTS}")]
    TooMany { count: usize },
    #[error("`{version}` is no version of `{order}`")]
    Version { version: String, order: Order },
}

impl Interval {
    /// The intervals of a range's events, whatever order those are in.
    ///
    /// A version that a language's own tool refuses is compared leniently later; one that a distribution's refuses makes an error,
    /// since it is a word instead of a version.
    pub(crate) fn of_events(order: Order, events: Vec<Event>) -> Result<Vec<Self>, EventsError> {
        if events.len() > MOST_EVENTS {
            return Err(EventsError::TooMany { count: events.len() });
        }
        let is_strict = matches!(order, Order::Apk | Order::Deb | Order::Rpm);
        let mut sorted: Vec<Event> = Vec::with_capacity(events.len());
        for event in events {
            let version = event.version();
            if is_strict && !is_unbounded(&event) && !is_version(order, version) {
                return Err(EventsError::Version { version: version.to_owned(), order });
            }
            let mut place = sorted.len();
            while place > 0 && is_before(order, &event, &sorted[place - 1]) {
                place -= 1;
            }
            sorted.insert(place, event);
        }
        let mut intervals = Vec::new();
        let mut opened: Option<Option<String>> = None;
        for event in sorted {
            let end = match event {
                Event::Introduced(version) => {
                    if opened.is_none() {
                        opened = Some(begin(&mut intervals, version));
                    }
                    continue;
                }
                Event::Limit(version) if version == "*" => continue,
                Event::Fixed(version) => End::Fixed(version),
                Event::LastAffected(version) => End::LastAffected(version),
                Event::Limit(version) => End::Limit(version),
            };
            if let Some(introduced) = opened.take() {
                intervals.push(Self { introduced, end });
            }
        }
        if let Some(introduced) = opened {
            intervals.push(Self { introduced, end: End::Open });
        }
        Ok(intervals)
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        put_optional(out, self.introduced.as_deref());
        match &self.end {
            End::Open => out.push(0),
            End::Fixed(version) => {
                out.push(1);
                put_text(out, version);
            }
            End::LastAffected(version) => {
                out.push(2);
                put_text(out, version);
            }
            End::Limit(version) => {
                out.push(3);
                put_text(out, version);
            }
        }
    }

    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, Malformed> {
        let introduced = cursor.optional()?;
        let end = match cursor.byte()? {
            0 => End::Open,
            1 => End::Fixed(cursor.owned()?),
            2 => End::LastAffected(cursor.owned()?),
            3 => End::Limit(cursor.owned()?),
            _ => return Err(Malformed),
        };
        Ok(Self { introduced, end })
    }
}

/// Where an interval begins; one that ends just there is continued instead, since its fix is none.
fn begin(intervals: &mut Vec<Interval>, version: String) -> Option<String> {
    if let Some(last) = intervals.pop_if(|last| matches!(&last.end, End::Fixed(fixed) if *fixed == version)) {
        return last.introduced;
    }
    (version != "0").then_some(version)
}

/// Whether a distribution's tool takes a version, and it is no word between brackets.
fn is_version(order: Order, version: &str) -> bool {
    version.starts_with(|letter: char| letter.is_ascii_alphanumeric())
        && Version::parse(order, version).is_some()
}

fn is_unbounded(event: &Event) -> bool {
    matches!(event, Event::Introduced(version) if version == "0")
        || matches!(event, Event::Limit(version) if version == "*")
}

fn is_before(order: Order, left: &Event, right: &Event) -> bool {
    let by_version = match (is_unbounded(left), is_unbounded(right)) {
        (true, true) => Ordering::Equal,
        (true, false) => return matches!(left, Event::Introduced(_)),
        (false, true) => return matches!(right, Event::Limit(_)),
        (false, false) => order_of(order, left.version(), right.version()).unwrap_or(Ordering::Equal),
    };
    by_version.then_with(|| left.rank().cmp(&right.rank())).is_lt()
}

/// The order of two versions: the ecosystem's, or the lenient one where its tool refuses the advisory's.
fn order_of(order: Order, left: &str, right: &str) -> Option<Ordering> {
    compare(order, left, right).or_else(|| compare(Order::Semver, left, right))
}

/// An installed version that advisories are compared with.
#[derive(Debug)]
pub(crate) struct Installed<'a> {
    order: Order,
    text: &'a str,
    /// Nothing when the ecosystem's own tool refuses it.
    version: Option<Version<'a>>,
}

/// What a package's ranges say of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    NotAffected,
    Affected {
        /// The version that fixes it.
        fixed: Option<String>,
    },
    /// The ecosystem has no order for the installed version.
    NotComparable,
}

impl<'a> Installed<'a> {
    pub(crate) fn new(order: Order, text: &'a str) -> Self {
        Self { order, text, version: Version::parse(order, text) }
    }

    /// Compares with a version of an advisory.
    fn compare(&self, other: &str) -> Option<Ordering> {
        let version = self.version.as_ref()?;
        match Version::parse(self.order, other) {
            Some(other) => version.compare(&other),
            None => compare(Order::Semver, self.text, other),
        }
    }

    /// Whether the version lies in an interval; nothing when that cannot be said.
    fn is_in<T: AsRef<str>>(&self, interval: &Interval<T>) -> Option<bool> {
        if let Some(introduced) = &interval.introduced
            && self.compare(introduced.as_ref())?.is_lt()
        {
            return Some(false);
        }
        Some(match &interval.end {
            End::Open => true,
            End::Fixed(version) | End::Limit(version) => self.compare(version.as_ref())?.is_lt(),
            End::LastAffected(version) => self.compare(version.as_ref())?.is_le(),
        })
    }

    fn is_listed<T: AsRef<str>>(&self, versions: &[T]) -> bool {
        versions.iter().any(|listed| {
            listed.as_ref() == self.text || self.compare(listed.as_ref()) == Some(Ordering::Equal)
        })
    }

    /// What intervals and listed versions say of this version.
    pub(crate) fn judge<T: AsRef<str>>(&self, intervals: &[Interval<T>], versions: &[T]) -> Verdict {
        let mut fixes: Vec<&str> = Vec::new();
        let (mut is_affected, mut is_unclear) = (false, false);
        for interval in intervals {
            match self.is_in(interval) {
                Some(true) => {
                    is_affected = true;
                    if let End::Fixed(version) = &interval.end {
                        fixes.push(version.as_ref());
                    }
                }
                Some(false) => {}
                None => is_unclear = true,
            }
        }
        if is_affected || self.is_listed(versions) {
            return Verdict::Affected { fixed: self.fix(fixes, intervals).map(ToOwned::to_owned) };
        }
        if is_unclear { Verdict::NotComparable } else { Verdict::NotAffected }
    }

    /// The lowest fix that no other interval affects again: ranges of several sources overlap, and one may know that a fix
    /// was not complete.
    fn fix<'f, T: AsRef<str>>(&self, mut fixes: Vec<&'f str>, intervals: &[Interval<T>]) -> Option<&'f str> {
        fixes.truncate(MOST_FIXES);
        let mut highest: Option<&str> = None;
        let mut clear: Option<&str> = None;
        for fix in fixes {
            let is_higher = |than: &str| order_of(self.order, fix, than).is_some_and(Ordering::is_gt);
            if highest.is_none_or(is_higher) {
                highest = Some(fix);
            }
            if clear.is_none_or(|clear| !is_higher(clear) && clear != fix) {
                let fixed = Installed::new(self.order, fix);
                if !intervals.iter().take(MOST_EVENTS).any(|interval| fixed.is_in(interval) == Some(true)) {
                    clear = Some(fix);
                }
            }
        }
        clear.or(highest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(text: &str) -> Vec<Event> {
        text.split_whitespace()
            .map(|event| {
                let (kind, version) = event.split_once(':').expect("kind:version");
                let version = version.to_owned();
                match kind {
                    "introduced" => Event::Introduced(version),
                    "fixed" => Event::Fixed(version),
                    "last" => Event::LastAffected(version),
                    "limit" => Event::Limit(version),
                    _ => panic!("no kind {kind}"),
                }
            })
            .collect()
    }

    fn judge(order: Order, text: &str, version: &str) -> Verdict {
        let intervals = Interval::of_events(order, events(text)).expect("events are good");
        Installed::new(order, version).judge::<String>(&intervals, &[])
    }

    fn fixed(version: &str) -> Verdict {
        Verdict::Affected { fixed: Some(version.to_owned()) }
    }

    const UNFIXED: Verdict = Verdict::Affected { fixed: None };

    #[test]
    fn versions_lie_in_the_range_that_they_lie_in() {
        let range = "introduced:1.0.0 fixed:1.4.2 introduced:2.0.0 fixed:2.1.0";
        for (version, expected) in [
            ("0.9.9", Verdict::NotAffected),
            ("1.0.0-rc.1", Verdict::NotAffected),
            ("1.0.0", fixed("1.4.2")),
            ("1.4.2-beta", fixed("1.4.2")),
            ("1.4.2", Verdict::NotAffected),
            ("1.10.0", Verdict::NotAffected),
            ("2.0.5", fixed("2.1.0")),
            ("2.1.0", Verdict::NotAffected),
        ] {
            assert_eq!(judge(Order::Npm, range, version), expected, "{version}");
        }
    }

    #[test]
    fn events_need_no_order() {
        let range = "fixed:2.1.0 introduced:2.0.0 fixed:1.4.2 introduced:0";
        assert_eq!(judge(Order::Npm, range, "1.0.0"), fixed("1.4.2"));
        assert_eq!(judge(Order::Npm, range, "1.5.0"), Verdict::NotAffected);
        assert_eq!(judge(Order::Npm, range, "2.0.9"), fixed("2.1.0"));
    }

    #[test]
    fn ranges_may_meet_or_be_empty() {
        let range = "introduced:0 fixed:1.0.0 introduced:1.0.0 fixed:2.0.0";
        assert_eq!(judge(Order::Npm, range, "0.5.0"), fixed("2.0.0"));
        assert_eq!(judge(Order::Npm, range, "1.0.0"), fixed("2.0.0"));
        assert_eq!(judge(Order::Npm, range, "2.0.0"), Verdict::NotAffected);
        assert_eq!(judge(Order::Npm, "introduced:1.0.0 fixed:1.0.0", "1.0.0"), Verdict::NotAffected);
        assert_eq!(judge(Order::Npm, "introduced:1.0.0 fixed:1.0.0", "3.0.0"), Verdict::NotAffected);
    }

    #[test]
    fn last_affected_and_limit_end_ranges_without_a_fix() {
        assert_eq!(judge(Order::Pypi, "introduced:0 last:1.5", "1.5.0"), UNFIXED);
        assert_eq!(judge(Order::Pypi, "introduced:0 last:1.5", "1.5.post1"), Verdict::NotAffected);
        assert_eq!(judge(Order::Pypi, "introduced:1.5 last:1.5", "1.5"), UNFIXED);
        assert_eq!(judge(Order::Pypi, "introduced:0 limit:*", "99"), UNFIXED);
        assert_eq!(judge(Order::Pypi, "introduced:1 limit:2", "1.9"), UNFIXED);
        assert_eq!(judge(Order::Pypi, "introduced:1 limit:2", "2.0"), Verdict::NotAffected);
        assert_eq!(judge(Order::Pypi, "introduced:1", "2.0"), UNFIXED);
    }

    #[test]
    fn a_fix_that_another_source_calls_incomplete_is_passed_over() {
        let mut intervals =
            Interval::of_events(Order::Npm, events("introduced:0 fixed:1.2.3")).expect("good");
        intervals.extend(Interval::of_events(Order::Npm, events("introduced:0 fixed:1.2.4")).expect("good"));
        let verdict = Installed::new(Order::Npm, "1.0.0").judge::<String>(&intervals, &[]);
        assert_eq!(verdict, fixed("1.2.4"));
    }

    #[test]
    fn what_the_ecosystem_refuses_cannot_be_compared() {
        assert_eq!(judge(Order::Npm, "introduced:1.0.0 fixed:2.0.0", "latest"), Verdict::NotComparable);
        assert_eq!(judge(Order::Npm, "introduced:0", "latest"), UNFIXED);
        let listed = Installed::new(Order::Npm, "latest").judge(&[], &["latest".to_owned()]);
        assert_eq!(listed, UNFIXED);
    }

    #[test]
    fn versions_of_advisories_are_compared_leniently() {
        assert_eq!(judge(Order::Npm, "introduced:0 fixed:1.4", "1.3.9"), fixed("1.4"));
        assert_eq!(judge(Order::Npm, "introduced:0 fixed:1.4", "1.4.0"), Verdict::NotAffected);
        let refused = Interval::of_events(Order::Deb, events("introduced:0 fixed:<end-of-life>"));
        assert!(matches!(refused, Err(EventsError::Version { .. })));
    }

    #[test]
    fn listed_versions_count() {
        let listed = ["1.0".to_owned(), "1.2".to_owned()];
        assert_eq!(Installed::new(Order::Pypi, "1.0.0").judge(&[], &listed), UNFIXED);
        assert_eq!(Installed::new(Order::Pypi, "1.1").judge(&[], &listed), Verdict::NotAffected);
    }

    #[test]
    fn absurdly_long_ranges_are_refused() {
        let many = vec![Event::Introduced("1".to_owned()); MOST_EVENTS + 1];
        assert_eq!(
            Interval::of_events(Order::Semver, many),
            Err(EventsError::TooMany { count: MOST_EVENTS + 1 })
        );
    }
}
