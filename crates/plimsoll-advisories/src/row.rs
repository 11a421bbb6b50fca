//! What one source says of one package and one vulnerability: the unit that is sorted and merged when a database is built.

use serde::Serialize;

use crate::codec::{Cursor, Malformed, put_length, put_optional, put_text, put_texts};
use crate::interval::Interval;
use crate::severity::Severity;

/// What is done about a vulnerability in a package.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// A newer version has the fix.
    Fixed,
    /// There is no fix yet.
    #[default]
    Affected,
    /// The distribution will not fix it, or not with a security update of its own.
    WillNotFix,
    /// The distribution will fix it some day, together with something else.
    Postponed,
    /// The package is no longer supported in this release.
    EndOfLife,
}

impl State {
    const ALL: [Self; 5] = [Self::Fixed, Self::Affected, Self::WillNotFix, Self::Postponed, Self::EndOfLife];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Affected => "affected",
            Self::WillNotFix => "will-not-fix",
            Self::Postponed => "postponed",
            Self::EndOfLife => "end-of-life",
        }
    }

    pub(crate) fn of_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|state| *state as u8 == code)
    }
}

/// A text and the source that it is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sourced<T> {
    pub(crate) value: T,
    pub(crate) source: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) ecosystem: String,
    /// As [`crate::ecosystem::normal_name`] spells it.
    pub(crate) name: String,
    /// Of several sources for one package of a distribution the lowest alone decides what is affected.
    pub(crate) rank: u8,
    /// Place in the list of sources.
    pub(crate) source: u16,
    /// Names of exactly this vulnerability.
    pub(crate) ids: Vec<String>,
    /// Advisories that carry it among others.
    pub(crate) labels: Vec<String>,
    /// The severity that the source gives in a word.
    pub(crate) severity: Option<Sourced<Severity>>,
    pub(crate) vector: Option<Sourced<String>>,
    /// The vector is of an advisory for several vulnerabilities, so one of this vulnerability alone is better.
    pub(crate) is_vector_shared: bool,
    /// What is done about it where no interval has a fix.
    pub(crate) unfixed: State,
    /// Neither intervals nor versions: the source says that no version is affected.
    pub(crate) intervals: Vec<Interval>,
    pub(crate) versions: Vec<String>,
}

impl Row {
    /// Writes the row so that rows in the order of their bytes have those of one package together.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.ecosystem.as_bytes());
        out.push(0);
        out.extend_from_slice(self.name.as_bytes());
        out.push(0);
        out.push(self.rank);
        out.extend_from_slice(&self.source.to_be_bytes());
        put_texts(out, self.ids.iter().map(String::as_str));
        put_texts(out, self.labels.iter().map(String::as_str));
        match &self.severity {
            None => out.push(u8::MAX),
            Some(severity) => {
                out.push(severity.value as u8);
                put_text(out, &severity.source);
            }
        }
        put_optional(out, self.vector.as_ref().map(|vector| vector.value.as_str()));
        if let Some(vector) = &self.vector {
            put_text(out, &vector.source);
        }
        out.push(u8::from(self.is_vector_shared));
        out.push(self.unfixed as u8);
        put_length(out, self.intervals.len());
        for interval in &self.intervals {
            interval.write(out);
        }
        put_texts(out, self.versions.iter().map(String::as_str));
    }

    /// Reads a row that was written by this process.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut parts = bytes.splitn(3, |byte| *byte == 0);
        let mut part = || parts.next().ok_or(Malformed);
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_owned()).map_err(|_| Malformed);
        let (ecosystem, name) = (text(part()?)?, text(part()?)?);
        let mut cursor = Cursor::new(part()?);
        let rank = cursor.byte()?;
        let source = u16::from_be_bytes([cursor.byte()?, cursor.byte()?]);
        let (ids, labels) = (cursor.owned_list()?, cursor.owned_list()?);
        let severity = match cursor.byte()? {
            u8::MAX => None,
            code => {
                Some(Sourced { value: Severity::of_code(code).ok_or(Malformed)?, source: cursor.owned()? })
            }
        };
        let vector = match cursor.optional()? {
            None => None,
            Some(value) => Some(Sourced { value, source: cursor.owned()? }),
        };
        let is_vector_shared = cursor.byte()? != 0;
        let unfixed = State::of_code(cursor.byte()?).ok_or(Malformed)?;
        let count = cursor.count()?;
        let intervals = (0..count).map(|_| Interval::read(&mut cursor)).collect::<Result<_, _>>()?;
        let versions = cursor.owned_list()?;
        Ok(Self {
            ecosystem,
            name,
            rank,
            source,
            ids,
            labels,
            severity,
            vector,
            is_vector_shared,
            unfixed,
            intervals,
            versions,
        })
    }
}

