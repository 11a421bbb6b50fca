//! Writing the sections of a database while rows come in their order.
//!
//! Each section grows in a temporary file of its own, since none knows where it will begin before all in front of it are complete.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, BufWriter, Seek as _, Write};
use std::path::Path;

use tempfile::SpooledTempFile;

use crate::build::DetailsTo;
use crate::build::merge::{Entry, merge};
use crate::build::sorter::Sorted;
use crate::build::tables::Tables;
use crate::codec::{Cursor, put_length, put_number, put_text};
use crate::database::format::{
    DETAILS_BLOCK, FORMAT, HEADER_SIZE, Header, KEY_BLOCK, LONGEST_STRING, MOST_HELD, Posting, Reference,
    Section, SourceEntry, Span, StoredInterval,
};
use crate::error::BuildError;
use crate::interval::{End, Interval};
use crate::row::{Details, Row};

/// A section stays in memory up to this size.
const IN_MEMORY: usize = 1 << 20;
/// So many texts are remembered to be written only once. When there are more, all are forgotten: some are then written twice, and memory
/// stays bounded.
const MOST_REMEMBERED: usize = 1 << 20;
/// How hard zstd tries on details: beyond it the size hardly falls.
const COMPRESSION: i32 = 9;

/// A section that grows.
struct Part {
    file: BufWriter<SpooledTempFile>,
    length: u64,
}

impl Part {
    fn new(directory: &Path) -> Self {
        let spooled = tempfile::spooled_tempfile_in(IN_MEMORY, directory);
        Self { file: BufWriter::with_capacity(1 << 16, spooled), length: 0 }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), BuildError> {
        self.length += bytes.len() as u64;
        self.file.write_all(bytes).map_err(BuildError::Write)
    }

    fn copy_to(self, out: &mut dyn Write) -> io::Result<()> {
        let mut file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        io::copy(&mut file, out).map(|_| ())
    }
}

/// Texts, each written once as long as it is remembered.
struct Strings {
    part: Part,
    known: HashMap<(u64, u64), Reference>,
    buffer: Vec<u8>,
}

impl Strings {
    fn add(&mut self, text: &str) -> Result<Reference, BuildError> {
        if text.len() as u64 > LONGEST_STRING {
            return Err(BuildError::TooLarge);
        }
        // Two hashes stand for the text, which is not kept: a million of them would take most of the memory of a build.
        let hash = |seed: u8| {
            let mut hasher = DefaultHasher::new();
            (seed, text).hash(&mut hasher);
            hasher.finish()
        };
        let key = (hash(0), hash(1));
        if let Some(reference) = self.known.get(&key) {
            return Ok(*reference);
        }
        if self.known.len() >= MOST_REMEMBERED {
            self.known.clear();
        }
        let reference = self.part.length + 1;
        self.buffer.clear();
        put_text(&mut self.buffer, text);
        self.part.write(&self.buffer)?;
        self.known.insert(key, reference);
        Ok(reference)
    }

    fn add_optional(&mut self, text: Option<&str>) -> Result<Reference, BuildError> {
        text.map_or(Ok(0), |text| self.add(text))
    }

    fn add_all<'a>(&mut self, texts: impl Iterator<Item = &'a String>) -> Result<Vec<Reference>, BuildError> {
        texts.map(|text| self.add(text)).collect()
    }
}

/// FNV-1a: names what was written. It protects from mistakes, not from strangers; those a digest keeps out.
struct Identity(u64);

impl Identity {
    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

pub(super) struct Writer {
    ecosystems: Vec<String>,
    strings: Strings,
    postings: Part,
    keys: Part,
    key_block: Vec<u8>,
    /// The block index; it is small.
    blocks: Vec<u8>,
    texts: Part,
    texts_index: Vec<u8>,
    identity: Identity,
    pub(super) packages: u64,
    pub(super) entries: u64,
}

impl Writer {
    pub(super) fn new(directory: &Path) -> Self {
        let strings = Strings { part: Part::new(directory), known: HashMap::new(), buffer: Vec::new() };
        Self {
            ecosystems: Vec::new(),
            strings,
            postings: Part::new(directory),
            keys: Part::new(directory),
            key_block: Vec::new(),
            blocks: Vec::new(),
            texts: Part::new(directory),
            texts_index: Vec::new(),
            identity: Identity(0xcbf2_9ce4_8422_2325),
            packages: 0,
            entries: 0,
        }
    }

    /// Merges and writes all rows.
    pub(super) fn write_rows(&mut self, mut sorted: Sorted, tables: &Tables) -> Result<(), BuildError> {
        let mut group: Vec<Row> = Vec::new();
        let mut item = Vec::new();
        while sorted.next(&mut item)? {
            let row = Row::read(&item).expect("this process wrote it");
            if group.first().is_some_and(|first| first.ecosystem != row.ecosystem || first.name != row.name) {
                self.write_package(&group, tables)?;
                group.clear();
            }
            group.push(row);
        }
        if !group.is_empty() {
            self.write_package(&group, tables)?;
        }
        self.end_key_block()
    }

