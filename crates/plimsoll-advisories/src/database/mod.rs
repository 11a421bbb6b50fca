//! Reading a database.

mod details;
mod find;
pub(crate) mod format;
mod pages;

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::build::{Builder, DetailsTo, SourceReport};
use crate::codec::{Cursor, Malformed};
use crate::error::DatabaseError;
use crate::sources::SourceKind;

pub use find::{Epss, Finding, Found, NotComparable, Query};
pub use format::{FORMAT, SourceEntry};

use details::Texts;
use format::{HEADER_SIZE, Header, LONGEST_STRING, MAGIC, MOST_HELD, Reference, Section, Span};
use pages::{Pages, Storage};

/// A database of advisories.
///
/// Its bytes are not trusted: reading takes bounded memory and ends in an answer or an error. That it is the one that was asked for, its
/// digest says, which the caller compares.
#[derive(Debug)]
pub struct Database {
    file: Part,
    header: Header,
    ecosystems: Vec<String>,
    blocks: Vec<Block>,
    sources: Vec<SourceEntry>,
    packages: u64,
    entries: u64,
    texts: Option<Texts>,
    /// Which ecosystems concern one that was asked for.
    concerned: Mutex<BTreeMap<String, Arc<[u64]>>>,
}

/// Where a block of keys lies, and its first key.
#[derive(Debug)]
struct Block {
    ecosystem: u64,
    name: String,
    span: Span,
}

impl Database {
    /// Opens a database that was built.
    pub fn open(path: &Path) -> Result<Self, DatabaseError> {
        Self::read(open_part(path)?)
    }

    /// Opens a database whose details are in a file of their own.
    pub fn open_with_details(path: &Path, details: &Path) -> Result<Self, DatabaseError> {
        let mut database = Self::open(path)?;
        let file = open_part(details)?;
        let header = file.header()?;
        if header.identity != database.header.identity || !header.has_texts {
            return Err(DatabaseError::OtherDetails { name: database.file.name, details: file.name });
        }
        database.texts = Some(Texts::read(file, &header)?);
        Ok(database)
    }

    /// Reads a database from memory; the name is for messages.
    pub fn from_bytes(bytes: Vec<u8>, name: &str) -> Result<Self, DatabaseError> {
        Self::read(Part::new(Storage::Memory(bytes), name)?)
    }

    /// Makes a database of a folder of OSV records, JSON or YAML, each in a file of any name.
    ///
    /// The report says which of them could not be converted. A folder with very many needs a directory for temporary files.
    pub fn from_folder(folder: &Path, temporary: &Path) -> Result<(Self, SourceReport), DatabaseError> {
        let failed = |error| DatabaseError::Folder(Box::new(error));
        let mut builder = Builder::new(0, temporary);
        builder.add(SourceKind::OsvDir, folder, &folder.to_string_lossy()).map_err(failed)?;
        let mut bytes = Vec::new();
        let mut report = builder.finish(&mut bytes, DetailsTo::Database).map_err(failed)?;
        let database = Self::from_bytes(bytes, &folder.to_string_lossy())?;
        Ok((database, report.sources.remove(0)))
    }

    fn read(file: Part) -> Result<Self, DatabaseError> {
        let header = file.header()?;
        if !header.has_entries {
            return Err(file.corrupt("it has details only"));
        }
        let names = file.section(header.span(Section::Ecosystems), "the list of ecosystems")?;
        let ecosystems = read_names(&names).map_err(|_| file.corrupt("the list of ecosystems"))?;
        let listed = file.section(header.span(Section::Sources), "the list of sources")?;
        let (packages, entries, sources) =
            read_sources(&listed).map_err(|_| file.corrupt("the list of sources"))?;
        let index = file.section(header.span(Section::Blocks), "the index of packages")?;
        let blocks = read_blocks(&index).map_err(|_| file.corrupt("the index of packages"))?;
        let texts = header.has_texts.then(|| Texts::read(file.clone(), &header)).transpose()?;
        let concerned = Mutex::new(BTreeMap::new());
        Ok(Self { file, header, ecosystems, blocks, sources, packages, entries, texts, concerned })
    }

    /// When it was built, in seconds since 1970; 0 for one that was made of a folder.
    pub fn built(&self) -> u64 {
        self.header.built
    }

    /// What it was built from.
    pub fn sources(&self) -> &[SourceEntry] {
        &self.sources
    }

    /// The ecosystems that it has advisories for, each release on its own.
    pub fn ecosystems(&self) -> &[String] {
        &self.ecosystems
    }

    /// How many packages have an entry, each in each release.
    pub fn packages(&self) -> u64 {
        self.packages
    }

    /// How many entries there are: one vulnerability of one package.
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// Whether it has summaries and texts.
    pub fn has_details(&self) -> bool {
        self.texts.is_some()
    }

    /// Whether it has advisories for an ecosystem, or a part of it. Without any, nothing found says nothing.
    pub fn covers(&self, ecosystem: &str) -> bool {
        !self.concerned(ecosystem).is_empty()
    }
}

fn read_names(bytes: &[u8]) -> Result<Vec<String>, Malformed> {
    let mut cursor = Cursor::new(bytes);
    let mut names = Vec::new();
    while !cursor.is_empty() {
        names.push(cursor.owned()?);
    }
    Ok(names)
}

