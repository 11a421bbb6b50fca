//! `Packages`: a hash table of Berkeley DB (its headers `dbinc/db_page.h`), rpm's format up to 4.15.
//!
//! A page of the table has keys and values by turns. Headers are mostly too long for it and lie in a chain of overflow pages.

use super::database::{MOST_HEADER_BYTES, broken};
use crate::analyzer::AnalyzerError;
use crate::bytes::Endian;
use crate::read_at::ReadAt;

const HASH_MAGIC: u32 = 0x0006_1561;
const PAGE_HEADER: usize = 26;
const META_BYTES: usize = 72;

const PAGE_HASH_UNSORTED: u8 = 2;
const PAGE_OVERFLOW: u8 = 7;
const PAGE_HASH: u8 = 13;

const ITEM_DATA: u8 = 1;
const ITEM_OFF_PAGE: u8 = 3;
/// The type of an item that lies elsewhere, three unused bytes, the page and the length.
const OFF_PAGE_BYTES: usize = 12;

/// A record that is shorter is no header: the table counts its packages in one.
const LEAST_HEADER_BYTES: usize = 9;

pub(super) fn walk(
    content: &dyn ReadAt,
    each: &mut dyn FnMut(&[u8]) -> Result<(), AnalyzerError>,
) -> Result<(), AnalyzerError> {
    let table = Table::open(content)?;
    // All values together are not longer than the file, unless pages are used twice.
    let mut budget = content.size();
    let mut page = vec![0; table.page_bytes];
    for number in 1..table.pages {
        content.read_exact_at(number * table.page_bytes as u64, &mut page)?;
        if !matches!(page[25], PAGE_HASH | PAGE_HASH_UNSORTED) {
            continue;
        }
        for item in table.values(&page).ok_or_else(|| broken(format!("page {number} has broken entries")))? {
            let long;
            let value = match item.first() {
                Some(&ITEM_DATA) => &item[1..],
                Some(&ITEM_OFF_PAGE) => {
                    long = table.overflow(item, &mut budget)?;
                    &long
                }
                _ => return Err(broken(format!("a value on page {number} is of an unknown type"))),
            };
            if value.len() >= LEAST_HEADER_BYTES {
                each(value)?;
            }
        }
    }
    Ok(())
}

struct Table<'a> {
    content: &'a dyn ReadAt,
    endian: Endian,
    page_bytes: usize,
    pages: u64,
}

impl<'a> Table<'a> {
    fn open(content: &'a dyn ReadAt) -> Result<Self, AnalyzerError> {
        let mut meta = [0; META_BYTES];
        content
            .read_exact_at(0, &mut meta)
            .map_err(|_| broken("it is too short for a table's first page"))?;
        let endian = [Endian::Little, Endian::Big]
            .into_iter()
            .find(|endian| endian.u32(&meta, 12) == Some(HASH_MAGIC))
            .ok_or_else(|| broken("it does not begin with a hash table of Berkeley DB"))?;
        let page_bytes = endian.usize32(&meta, 20).unwrap_or_default();
        if !page_bytes.is_power_of_two() || !(512..=65536).contains(&page_bytes) {
            return Err(broken(format!("its pages have {page_bytes} bytes")));
        }
        if meta[24] != 0 {
            return Err(broken("it is encrypted"));
        }
        Ok(Self { content, endian, page_bytes, pages: content.size() / page_bytes as u64 })
    }

    /// The values of a page of the table: every second item. Items lie one after the other from the end of the page.
    fn values<'p>(&self, page: &'p [u8]) -> Option<Vec<&'p [u8]>> {
        let count = usize::from(self.endian.u16(page, 20)?);
        let start = |index: usize| self.endian.u16(page, PAGE_HEADER + 2 * index).map(usize::from);
        (1..count).step_by(2).map(|index| page.get(start(index)?..start(index - 1)?)).collect()
    }

    /// A value in a chain of pages.
    fn overflow(&self, item: &[u8], budget: &mut u64) -> Result<Vec<u8>, AnalyzerError> {
        let numbers = || {
            (item.len() == OFF_PAGE_BYTES)
                .then(|| Some((self.endian.u32(item, 4)?, self.endian.usize32(item, 8)?)))?
        };
        let (mut next, length) =
            numbers().ok_or_else(|| broken("a long value does not say where it lies"))?;
        if length > MOST_HEADER_BYTES {
            return Err(broken(format!("a value has {length} bytes")));
        }
        *budget = budget.checked_sub(length as u64).ok_or_else(|| broken("its pages are used twice"))?;
        let mut value = Vec::new();
        let mut page = vec![0; self.page_bytes];
        while value.len() < length {
            if next == 0 || u64::from(next) >= self.pages {
                return Err(broken(format!("a value goes on on page {next}, which is not there")));
            }
            self.content.read_exact_at(u64::from(next) * self.page_bytes as u64, &mut page)?;
            let count = usize::from(self.endian.u16(&page, 22).unwrap_or_default());
            let data = page.get(PAGE_HEADER..PAGE_HEADER + count).filter(|data| !data.is_empty());
            let data = data.filter(|_| page[25] == PAGE_OVERFLOW);
            let data = data.ok_or_else(|| broken(format!("page {next} is not a part of a value")))?;
            value.extend_from_slice(&data[..data.len().min(length - value.len())]);
            next = self.endian.u32(&page, 16).unwrap_or_default();
        }
        Ok(value)
    }
}
