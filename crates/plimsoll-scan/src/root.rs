//! A directory as a root file system.
//!
//! Each directory is opened through the one above it, and neither it nor a file is reached through a symbolic link: nothing
//! outside is read, whatever links lie inside. Only regular files are opened.

use std::ffi::CStr;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use plimsoll_packages::File as Entry;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

use crate::error::ScanError;
use crate::facts::{LayerFacts, NotScanned};
use crate::file::{Scanners, shown};

/// Deeper directories than this are not entered.
const DEEPEST: usize = 256;
/// The kernel's own file systems (statfs(2)): what lies there is no file of anybody.
const PSEUDO: [i64; 10] = [
    0x9fa0,      // proc
    0x6265_6572, // sysfs
    0x27_e0eb,   // cgroup
    0x6367_7270, // cgroup2
    0x1cd1,      // devpts
    0x6462_6720, // debugfs
    0x7472_6163, // tracefs
    0x7363_6673, // securityfs
    0xcafe_4a11, // bpf
    0x6165_676c, // pstore
];

/// What the files below a directory say, as one layer.
pub fn scan_directory(directory: &Path, scanners: Scanners<'_>) -> Result<LayerFacts, ScanError> {
    let failed = |source: Errno| ScanError::Directory { path: directory.to_owned(), source: source.into() };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = rustix::fs::open(directory, flags, Mode::empty()).map_err(failed)?;
    let device = rustix::fs::fstat(&root).map_err(failed)?.st_dev;
    let mut walk = Walk { scanners, facts: LayerFacts::default() };
    walk.directory(&root, b"", device, 0).map_err(failed)?;
    walk.facts.not_scanned.sort();
    Ok(walk.facts.without_public_secrets())
}

struct Walk<'s> {
    scanners: Scanners<'s>,
    facts: LayerFacts,
}

impl Walk<'_> {
    fn directory(
        &mut self,
        directory: &OwnedFd,
        path: &[u8],
        device: u64,
        depth: usize,
    ) -> Result<(), Errno> {
        let mut names = Vec::new();
        for entry in Dir::read_from(directory)? {
            let name = entry?.file_name().to_owned();
            if !matches!(name.to_bytes(), b"." | b"..") {
                names.push(name);
            }
        }
        names.sort();
        for name in names {
            let mut inside = path.to_vec();
            if !inside.is_empty() {
                inside.push(b'/');
            }
            inside.extend_from_slice(name.to_bytes());
            if let Err(error) = self.entry(directory, &name, &inside, device, depth) {
                self.pass_over(&inside, std::io::Error::from(error).to_string());
            }
        }
        Ok(())
    }

    fn entry(
        &mut self,
        directory: &OwnedFd,
        name: &CStr,
        path: &[u8],
        device: u64,
        depth: usize,
    ) -> Result<(), Errno> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let stat = match rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
            // It went away meanwhile.
            Err(Errno::NOENT) => return Ok(()),
            stat => stat?,
        };
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory if depth >= DEEPEST => {
                self.pass_over(path, format!("it is more than {DEEPEST} directories down"));
            }
            FileType::Directory => {
                let inner = rustix::fs::openat(directory, name, flags | OFlags::DIRECTORY, Mode::empty())?;
                if stat.st_dev == device || !is_pseudo(&inner)? {
                    self.directory(&inner, path, stat.st_dev, depth + 1)?;
                }
            }
            FileType::RegularFile => {
                let size = u64::try_from(stat.st_size).unwrap_or(0);
                let entry = Entry { path, size, is_executable: stat.st_mode & 0o111 != 0 };
                if self.scanners.want(&entry) {
                    let file = File::from(rustix::fs::openat(directory, name, flags, Mode::empty())?);
                    // Something else may have taken its place.
                    if FileType::from_raw_mode(rustix::fs::fstat(&file)?.st_mode) == FileType::RegularFile
                        && let Err(error) = self.scanners.read_open(&entry, file, &mut self.facts)
                    {
                        self.pass_over(path, error.to_string());
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn pass_over(&mut self, path: &[u8], reason: String) {
        self.facts.not_scanned.push(NotScanned { path: shown(path), reason });
    }
}

fn is_pseudo(directory: &impl AsFd) -> Result<bool, Errno> {
    Ok(PSEUDO.contains(&rustix::fs::fstatfs(directory)?.f_type))
}