/// What is to be read about a vulnerability.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Details {
    /// One line.
    pub summary: String,
    /// Markdown, as the source has it: a stranger's text.
    pub text: String,
    /// Addresses, as the source has them.
    pub links: Vec<String>,
}

/// The longest text that is kept; what is behind it is cut off.
const LONGEST_TEXT: usize = 32 * 1024;
/// The longest summary that is kept.
const LONGEST_SUMMARY: usize = 512;
/// The most links that are kept.
const MOST_LINKS: usize = 40;
/// The longest link that is kept.
const LONGEST_LINK: usize = 1024;

impl Details {
    /// Within the limits of the database.
    pub(crate) fn limited(mut self) -> Self {
        cut(&mut self.summary, LONGEST_SUMMARY);
        cut(&mut self.text, LONGEST_TEXT);
        self.links.retain(|link| !link.is_empty() && link.len() <= LONGEST_LINK);
        self.links.truncate(MOST_LINKS);
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.summary.is_empty() && self.text.is_empty() && self.links.is_empty()
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        put_text(out, &self.summary);
        put_text(out, &self.text);
        put_texts(out, self.links.iter().map(String::as_str));
    }

    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, Malformed> {
        Ok(Self { summary: cursor.owned()?, text: cursor.owned()?, links: cursor.owned_list()? })
    }
}

fn cut(text: &mut String, longest: usize) {
    if text.len() > longest {
        let mut end = longest;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interval::End;

    #[test]
    fn a_row_is_read_as_it_was_written() {
        let row = Row {
            ecosystem: "Debian:12".to_owned(),
            name: "glibc".to_owned(),
            rank: 3,
            source: 258,
            ids: vec!["CVE-2024-1".to_owned()],
            labels: vec!["DSA-1".to_owned()],
            severity: Some(Sourced { value: Severity::High, source: "debian".to_owned() }),
            vector: Some(Sourced { value: "CVSS:3.1/AV:N".to_owned(), source: "nvd".to_owned() }),
            is_vector_shared: true,
            unfixed: State::Postponed,
            intervals: vec![
                Interval { introduced: None, end: End::Fixed("2".to_owned()) },
                Interval { introduced: Some("3".to_owned()), end: End::Open },
                Interval { introduced: None, end: End::Limit("4".to_owned()) },
                Interval { introduced: None, end: End::LastAffected("5".to_owned()) },
            ],
            versions: vec!["7".to_owned()],
        };
        let mut bytes = Vec::new();
        row.write(&mut bytes);
        assert_eq!(Row::read(&bytes), Ok(row));
        for length in 0..bytes.len() {
            assert_eq!(Row::read(&bytes[..length]), Err(Malformed), "{length}");
        }
    }

    #[test]
    fn long_texts_are_cut_between_letters() {
        let details =
            Details { summary: "ä".repeat(600), text: "x".repeat(LONGEST_TEXT + 1), links: Vec::new() };
        let limited = details.limited();
        assert_eq!((limited.summary.len(), limited.text.len()), (LONGEST_SUMMARY, LONGEST_TEXT));
    }
}