    fn write_package(&mut self, group: &[Row], tables: &Tables) -> Result<(), BuildError> {
        let entries = merge(group, tables);
        let Some(row) = group.first().filter(|_| !entries.is_empty()) else { return Ok(()) };
        if self.ecosystems.last() != Some(&row.ecosystem) {
            self.ecosystems.push(row.ecosystem.clone());
        }
        let ecosystem = self.ecosystems.len() as u64 - 1;
        let mut bytes = Vec::new();
        for entry in &entries {
            self.posting(entry)?.write(&mut bytes);
        }
        if bytes.len() as u64 > MOST_HELD {
            return Err(BuildError::TooLarge);
        }
        if self.key_block.is_empty() {
            put_number(&mut self.blocks, ecosystem);
            put_text(&mut self.blocks, &row.name);
            put_number(&mut self.blocks, self.keys.length);
        }
        put_number(&mut self.key_block, ecosystem);
        put_text(&mut self.key_block, &row.name);
        put_number(&mut self.key_block, self.postings.length);
        put_length(&mut self.key_block, bytes.len());
        self.identity.add(&bytes);
        self.postings.write(&bytes)?;
        self.packages += 1;
        self.entries += entries.len() as u64;
        if self.key_block.len() >= KEY_BLOCK { self.end_key_block() } else { Ok(()) }
    }

    fn end_key_block(&mut self) -> Result<(), BuildError> {
        if !self.key_block.is_empty() {
            put_length(&mut self.blocks, self.key_block.len());
            self.keys.write(&self.key_block)?;
            self.key_block.clear();
        }
        Ok(())
    }

    fn posting(&mut self, entry: &Entry) -> Result<Posting, BuildError> {
        let strings = &mut self.strings;
        let vector = entry.vector.as_ref();
        let intervals = entry.intervals.iter().map(|interval| stored(strings, interval));
        Ok(Posting {
            intervals: intervals.collect::<Result<_, _>>()?,
            id: strings.add(&entry.id)?,
            aliases: strings.add_all(entry.aliases.iter())?,
            severity: entry.severity as u8,
            severity_source: strings.add_optional(entry.severity_source.as_deref())?,
            vector: strings.add_optional(vector.map(|vector| vector.value.as_str()))?,
            vector_source: strings.add_optional(vector.map(|vector| vector.source.as_str()))?,
            score: entry.score_tenths.unwrap_or(u8::MAX),
            unfixed: entry.unfixed as u8,
            is_exploited: entry.is_exploited,
            epss: entry.epss.map(|epss| (u64::from(epss.score), u64::from(epss.percentile))),
            sources: entry.sources.iter().map(|source| u64::from(*source)).collect(),
            versions: strings.add_all(entry.versions.iter())?,
        })
    }

    /// Writes details, of several for one vulnerability the best parts.
    pub(super) fn write_details(&mut self, mut sorted: Sorted) -> Result<(), BuildError> {
        let mut item = Vec::new();
        let mut current: Option<(String, Details)> = None;
        let mut block = DetailsBlock::default();
        while sorted.next(&mut item)? {
            let (id, details) = parse_details(&item).expect("this process wrote it");
            match &mut current {
                Some((known, merged)) if *known == id => merge_details(merged, details),
                _ => {
                    if let Some((id, details)) = current.replace((id, details)) {
                        self.add_details(&mut block, &id, details)?;
                    }
                }
            }
        }
        if let Some((id, details)) = current {
            self.add_details(&mut block, &id, details)?;
        }
        self.end_details_block(&mut block)
    }

    fn add_details(
        &mut self,
        block: &mut DetailsBlock,
        id: &str,
        details: Details,
    ) -> Result<(), BuildError> {
        if block.count == 0 {
            put_text(&mut self.texts_index, id);
            put_number(&mut self.texts_index, self.texts.length);
        }
        put_text(&mut block.bytes, id);
        with_summary(details.limited()).write(&mut block.bytes);
        block.count += 1;
        if block.count == DETAILS_BLOCK { self.end_details_block(block) } else { Ok(()) }
    }

    fn end_details_block(&mut self, block: &mut DetailsBlock) -> Result<(), BuildError> {
        if block.count > 0 {
            let packed = zstd::bulk::compress(&block.bytes, COMPRESSION).map_err(BuildError::Write)?;
            put_length(&mut self.texts_index, packed.len());
            put_length(&mut self.texts_index, block.bytes.len());
            self.texts.write(&packed)?;
            block.bytes.clear();
            block.count = 0;
        }
        Ok(())
    }

