//! Small things others need and that only this crate may do, or knows how to.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use rustix::thread::{CapabilitySet, CapabilitySets};

use crate::error::SandboxError;

/// A set of capabilities, one bit for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities(u64);

/// Number of a capability in a set.
pub(crate) mod number {
    pub(crate) const SYS_ADMIN: u32 = 21;
    pub(crate) const NET_RAW: u32 = 13;
    pub(crate) const MKNOD: u32 = 27;
}

impl Capabilities {
    /// The fourteen Docker gives: `chown`, `dac_override`, `fowner`, `fsetid`, `kill`, `setgid`, `setuid`, `setpcap`,
    /// `net_bind_service`, `net_raw`, `sys_chroot`, `mknod`, `audit_write`, `setfcap`.
    pub const CONTAINER: Self = Self(
        1 << 0
            | 1 << 1
            | 1 << 3
            | 1 << 4
            | 1 << 5
            | 1 << 6
            | 1 << 7
            | 1 << 8
            | 1 << 10
            | 1 << 13
            | 1 << 18
            | 1 << 27
            | 1 << 29
            | 1 << 31,
    );
    /// None.
    pub const NONE: Self = Self(0);

    /// The set with these bits.
    pub fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// One bit for each capability, by its number.
    pub fn bits(self) -> u64 {
        self.0
    }

    /// The set without one capability.
    #[must_use]
    pub fn without(self, number: u32) -> Self {
        Self(self.0 & !(1 << number))
    }

    /// What is in both sets.
    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether a capability is in the set.
    pub fn contains(self, number: u32) -> bool {
        self.0 & (1 << number) != 0
    }

    /// What the calling thread may have.
    pub fn permitted() -> io::Result<Self> {
        Ok(Self(rustix::thread::capabilities(None)?.permitted.bits()))
    }

    /// What the calling thread has.
    pub fn effective() -> io::Result<Self> {
        Ok(Self(rustix::thread::capabilities(None)?.effective.bits()))
    }
}

/// Sets the permitted and effective capabilities of the calling thread; the inheritable ones become empty.
pub fn set_capabilities(capabilities: Capabilities) -> io::Result<()> {
    let set = CapabilitySet::from_bits_retain(capabilities.0);
    let sets = CapabilitySets { effective: set, permitted: set, inheritable: CapabilitySet::empty() };
    Ok(rustix::thread::set_capabilities(None, sets)?)
}

/// Makes `to` share the blocks of `from`. Fails where the file system cannot, or across file systems.
pub fn reflink(from: &File, to: &File) -> io::Result<()> {
    Ok(rustix::fs::ioctl_ficlone(to, from)?)
}

/// Writes the file system that holds `file` out to its device.
pub fn syncfs(file: impl AsFd) -> io::Result<()> {
    Ok(rustix::fs::syncfs(file)?)
}

/// The random id of this boot of the kernel.
pub fn boot_id() -> Result<String, SandboxError> {
    let path = Path::new("/proc/sys/kernel/random/boot_id");
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text.trim_end().to_owned()),
        Err(source) => Err(SandboxError::File { attempt: "read", path: path.to_owned(), source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn container_capabilities_have_dockers_value() {
        assert_eq!(Capabilities::CONTAINER.bits(), 0xa804_25fb);
        assert_eq!(Capabilities::CONTAINER.bits().count_ones(), 14);
    }

    #[test]
    fn the_boot_id_is_one_line_of_36_characters() {
        let id = boot_id().unwrap();
        assert_eq!(id.len(), 36);
    }
}
