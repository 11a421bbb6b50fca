//! `rpmdb.sqlite`: the table `Packages` of a database of `SQLite` (its "Database File Format").
//!
//! The table is a tree of pages. A record longer than a page goes on in a chain of overflow pages.

use super::database::{MOST_HEADER_BYTES, broken};
use crate::analyzer::AnalyzerError;
use crate::bytes::Endian;
use crate::read_at::ReadAt;

const BIG: Endian = Endian::Big;
const MAGIC: &[u8] = b"SQLite format 3\0";
const FILE_HEADER: usize = 100;
const TABLE_INTERIOR: u8 = 5;
const TABLE_LEAF: u8 = 13;
/// A page that is half full of entries at least makes trees of rpm's size four levels high.
const DEEPEST: usize = 20;

pub(super) fn walk(
    content: &dyn ReadAt,
    each: &mut dyn FnMut(&[u8]) -> Result<(), AnalyzerError>,
) -> Result<(), AnalyzerError> {
    let mut database = Database::open(content)?;
    let mut root = None;
    database.records(1, &mut |record| {
        let columns: Vec<Column<'_>> = columns(record).unwrap_or_default();
        if let [Column::Text(b"table"), Column::Text(b"Packages"), _, Column::Number(page), ..] = columns[..]
        {
            root = u32::try_from(page).ok();
        }
        Ok(())
    })?;
    let root = root.ok_or_else(|| broken("it has no table `Packages`"))?;
    database.records(root, &mut |record| {
        let columns = columns(record).ok_or_else(|| broken("a record of `Packages` ends too early"))?;
        let blob = columns.iter().find_map(|column| match column {
            Column::Blob(bytes) => Some(*bytes),
            _ => None,
        });
        each(blob.ok_or_else(|| broken("a record of `Packages` has no header"))?)
    })
}

struct Database<'a> {
    content: &'a dyn ReadAt,
    page_bytes: usize,
    /// The bytes of a page without those that extensions keep for themselves.
    usable: usize,
    pages: u64,
    /// All records together are not longer than the file, unless pages are used twice.
    budget: u64,
}

type EachRecord<'f> = dyn FnMut(&[u8]) -> Result<(), AnalyzerError> + 'f;

impl<'a> Database<'a> {
    fn open(content: &'a dyn ReadAt) -> Result<Self, AnalyzerError> {
        let mut header = [0; FILE_HEADER];
        content.read_exact_at(0, &mut header).map_err(|_| broken("it is too short for SQLite's header"))?;
        if !header.starts_with(MAGIC) {
            return Err(broken("it does not begin as SQLite's files do"));
        }
        let page_bytes = match BIG.u16(&header, 16).unwrap_or_default() {
            1 => 65536,
            other => usize::from(other),
        };
        let usable = page_bytes.saturating_sub(usize::from(header[20]));
        if !page_bytes.is_power_of_two() || usable < 480 {
            return Err(broken(format!("its pages have {page_bytes} bytes, of which {usable} are used")));
        }
        let pages = content.size() / page_bytes as u64;
        Ok(Self { content, page_bytes, usable, pages, budget: content.size() })
    }

    /// Gives all records of the table with this root to the function.
    fn records(&mut self, root: u32, each: &mut EachRecord<'_>) -> Result<(), AnalyzerError> {
        let mut left = self.pages;
        let mut waiting = vec![(root, 0)];
        while let Some((number, depth)) = waiting.pop() {
            left = left.checked_sub(1).ok_or_else(|| broken("pages of its table are used twice"))?;
            if depth > DEEPEST {
                return Err(broken("the tree of its table is too deep"));
            }
            let page = self.page(number)?;
            let node = Node::new(&page, number).ok_or_else(|| broken(format!("page {number} is broken")))?;
            if node.is_leaf {
                for cell in &node.cells {
                    let record = self.record(&page, *cell, number)?;
                    each(&record)?;
                }
            } else {
                // The last child first: it is taken last.
                let last = BIG.u32(&page, node.start + 8);
                let children = node.cells.iter().map(|cell| BIG.u32(&page, *cell)).chain([last]);
                for child in children.rev() {
                    let child = child.ok_or_else(|| broken(format!("page {number} is broken")))?;
                    waiting.push((child, depth + 1));
                }
            }
        }
        Ok(())
    }

