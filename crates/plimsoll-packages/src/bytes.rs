//! Numbers out of bytes, with the bounds checked.

/// Which byte of a number comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endian {
    Little,
    Big,
}

impl Endian {
    pub(crate) fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        let array = array(bytes, at)?;
        Some(if self == Self::Big { u16::from_be_bytes(array) } else { u16::from_le_bytes(array) })
    }

    pub(crate) fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        let array = array(bytes, at)?;
        Some(if self == Self::Big { u32::from_be_bytes(array) } else { u32::from_le_bytes(array) })
    }

    pub(crate) fn u64(self, bytes: &[u8], at: usize) -> Option<u64> {
        let array = array(bytes, at)?;
        Some(if self == Self::Big { u64::from_be_bytes(array) } else { u64::from_le_bytes(array) })
    }

    /// A number of 32 bits as a place or a length in memory.
    pub(crate) fn usize32(self, bytes: &[u8], at: usize) -> Option<usize> {
        self.u32(bytes, at).and_then(|number| usize::try_from(number).ok())
    }
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// The bytes from `at` up to the next zero byte.
pub(crate) fn until_zero(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let rest = bytes.get(at..)?;
    rest.iter().position(|byte| *byte == 0).map(|end| &rest[..end])
}
