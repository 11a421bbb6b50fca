//! Package indexes in memory: the fields that resolving needs, in one text with ranges into it.
//!
//! A whole index of Debian is 50 to 60 MB of text in some 64,000 stanzas; half of it is descriptions and tags,
//! which are never stored. What is left is found by sorted lists of 12-byte entries instead of maps of owned
//! strings.

use std::io::BufRead;

use super::relation;
use super::version;

/// The fields that are kept, in the order of [`Field`].
const KEPT: [&str; 14] = [
    "Package",
    "Version",
    "Architecture",
    "Essential",
    "Priority",
    "Source",
    "Pre-Depends",
    "Depends",
    "Provides",
    "Conflicts",
    "Breaks",
    "Filename",
    "Size",
    "SHA256",
];

/// A kept field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Package,
    Version,
    Architecture,
    Essential,
    Priority,
    Source,
    PreDepends,
    Depends,
    Provides,
    Conflicts,
    Breaks,
    Filename,
    Size,
    Sha256,
}

#[derive(Debug, Clone, Copy, Default)]
struct Span {
    start: u32,
    length: u32,
}

#[derive(Debug, Clone)]
struct Record {
    fields: [Span; KEPT.len()],
    archive: u16,
}

/// A package in the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct PackageId(u32);

/// Why an index could not be read.
#[derive(Debug)]
pub(crate) enum IndexError {
    Read(std::io::Error),
    Malformed(&'static str),
}

/// The packages of all archives.
#[derive(Debug, Default)]
pub(crate) struct PackageIndex {
    text: String,
    records: Vec<Record>,
    /// Sorted by name, then by version from new to old, then by archive.
    by_name: Vec<PackageId>,
    /// Provided names with their providers, sorted by name.
    provided: Vec<(Span, PackageId)>,
}

impl PackageIndex {
    /// Adds the stanzas of one index; [`PackageIndex::finish`] makes them findable.
    pub(crate) fn read(&mut self, archive: u16, mut input: impl BufRead) -> Result<(), IndexError> {
        let mut line = String::new();
        let mut record = Record { fields: [Span::default(); KEPT.len()], archive };
        let mut current: Option<usize> = None;
        loop {
            line.clear();
            // Names of maintainers are not always UTF-8 in old archives; the kept fields are ASCII.
            let length = read_line(&mut input, &mut line).map_err(IndexError::Read)?;
            let text = line.trim_end_matches(['\n', '\r']);
            if length == 0 || text.is_empty() {
                if record.fields[Field::Package as usize].length > 0 {
                    self.push(&record)?;
                }
                record.fields = [Span::default(); KEPT.len()];
                current = None;
                if length == 0 {
                    return Ok(());
                }
            } else if text.starts_with([' ', '\t']) {
                if let Some(field) = current {
                    self.text.push_str(text);
                    record.fields[field].length += u32::try_from(text.len()).unwrap_or(u32::MAX);
                }
            } else {
                let (name, value) =
                    text.split_once(':').ok_or(IndexError::Malformed("a line is no field"))?;
                current = KEPT.iter().position(|kept| kept.eq_ignore_ascii_case(name));
                if let Some(field) = current {
                    record.fields[field] = self.store(value.trim())?;
                }
            }
        }
    }

    fn store(&mut self, value: &str) -> Result<Span, IndexError> {
        let too_large = |_| IndexError::Malformed("more than 4 GiB of text");
        let span = Span {
            start: u32::try_from(self.text.len()).map_err(too_large)?,
            length: u32::try_from(value.len()).map_err(too_large)?,
        };
        self.text.push_str(value);
        Ok(span)
    }

    fn push(&mut self, record: &Record) -> Result<(), IndexError> {
        for field in [Field::Version, Field::Architecture, Field::Filename, Field::Size, Field::Sha256] {
            if record.fields[field as usize].length == 0 {
                return Err(IndexError::Malformed(
                    "a package lacks its version, architecture, file name, size or SHA256",
                ));
            }
        }
        self.records.push(record.clone());
        Ok(())
    }

    /// Sorts what was read.
    pub(crate) fn finish(&mut self) {
        let count =
            u32::try_from(self.records.len()).expect("fewer records than bytes of text, and that fits");
        let mut by_name: Vec<PackageId> = (0..count).map(PackageId).collect();
        by_name.sort_by(|left, right| {
            let newest = || version::compare(self.version(*right), self.version(*left));
            self.name(*left)
                .cmp(self.name(*right))
                .then_with(newest)
                .then_with(|| self.archive(*left).cmp(&self.archive(*right)))
                .then(left.cmp(right))
        });
        self.by_name = by_name;
        let mut provided = Vec::new();
        for id in (0..count).map(PackageId) {
            let field = self.field(id, Field::Provides);
            for relation in relation::clauses(field).filter_map(relation::parse) {
                // The name is a part of the stored text, so its place follows from the addresses.
                let start = relation.name.as_ptr().addr() - self.text.as_ptr().addr();
                let span = Span {
                    start: u32::try_from(start).expect("within the text"),
                    length: u32::try_from(relation.name.len()).expect("within the text"),
                };
                provided.push((span, id));
            }
        }
        provided.sort_by(|(left, left_id), (right, right_id)| {
            self.slice(*left).cmp(self.slice(*right)).then(left_id.cmp(right_id))
        });
        self.provided = provided;
    }