    fn page(&self, number: u32) -> Result<Vec<u8>, AnalyzerError> {
        if number == 0 || u64::from(number) > self.pages {
            return Err(broken(format!("page {number} is not there")));
        }
        let mut page = vec![0; self.page_bytes];
        self.content.read_exact_at(u64::from(number - 1) * self.page_bytes as u64, &mut page)?;
        Ok(page)
    }

    /// The bytes of a record: those in its cell and, if it is too long for that, those in a chain of pages.
    fn record(&mut self, page: &[u8], cell: usize, number: u32) -> Result<Vec<u8>, AnalyzerError> {
        let bad = || broken(format!("page {number} has a broken record"));
        let (length, used) = varint(page.get(cell..).ok_or_else(bad)?).ok_or_else(bad)?;
        let (_, row) = varint(&page[cell + used..]).ok_or_else(bad)?;
        let length =
            usize::try_from(length).ok().filter(|length| *length <= MOST_HEADER_BYTES).ok_or_else(bad)?;
        self.budget = self.budget.checked_sub(length as u64).ok_or_else(bad)?;
        let start = cell + used + row;
        let here = self.local_bytes(length);
        let mut record = page.get(start..start + here).ok_or_else(bad)?.to_vec();
        if record.len() == length {
            return Ok(record);
        }
        let mut next = BIG.u32(page, start + here).ok_or_else(bad)?;
        while record.len() < length {
            let page = self.page(next)?;
            let count = (self.usable - 4).min(length - record.len());
            record.extend_from_slice(&page[4..4 + count]);
            next = BIG.u32(&page, 0).ok_or_else(bad)?;
        }
        Ok(record)
    }

    /// How many bytes of a record lie in its cell ("Cell Payload Overflow Pages").
    fn local_bytes(&self, length: usize) -> usize {
        let most = self.usable - 35;
        if length <= most {
            return length;
        }
        let least = (self.usable - 12) * 32 / 255 - 23;
        let wanted = least + (length - least) % (self.usable - 4);
        if wanted <= most { wanted } else { least }
    }
}

/// A page of a tree.
struct Node {
    /// Where the page's own header begins: behind the file's on the first page.
    start: usize,
    is_leaf: bool,
    /// Where the cells are.
    cells: Vec<usize>,
}

impl Node {
    fn new(page: &[u8], number: u32) -> Option<Self> {
        let start = if number == 1 { FILE_HEADER } else { 0 };
        let is_leaf = match *page.get(start)? {
            TABLE_LEAF => true,
            TABLE_INTERIOR => false,
            _ => return None,
        };
        let first = start + if is_leaf { 8 } else { 12 };
        let count = usize::from(BIG.u16(page, start + 3)?);
        let cells = (0..count).map(|index| BIG.u16(page, first + 2 * index).map(usize::from));
        Some(Self { start, is_leaf, cells: cells.collect::<Option<_>>()? })
    }
}

/// A value of a record; those that nothing here asks for have none.
#[derive(Clone, Copy)]
enum Column<'a> {
    Number(u64),
    Text(&'a [u8]),
    Blob(&'a [u8]),
    Other,
}

fn columns(record: &[u8]) -> Option<Vec<Column<'_>>> {
    let (header, used) = varint(record)?;
    let (mut types, mut values) = record.split_at_checked(usize::try_from(header).ok()?)?;
    types = types.get(used..)?;
    let mut columns = Vec::new();
    while !types.is_empty() {
        let (kind, used) = varint(types)?;
        types = &types[used..];
        let length = match kind {
            0 | 8 | 9 => 0,
            1..=4 => kind,
            5 => 6,
            6 | 7 => 8,
            10 | 11 => return None,
            other => (other - 12) / 2,
        };
        let (value, rest) = values.split_at_checked(usize::try_from(length).ok()?)?;
        values = rest;
        columns.push(match kind {
            1..=6 => Column::Number(value.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))),
            8 => Column::Number(0),
            9 => Column::Number(1),
            12.. if kind % 2 == 0 => Column::Blob(value),
            12.. => Column::Text(value),
            _ => Column::Other,
        });
    }
    Some(columns)
}

/// A number of one to nine bytes, and how many those are.
fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut number = 0;
    for (at, byte) in bytes.iter().take(9).enumerate() {
        if at == 8 {
            return Some((number << 8 | u64::from(*byte), 9));
        }
        number = number << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((number, at + 1));
        }
    }
    None
}
