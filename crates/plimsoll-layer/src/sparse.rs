//! Sparse files in tars: the old GNU form and the three PAX forms (GNU tar manual, "Storing Sparse Files").

use crate::error::LayerError;
use crate::tar_format::{self as format, BLOCK};

/// Most pieces of one sparse file.
const MAXIMUM_SEGMENTS: usize = 1 << 20;

/// A piece of a sparse file whose bytes are stored; between pieces are zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) offset: u64,
    pub(crate) length: u64,
}

/// Pairs of offset and length; `None` if there is an odd number or too many.
pub(crate) fn segments(numbers: &[u64]) -> Option<Vec<Segment>> {
    let (pairs, rest) = numbers.as_chunks::<2>();
    if !rest.is_empty() || pairs.len() > MAXIMUM_SEGMENTS {
        return None;
    }
    Some(pairs.iter().map(|&[offset, length]| Segment { offset, length }).collect())
}

/// Whether the pieces are in order, inside the file, and as long together as what is stored.
pub(crate) fn is_consistent(segments: &[Segment], size: u64, stored: u64) -> bool {
    let mut end = 0;
    let mut sum = 0_u64;
    for segment in segments {
        let Some(next) = segment.offset.checked_add(segment.length) else { return false };
        if segment.offset < end || next > size {
            return false;
        }
        end = next;
        sum += segment.length;
    }
    sum == stored
}

/// The map in an old GNU header (type `S`) and its continuation blocks, with the real size.
pub(crate) fn old_gnu(
    header: &[u8; BLOCK],
    mut next: impl FnMut() -> Result<[u8; BLOCK], LayerError>,
) -> Result<Option<(Vec<Segment>, u64)>, LayerError> {
    let mut numbers = Vec::new();
    if !push_pairs(&header[386..482], &mut numbers) {
        return Ok(None);
    }
    let mut is_continued = header[482] != 0;
    while is_continued {
        let block = next()?;
        if numbers.len() > 2 * MAXIMUM_SEGMENTS || !push_pairs(&block[..504], &mut numbers) {
            return Ok(None);
        }
        is_continued = block[504] != 0;
    }
    let size = format::number(&header[483..495]).and_then(|size| u64::try_from(size).ok());
    Ok(segments(&numbers).zip(size))
}

fn push_pairs(fields: &[u8], numbers: &mut Vec<u64>) -> bool {
    for pair in fields.as_chunks::<24>().0 {
        if pair[0] == 0 {
            continue;
        }
        for field in [&pair[..12], &pair[12..]] {
            match format::number(field).and_then(|number| u64::try_from(number).ok()) {
                Some(number) => numbers.push(number),
                None => return false,
            }
        }
    }
    true
}

/// The map of PAX format 1.0: decimal lines at the beginning of the content, filled up to whole blocks.
pub(crate) fn map_in_content(
    mut next: impl FnMut() -> Result<[u8; BLOCK], LayerError>,
) -> Result<Option<Vec<u64>>, LayerError> {
    let mut numbers = Vec::new();
    let mut wanted = 1;
    let mut current: Option<u64> = None;
    while numbers.len() < wanted {
        for byte in next()? {
            match byte {
                b'\n' => {
                    let Some(number) = current.take() else { return Ok(None) };
                    numbers.push(number);
                    if numbers.len() == 1 {
                        let Some(count) =
                            usize::try_from(number).ok().filter(|count| *count <= MAXIMUM_SEGMENTS)
                        else {
                            return Ok(None);
                        };
                        wanted = 1 + 2 * count;
                    }
                    if numbers.len() == wanted {
                        break;
                    }
                }
                b'0'..=b'9' => {
                    let sum = current.unwrap_or(0).checked_mul(10);
                    let Some(sum) = sum.and_then(|sum| sum.checked_add(u64::from(byte - b'0'))) else {
                        return Ok(None);
                    };
                    current = Some(sum);
                }
                _ => return Ok(None),
            }
        }
    }
    numbers.remove(0);
    Ok(Some(numbers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_that_overlap_or_leave_the_file_are_refused() {
        let pieces = |numbers: &[u64]| segments(numbers).unwrap();
        assert!(is_consistent(&pieces(&[0, 2, 4, 2]), 6, 4));
        assert!(!is_consistent(&pieces(&[0, 5, 4, 2]), 6, 7));
        assert!(!is_consistent(&pieces(&[0, 2, 4, 3]), 6, 5));
        assert!(!is_consistent(&pieces(&[0, 2]), 6, 3));
        assert!(!is_consistent(&pieces(&[u64::MAX, 2]), 6, 2));
        assert!(segments(&[1]).is_none());
    }
}
