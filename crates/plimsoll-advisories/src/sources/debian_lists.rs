//! Debian's lists of security advisories (`DSA/list`, `DLA/list`), in the tracker's text form:
//!
//! ```text
//! [29 Mar 2023] DSA-1234-1 package - security update
//!     {CVE-2023-0001 CVE-2023-0002}
//!     [bullseye] - package 1.2-3+deb11u1
//! ```
//!
//! In place of a version may stand `<not-affected>`, `<unfixed>` or `<end-of-life>`.

use std::io::BufRead;
use std::path::Path;

use crate::build::{Rank, Sink};
use crate::ecosystem::{debian_number, is_debian_release};
use crate::error::BuildError;
use crate::interval::{End, Event, Interval};
use crate::row::{Details, Row, State};
use crate::sources::input::{Entry, visit};

/// Below the tracker and above OSV's conversions of these lists.
const RANK: u8 = 30;
/// The longest line.
const LONGEST_LINE: u64 = 1 << 20;

/// The advisory that the lines below its head are of.
#[derive(Debug, Default)]
struct Advisory {
    id: String,
    title: String,
    vulnerabilities: Vec<String>,
}

pub(crate) fn read(path: &Path, sink: &mut Sink<'_>) -> Result<(), BuildError> {
    visit(path, &mut |entry| {
        if matches!(entry.form().as_str(), "" | "list" | "txt") {
            return read_list(path, entry, sink);
        }
        sink.ignore_file();
        Ok(())
    })
}

fn read_list(path: &Path, entry: &mut Entry<'_>, sink: &mut Sink<'_>) -> Result<(), BuildError> {
    let mut advisory = Advisory::default();
    let mut bytes = Vec::new();
    for number in 1_usize.. {
        bytes.clear();
        let mut limited = std::io::Read::take(&mut *entry.content, LONGEST_LINE);
        let length =
            limited.read_until(b'\n', &mut bytes).map_err(|source| BuildError::read(path, source))?;
        if length == 0 {
            break;
        }
        let line = String::from_utf8_lossy(&bytes);
        let text = line.trim();
        let place = || format!("{}:{number}", entry.name);
        if text.is_empty() || is_remark(text) {
            continue;
        }
        if line.starts_with('[') {
            describe(sink, &advisory)?;
            if let Some(next) = head(text) {
                sink.count_record();
                advisory = next;
            } else {
                sink.skip(place(), "it is no head of an advisory");
                advisory = Advisory::default();
            }
        } else if let Some(list) = text.strip_prefix('{') {
            let list = list.trim_end_matches('}');
            advisory.vulnerabilities = list.split_whitespace().map(ToOwned::to_owned).collect();
        } else if advisory.id.is_empty() {
            sink.skip(place(), "it belongs to no advisory");
        } else {
            match rows(&advisory, text) {
                Ok(rows) => rows.into_iter().try_for_each(|row| sink.row(row))?,
                Err(reason) => sink.skip(format_args!("{} ({})", place(), advisory.id), reason),
            }
        }
    }
    describe(sink, &advisory)
}

/// A comment, or a line that a word in capitals begins (`NOTE:`, `RESERVED`, `NOT-FOR-US:`).
fn is_remark(text: &str) -> bool {
    let mark = text.split_whitespace().next().unwrap_or_default().trim_end_matches(':');
    let is_capitals = |mark: &str| mark.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-');
    text.starts_with('#') || mark.starts_with(|first: char| first.is_ascii_uppercase()) && is_capitals(mark)
}

fn head(text: &str) -> Option<Advisory> {
    let (_, rest) = text.split_once(']')?;
    let (id, title) = rest.trim().split_once(char::is_whitespace)?;
    let is_id = ["DSA-", "DLA-", "DTSA-", "ELA-"].iter().any(|prefix| id.starts_with(prefix));
    is_id.then(|| Advisory {
        id: id.to_owned(),
        title: title.split_whitespace().collect::<Vec<_>>().join(" "),
        vulnerabilities: Vec::new(),
    })
}

/// What each vulnerability of an advisory is told where no other source does.
fn describe(sink: &mut Sink<'_>, advisory: &Advisory) -> Result<(), BuildError> {
    if advisory.id.is_empty() {
        return Ok(());
    }
    let details = Details { summary: advisory.title.clone(), ..Details::default() };
    ids(advisory).iter().try_for_each(|id| sink.details(id, Rank::Advisory, &details))
}

/// Old advisories name no vulnerability; they are one themselves.
fn ids(advisory: &Advisory) -> &[String] {
    if advisory.vulnerabilities.is_empty() {
        std::slice::from_ref(&advisory.id)
    } else {
        &advisory.vulnerabilities
    }
}

fn rows(advisory: &Advisory, text: &str) -> Result<Vec<Row>, String> {
    let malformed = || format!("`{text}` is not `[release] - package version`");
    let (release, rest) =
        text.strip_prefix('[').and_then(|rest| rest.split_once(']')).ok_or_else(malformed)?;
    let rest = rest.trim().strip_prefix('-').ok_or_else(malformed)?;
    let mut words = rest.split_whitespace();
    let (Some(package), Some(version)) = (words.next(), words.next()) else { return Err(malformed()) };
    if !is_debian_release(release) {
        return Err(format!("there is no Debian release `{release}`"));
    }
    let open = || vec![Interval { introduced: None, end: End::Open }];
    let (intervals, unfixed) = match version {
        "<not-affected>" => (Vec::new(), State::Affected),
        "<unfixed>" => (open(), State::Affected),
        "<end-of-life>" => (open(), State::EndOfLife),
        "<no-dsa>" | "<ignored>" => (open(), State::WillNotFix),
        "<postponed>" => (open(), State::Postponed),
        version => {
            let events = vec![Event::Introduced("0".to_owned()), Event::Fixed(version.to_owned())];
            let order = plimsoll_versions::Ecosystem::Deb;
            (Interval::of_events(order, events).map_err(|error| error.to_string())?, State::Affected)
        }
    };
    let row = |id: &String| Row {
        ecosystem: format!("Debian:{}", debian_number(release)),
        name: package.to_owned(),
        rank: RANK,
        ids: vec![id.clone()],
        labels: if *id == advisory.id { Vec::new() } else { vec![advisory.id.clone()] },
        unfixed,
        intervals: intervals.clone(),
        ..Row::default()
    };
    Ok(ids(advisory).iter().map(row).collect())
}