fn read_sources(bytes: &[u8]) -> Result<(u64, u64, Vec<SourceEntry>), Malformed> {
    let mut cursor = Cursor::new(bytes);
    let (packages, entries) = (cursor.number()?, cursor.number()?);
    let mut sources = Vec::new();
    while !cursor.is_empty() {
        sources.push(SourceEntry::read(&mut cursor)?);
    }
    Ok((packages, entries, sources))
}

fn read_blocks(bytes: &[u8]) -> Result<Vec<Block>, Malformed> {
    let mut cursor = Cursor::new(bytes);
    let mut blocks = Vec::new();
    while !cursor.is_empty() {
        let (ecosystem, name) = (cursor.number()?, cursor.owned()?);
        blocks.push(Block {
            ecosystem,
            name,
            span: Span { offset: cursor.number()?, length: cursor.number()? },
        });
    }
    Ok(blocks)
}

fn open_part(path: &Path) -> Result<Part, DatabaseError> {
    let name = path.display().to_string();
    let failed = |source| DatabaseError::Read { name: name.clone(), source };
    let file = File::open(path).map_err(failed)?;
    if !file.metadata().map_err(failed)?.is_file() {
        return Err(failed(io::Error::other("it is no file")));
    }
    Part::new(Storage::File(file), &name)
}

/// A file of the format, and how to complain about it.
#[derive(Clone, Debug)]
struct Part {
    pages: Arc<Pages>,
    name: String,
}

impl Part {
    fn new(storage: Storage, name: &str) -> Result<Self, DatabaseError> {
        let name = name.to_owned();
        match Pages::new(storage) {
            Ok(pages) => Ok(Self { pages: Arc::new(pages), name }),
            Err(source) => Err(DatabaseError::Read { name, source }),
        }
    }

    fn corrupt(&self, part: &'static str) -> DatabaseError {
        DatabaseError::Corrupt { name: self.name.clone(), part }
    }

    fn failed(&self, source: io::Error) -> DatabaseError {
        DatabaseError::Read { name: self.name.clone(), source }
    }

    /// The header; all of its sections lie in the file.
    fn header(&self) -> Result<Header, DatabaseError> {
        let mut bytes = [0; HEADER_SIZE];
        let is_long_enough = self.pages.length() >= HEADER_SIZE as u64;
        if is_long_enough {
            self.pages.read_exact(&mut bytes, 0).map_err(|source| self.failed(source))?;
        }
        if !is_long_enough || bytes[..MAGIC.len()] != MAGIC {
            return Err(DatabaseError::NotADatabase { name: self.name.clone() });
        }
        let header = Header::decode(&bytes[MAGIC.len()..]).map_err(|_| self.corrupt("the header"))?;
        if header.format != FORMAT {
            return Err(DatabaseError::Format { name: self.name.clone(), format: header.format });
        }
        let is_inside =
            |span: &Span| span.offset.checked_add(span.length).is_some_and(|end| end <= self.pages.length());
        if !header.spans.iter().all(is_inside) {
            return Err(self.corrupt("a section lies behind the end"));
        }
        Ok(header)
    }

    /// Reads a whole section, or a part of one that was compared with its section.
    fn section(&self, span: Span, part: &'static str) -> Result<Vec<u8>, DatabaseError> {
        if span.length > MOST_HELD {
            return Err(self.corrupt(part));
        }
        #[expect(clippy::cast_possible_truncation, reason = "it was just compared")]
        let mut bytes = vec![0; span.length as usize];
        self.pages.read_exact(&mut bytes, span.offset).map_err(|source| self.failed(source))?;
        Ok(bytes)
    }

    /// A part of a section, if it lies inside.
    fn within(&self, section: Span, part: Span, what: &'static str) -> Result<Span, DatabaseError> {
        let is_inside = part.offset.checked_add(part.length).is_some_and(|end| end <= section.length);
        if !is_inside {
            return Err(self.corrupt(what));
        }
        Ok(Span { offset: section.offset + part.offset, length: part.length })
    }

    /// The text that a reference names.
    fn string(&self, strings: Span, reference: Reference) -> Result<String, DatabaseError> {
        const GUESS: u64 = 48;
        const LONGEST_NUMBER: u64 = 10;
        let corrupt = || self.corrupt("a reference to a text");
        let offset =
            reference.checked_sub(1).filter(|offset| *offset < strings.length).ok_or_else(corrupt)?;
        let left = strings.length - offset;
        let mut bytes = Vec::new();
        let read = |bytes: &mut Vec<u8>, length: u64| {
            bytes.clear();
            let append = self.pages.append(bytes, strings.offset + offset, length.min(left));
            append.map_err(|source| self.failed(source))
        };
        read(&mut bytes, GUESS)?;
        let length = Cursor::new(&bytes).number().map_err(|_| corrupt())?;
        if length > LONGEST_STRING {
            return Err(corrupt());
        }
        if length + LONGEST_NUMBER > GUESS {
            read(&mut bytes, length + LONGEST_NUMBER)?;
        }
        Cursor::new(&bytes).owned().map_err(|_| corrupt())
    }
}