    /// Puts the sections together.
    pub(super) fn assemble(
        mut self,
        built: u64,
        sources: &[SourceEntry],
        database: &mut dyn Write,
        details: DetailsTo<'_>,
    ) -> Result<(), BuildError> {
        let mut names = Vec::new();
        for ecosystem in &self.ecosystems {
            put_text(&mut names, ecosystem);
        }
        let mut listed = Vec::new();
        put_number(&mut listed, self.packages);
        put_number(&mut listed, self.entries);
        for source in sources {
            source.write(&mut listed);
        }
        for part in [&names, &listed, &self.blocks, &self.texts_index] {
            if part.len() as u64 > MOST_HELD {
                return Err(BuildError::TooLarge);
            }
        }
        self.identity.add(&listed);
        let identity = self.identity.0;
        let is_inside = matches!(details, DetailsTo::Database);
        let texts = [self.texts_index.len() as u64, self.texts.length];
        let [index_length, texts_length] = if is_inside { texts } else { [0, 0] };
        let lengths = [
            names.len() as u64,
            listed.len() as u64,
            self.blocks.len() as u64,
            self.keys.length,
            self.postings.length,
            self.strings.part.length,
            index_length,
            texts_length,
        ];
        let header = Header {
            format: FORMAT,
            has_entries: true,
            has_texts: is_inside,
            built,
            identity,
            spans: spans(lengths),
        };
        let front = [&header.encode(), &names, &listed, &self.blocks];
        let big = [self.keys, self.postings, self.strings.part];
        write_parts(database, &front, big).map_err(BuildError::Write)?;
        let texts = (&self.texts_index, self.texts);
        match details {
            DetailsTo::Database => write_parts(database, &[texts.0], [texts.1]),
            DetailsTo::File(file) => {
                let lengths = [0, 0, 0, 0, 0, 0, texts.0.len() as u64, texts.1.length];
                let header = Header { has_entries: false, has_texts: true, spans: spans(lengths), ..header };
                write_parts(file, &[&header.encode(), texts.0], [texts.1])
            }
            DetailsTo::Nowhere => Ok(()),
        }
        .map_err(BuildError::Write)
    }
}

fn write_parts<const N: usize>(out: &mut dyn Write, front: &[&Vec<u8>], parts: [Part; N]) -> io::Result<()> {
    front.iter().try_for_each(|bytes| out.write_all(bytes))?;
    parts.into_iter().try_for_each(|part| part.copy_to(out))
}

/// Where sections lie that follow each other behind the header.
fn spans(lengths: [u64; Section::ALL.len()]) -> [Span; Section::ALL.len()] {
    let mut offset = HEADER_SIZE as u64;
    lengths.map(|length| {
        let span = Span { offset, length };
        offset += length;
        span
    })
}

fn stored(strings: &mut Strings, interval: &Interval) -> Result<StoredInterval, BuildError> {
    let introduced = strings.add_optional(interval.introduced.as_deref())?;
    let (end_kind, end) = match &interval.end {
        End::Open => (0, 0),
        End::Fixed(version) => (1, strings.add(version)?),
        End::LastAffected(version) => (2, strings.add(version)?),
        End::Limit(version) => (3, strings.add(version)?),
    };
    Ok(StoredInterval { introduced, end_kind, end })
}

#[derive(Default)]
struct DetailsBlock {
    bytes: Vec<u8>,
    count: usize,
}

fn parse_details(item: &[u8]) -> Option<(String, Details)> {
    const RANK_AND_SOURCE: usize = 3;
    let end = item.iter().position(|byte| *byte == 0)?;
    let id = std::str::from_utf8(&item[..end]).ok()?;
    let mut cursor = Cursor::new(item.get(end + 1 + RANK_AND_SOURCE..)?);
    Some((id.to_owned(), Details::read(&mut cursor).ok()?))
}

/// Details come in the order of their sources' worth: the first text counts, and links of all.
fn merge_details(merged: &mut Details, more: Details) {
    if merged.summary.is_empty() {
        merged.summary = more.summary;
    }
    if merged.text.is_empty() {
        merged.text = more.text;
    }
    for link in more.links {
        if !merged.links.contains(&link) {
            merged.links.push(link);
        }
    }
}

/// Sources without a summary begin their text with what would be one.
fn with_summary(mut details: Details) -> Details {
    const LONGEST: usize = 160;
    if details.summary.is_empty() {
        let first = details.text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        let sentence = first.split_once(". ").map_or(first, |(sentence, _)| sentence);
        let mut letters = sentence.chars();
        details.summary = letters.by_ref().take(LONGEST).collect();
        if letters.next().is_some() {
            details.summary.push('…');
        }
    }
    details
}
