//! The part of a database that people read: summaries, texts and links.

use std::sync::{Mutex, PoisonError};

use super::format::{Header, Section, Span};
use super::{Database, Part};
use crate::codec::{Cursor, Malformed};
use crate::error::DatabaseError;
use crate::row::Details;

/// The most bytes of one block after decompression: 64 times the longest details, with their links.
const LARGEST_BLOCK: u64 = 8 << 20;

#[derive(Debug)]
pub(super) struct Texts {
    file: Part,
    section: Span,
    blocks: Vec<Block>,
    /// The last block that was read: what is asked for lies together.
    last: Mutex<Option<(usize, Vec<u8>)>>,
}

#[derive(Debug)]
struct Block {
    first: String,
    span: Span,
    unpacked: u64,
}

impl Texts {
    pub(super) fn read(file: Part, header: &Header) -> Result<Self, DatabaseError> {
        let index = file.section(header.span(Section::TextsIndex), "the index of details")?;
        let blocks = read_index(&index).map_err(|_| file.corrupt("the index of details"))?;
        Ok(Self { file, section: header.span(Section::Texts), blocks, last: Mutex::new(None) })
    }

    fn find(&self, id: &str) -> Result<Option<Details>, DatabaseError> {
        let behind = self.blocks.partition_point(|block| block.first.as_str() <= id);
        let Some(place) = behind.checked_sub(1) else { return Ok(None) };
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = match &*last {
            Some((known, bytes)) if *known == place => bytes,
            _ => &last.insert((place, self.unpack(&self.blocks[place])?)).1,
        };
        look_up(bytes, id).map_err(|_| self.file.corrupt("a block of details"))
    }

    fn unpack(&self, block: &Block) -> Result<Vec<u8>, DatabaseError> {
        const PART: &str = "a block of details";
        let unpacked = usize::try_from(block.unpacked).ok().filter(|_| block.unpacked <= LARGEST_BLOCK);
        let unpacked = unpacked.ok_or_else(|| self.file.corrupt(PART))?;
        let packed = self.file.section(self.file.within(self.section, block.span, PART)?, PART)?;
        zstd::bulk::decompress(&packed, unpacked).map_err(|_| self.file.corrupt(PART))
    }
}

fn read_index(bytes: &[u8]) -> Result<Vec<Block>, Malformed> {
    let mut cursor = Cursor::new(bytes);
    let mut blocks = Vec::new();
    while !cursor.is_empty() {
        blocks.push(Block {
            first: cursor.owned()?,
            span: Span { offset: cursor.number()?, length: cursor.number()? },
            unpacked: cursor.number()?,
        });
    }
    Ok(blocks)
}

fn look_up(bytes: &[u8], id: &str) -> Result<Option<Details>, Malformed> {
    let mut cursor = Cursor::new(bytes);
    while !cursor.is_empty() {
        let is_wanted = cursor.text()? == id;
        let details = Details::read(&mut cursor)?;
        if is_wanted {
            return Ok(Some(details));
        }
    }
    Ok(None)
}

impl Database {
    /// What there is to read about a vulnerability, under one of its names; nothing when there is nothing, or no details at all.
    pub fn details(&self, id: &str) -> Result<Option<Details>, DatabaseError> {
        self.texts.as_ref().map_or(Ok(None), |texts| texts.find(id))
    }
}
