//! `Packages.db`: rpm's own "new database" (`lib/backend/ndb/rpmpkg.c`), SUSE's format.
//!
//! Pages of slots come first; each slot of a package names the blocks of 16 bytes where its header lies.

use super::database::{MOST_HEADER_BYTES, broken};
use crate::analyzer::AnalyzerError;
use crate::bytes::Endian;
use crate::read_at::{ReadAt, read_part};

const LITTLE: Endian = Endian::Little;
const MAGIC: &[u8] = b"RpmP";
const SLOT_MAGIC: &[u8] = b"Slot";
const BLOB_MAGIC: &[u8] = b"BlbS";
const PAGE: u64 = 4096;
const SLOT: usize = 16;
const BLOCK: u64 = 16;
const BLOB_HEADER: usize = 16;
/// The database's own header takes the place of the first two slots.
const FIRST_SLOT: usize = 2 * SLOT;

pub(super) fn walk(
    content: &dyn ReadAt,
    each: &mut dyn FnMut(&[u8]) -> Result<(), AnalyzerError>,
) -> Result<(), AnalyzerError> {
    let mut first = [0; FIRST_SLOT];
    content.read_exact_at(0, &mut first).map_err(|_| broken("it is too short"))?;
    if !first.starts_with(MAGIC) {
        return Err(broken("it does not begin as rpm's `Packages.db`"));
    }
    let slot_pages = LITTLE.u32(&first, 12).unwrap_or_default();
    // All headers together are not longer than the file, unless blocks are used twice.
    let mut budget = content.size();
    for number in 0..u64::from(slot_pages) {
        let page = read_part(content, number * PAGE, PAGE)
            .map_err(|_| broken(format!("page {number} of its slots is not there")))?;
        let start = if number == 0 { FIRST_SLOT } else { 0 };
        for slot in page[start..].chunks_exact(SLOT) {
            if !slot.starts_with(SLOT_MAGIC) {
                return Err(broken(format!("page {number} has a broken slot")));
            }
            let (package, offset) = (LITTLE.u32(slot, 4), LITTLE.u32(slot, 8));
            if let (Some(package @ 1..), Some(offset)) = (package, offset) {
                each(&blob(content, package, u64::from(offset) * BLOCK, &mut budget)?)?;
            }
        }
    }
    Ok(())
}

fn blob(content: &dyn ReadAt, package: u32, at: u64, budget: &mut u64) -> Result<Vec<u8>, AnalyzerError> {
    let mut head = [0; BLOB_HEADER];
    let missing = || broken(format!("package {package} is not where its slot says"));
    content.read_exact_at(at, &mut head).map_err(|_| missing())?;
    if !head.starts_with(BLOB_MAGIC) || LITTLE.u32(&head, 4) != Some(package) {
        return Err(missing());
    }
    let length =
        LITTLE.usize32(&head, 12).filter(|length| *length <= MOST_HEADER_BYTES).ok_or_else(missing)?;
    *budget = budget.checked_sub(length as u64).ok_or_else(|| broken("its blocks are used twice"))?;
    read_part(content, at + BLOB_HEADER as u64, length as u64).map_err(|_| missing())
}
