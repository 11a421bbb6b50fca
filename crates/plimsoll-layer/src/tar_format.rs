//! The header block of a tar: where its fields are, and how numbers are written in them (POSIX ustar, GNU).

use std::ops::Range;

/// Size of a header and the unit of contents.
pub(crate) const BLOCK: usize = 512;

pub(crate) const NAME: Range<usize> = 0..100;
pub(crate) const MODE: Range<usize> = 100..108;
pub(crate) const UID: Range<usize> = 108..116;
pub(crate) const GID: Range<usize> = 116..124;
pub(crate) const SIZE: Range<usize> = 124..136;
pub(crate) const MTIME: Range<usize> = 136..148;
pub(crate) const CHECKSUM: Range<usize> = 148..156;
pub(crate) const TYPE_FLAG: usize = 156;
pub(crate) const LINK_NAME: Range<usize> = 157..257;
pub(crate) const MAGIC: Range<usize> = 257..265;
pub(crate) const MAJOR: Range<usize> = 329..337;
pub(crate) const MINOR: Range<usize> = 337..345;
pub(crate) const PREFIX: Range<usize> = 345..500;

/// Magic and version of POSIX; only then is there a prefix.
pub(crate) const POSIX_MAGIC: &[u8; 8] = b"ustar\x0000";

/// Bytes between the end of a content and the next block.
pub(crate) fn padding(size: u64) -> u64 {
    size.wrapping_neg() % BLOCK as u64
}

/// The bytes of a text field up to the first NUL.
pub(crate) fn text(field: &[u8]) -> &[u8] {
    field.split(|&byte| byte == 0).next().unwrap_or_default()
}

/// A number: octal digits between blanks, or base 256 when the first bit is set.
pub(crate) fn number(field: &[u8]) -> Option<i64> {
    let first = *field.first()?;
    if first & 0x80 != 0 {
        return base256(field);
    }
    let digits = field.trim_ascii_start();
    let digits = digits.split(|byte| matches!(byte, 0 | b' ')).next().unwrap_or_default();
    digits.iter().try_fold(0_i64, |sum, &digit| {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 8)?;
        sum.checked_mul(8)?.checked_add(i64::from(digit))
    })
}

fn base256(field: &[u8]) -> Option<i64> {
    let negative = field[0] & 0x40 != 0;
    let first = if negative { i64::from(field[0]) - 0x100 } else { i64::from(field[0] & 0x3f) };
    field[1..].iter().try_fold(first, |sum, &byte| sum.checked_mul(256)?.checked_add(i64::from(byte)))
}

/// Writes octal digits and a NUL; `false` if the number does not fit.
pub(crate) fn put_octal(field: &mut [u8], number: u64) -> bool {
    let digits = field.len() - 1;
    if number >> (3 * digits) != 0 {
        return false;
    }
    for (position, byte) in field[..digits].iter_mut().enumerate() {
        *byte = b'0' + ((number >> (3 * (digits - 1 - position))) & 7) as u8;
    }
    field[digits] = 0;
    true
}

/// Writes a number that is not negative, in base 256 if it is too large for octal digits.
pub(crate) fn put_number(field: &mut [u8], number: u64) {
    if !put_octal(field, number) {
        let bytes = number.to_be_bytes();
        field.fill(0);
        let length = field.len().min(bytes.len());
        let start = field.len() - length;
        field[start..].copy_from_slice(&bytes[bytes.len() - length..]);
        field[0] |= 0x80;
    }
}

/// Whether the checksum of a header is right; some old writers summed signed bytes.
pub(crate) fn checksum_is_valid(block: &[u8; BLOCK]) -> bool {
    let Some(stored) = number(&block[CHECKSUM]) else { return false };
    let (unsigned, signed) = sums(block);
    stored == unsigned || stored == signed
}

/// Writes the checksum; all other fields must be there.
pub(crate) fn put_checksum(block: &mut [u8; BLOCK]) {
    let (sum, _) = sums(block);
    put_octal(&mut block[CHECKSUM.start..CHECKSUM.end - 1], sum.cast_unsigned());
    block[CHECKSUM.end - 1] = b' ';
}

fn sums(block: &[u8; BLOCK]) -> (i64, i64) {
    let bytes = block.iter().enumerate();
    let bytes = bytes.map(|(position, &byte)| if CHECKSUM.contains(&position) { b' ' } else { byte });
    bytes.fold((0, 0), |(unsigned, signed), byte| {
        (unsigned + i64::from(byte), signed + i64::from(byte.cast_signed()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_every_spelling() {
        assert_eq!(number(b"0000644\0"), Some(0o644));
        assert_eq!(number(b"   644 \0"), Some(0o644));
        assert_eq!(number(b"\0\0\0\0\0\0\0\0"), Some(0));
        assert_eq!(number(b"77777777777"), Some(0o77_777_777_777));
        assert_eq!(number(b"\x80\0\0\0\0\0\x01\0"), Some(256));
        assert_eq!(number(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), Some(-1));
        assert_eq!(number(b"\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), None);
        assert_eq!(number(b"12x4\0\0\0\0"), None);
    }

    #[test]
    fn large_numbers_survive_a_small_field() {
        for value in [0, 0o7_777_777, 0o10_000_000, u64::from(u32::MAX)] {
            let mut field = [0; 8];
            put_number(&mut field, value);
            assert_eq!(number(&field), Some(value.cast_signed()));
        }
    }
}