    fn slice(&self, span: Span) -> &str {
        &self.text[span.start as usize..(span.start + span.length) as usize]
    }

    /// A field's value, empty if absent.
    pub(crate) fn field(&self, id: PackageId, field: Field) -> &str {
        self.slice(self.records[id.0 as usize].fields[field as usize])
    }

    pub(crate) fn name(&self, id: PackageId) -> &str {
        self.field(id, Field::Package)
    }

    pub(crate) fn version(&self, id: PackageId) -> &str {
        self.field(id, Field::Version)
    }

    /// The number given to [`PackageIndex::read`].
    pub(crate) fn archive(&self, id: PackageId) -> u16 {
        self.records[id.0 as usize].archive
    }

    pub(crate) fn is_essential(&self, id: PackageId) -> bool {
        self.field(id, Field::Essential) == "yes"
    }

    /// The name of the source package.
    pub(crate) fn source(&self, id: PackageId) -> &str {
        let source = self.field(id, Field::Source);
        let name = source.split_once(' ').map_or(source, |(name, _)| name);
        if name.is_empty() { self.name(id) } else { name }
    }

    /// The versions of a package, newest first.
    pub(crate) fn versions(&self, name: &str) -> &[PackageId] {
        let start = self.by_name.partition_point(|id| self.name(*id) < name);
        let count = self.by_name[start..].partition_point(|id| self.name(*id) == name);
        &self.by_name[start..start + count]
    }

    /// The newest version of a package.
    pub(crate) fn newest(&self, name: &str) -> Option<PackageId> {
        self.versions(name).first().copied()
    }

    /// The packages that provide `name`, each with the version that it provides; only their newest versions.
    pub(crate) fn providers<'a>(&'a self, name: &str) -> impl Iterator<Item = (PackageId, Option<&'a str>)> {
        let start = self.provided.partition_point(|(span, _)| self.slice(*span) < name);
        let count = self.provided[start..].partition_point(|(span, _)| self.slice(*span) == name);
        self.provided[start..start + count].iter().filter_map(|(span, id)| {
            // One package may provide a name in several versions; the span tells which entry this is.
            let field = self.field(*id, Field::Provides);
            let own = self.slice(*span).as_ptr();
            let relation = relation::clauses(field)
                .filter_map(relation::parse)
                .find(|relation| relation.name.as_ptr() == own)?;
            let newest = self.newest(self.name(*id)) == Some(*id);
            newest.then(|| (*id, relation.constraint.map(|constraint| constraint.version)))
        })
    }

    /// The newest version of every package, by name.
    pub(crate) fn all_newest(&self) -> impl Iterator<Item = PackageId> + '_ {
        self.by_name
            .iter()
            .enumerate()
            .filter(|(place, id)| *place == 0 || self.name(self.by_name[place - 1]) != self.name(**id))
            .map(|(_, id)| *id)
    }
}

fn read_line(input: &mut impl BufRead, line: &mut String) -> std::io::Result<usize> {
    let mut bytes = std::mem::take(line).into_bytes();
    let length = input.read_until(b'\n', &mut bytes)?;
    *line = String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    Ok(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(texts: &[&str]) -> PackageIndex {
        let mut index = PackageIndex::default();
        for (place, text) in texts.iter().enumerate() {
            index.read(u16::try_from(place).unwrap(), text.as_bytes()).unwrap();
        }
        index.finish();
        index
    }

    fn stanza(name: &str, version: &str, more: &str) -> String {
        format!(
            "Package: {name}\nVersion: {version}\nArchitecture: all\nFilename: f\nSize: 1\nSHA256: x\n{more}\n"
        )
    }

    #[test]
    fn newest_version_wins_over_the_order_of_archives() {
        let (old, new) = (stanza("a", "1.9", ""), stanza("a", "1.10", "Description: x\n y\n"));
        let index = index(&[&new, &old, &new]);
        assert_eq!(index.versions("a").len(), 3);
        let newest = index.newest("a").unwrap();
        assert_eq!((index.version(newest), index.archive(newest)), ("1.10", 0));
        assert_eq!(index.newest("b"), None);
        assert_eq!(index.all_newest().count(), 1);
    }

    #[test]
    fn provided_names_are_found_with_their_versions() {
        let text = stanza("a", "1", "Provides: v (= 2), w,\n v (= 3)\nSource: s (1)\n");
        let index = index(&[&text]);
        let versions: Vec<Option<&str>> = index.providers("v").map(|(_, version)| version).collect();
        assert_eq!(versions, [Some("2"), Some("3")]);
        assert_eq!(index.providers("w").count(), 1);
        assert_eq!(index.source(index.newest("a").unwrap()), "s");
    }

    #[test]
    fn a_package_without_a_digest_is_refused() {
        let mut index = PackageIndex::default();
        let error = index.read(0, "Package: a\nVersion: 1\n\n".as_bytes()).unwrap_err();
        assert!(matches!(error, IndexError::Malformed(_)));
    }
}
