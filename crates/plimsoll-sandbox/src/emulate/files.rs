//! Owner changes and device nodes.
//!
//! Paths are resolved by the kernel: the thread, whose directories are its own, stands where the asking process stands
//! (same root, same working directory or descriptor) and opens the path it gave.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Gid, Mode, OFlags, StatxFlags, Uid, XattrFlags};
use rustix::io::Errno;

use super::{DEVICE_XATTR, OWNER_XATTR};
use crate::child::{Device, OwnerTable};
use crate::helpers::{Capabilities, number};
use crate::seccomp::Question;
use crate::sys::notify::{Notification, read_memory};

/// An id in an owner change that means "as it is".
const UNCHANGED: u32 = u32::MAX;

/// The longest path the kernel takes, with its final zero.
const PATH_MAX: usize = 4096;

/// Reads of another process's memory stop at its pages: the next one may not be there.
const PAGE: usize = 4096;

pub(super) struct Files {
    /// `/proc` of the builder, which stays reachable whatever the root is.
    proc: OwnedFd,
    /// The root of the step, and the id of its mount: only what lies on it is in the layer.
    root: OwnedFd,
    root_mount: u64,
    owners: BTreeMap<PathBuf, (u32, u32)>,
    devices: BTreeMap<PathBuf, Device>,
}

/// Where a file is.
struct Place {
    /// Number of a descriptor of the process, or [`CWD_NUMBER`].
    directory: i32,
    path: Vec<u8>,
    follow: bool,
}

/// `AT_FDCWD`.
const CWD_NUMBER: i32 = -100;

impl Files {
    pub(super) fn new(proc: OwnedFd, root: OwnedFd) -> std::io::Result<Self> {
        let root_mount = mount_id(&root)?;
        Ok(Self { proc, root, root_mount, owners: BTreeMap::new(), devices: BTreeMap::new() })
    }

    pub(super) fn answer(
        &mut self,
        what: Question,
        narrow: bool,
        asked: &Notification,
        valid: &dyn Fn() -> bool,
    ) -> Result<(), Errno> {
        let arguments = asked.arguments;
        let path = |index: usize| read_path(asked.thread, arguments[index]);
        let id = |index: usize| widen(arguments[index], narrow);
        let (place, owner, group) = match what {
            Question::Chown => (Place::new(CWD_NUMBER, path(0)?, true), id(1), id(2)),
            Question::LinkChown => (Place::new(CWD_NUMBER, path(0)?, false), id(1), id(2)),
            Question::DescriptorChown => {
                (Place { directory: word(arguments[0]), path: Vec::new(), follow: true }, id(1), id(2))
            }
            Question::ChownAt => {
                let flags = word(arguments[4]);
                if flags & !(libc::AT_SYMLINK_NOFOLLOW | libc::AT_EMPTY_PATH) != 0 {
                    return Err(Errno::INVAL);
                }
                let path = path(1)?;
                if path.is_empty() && flags & libc::AT_EMPTY_PATH == 0 {
                    return Err(Errno::NOENT);
                }
                let follow = flags & libc::AT_SYMLINK_NOFOLLOW == 0;
                (Place { directory: word(arguments[0]), path, follow }, id(2), id(3))
            }
            Question::MakeNode => {
                let place = Place::new(CWD_NUMBER, path(0)?, false);
                return self.make_node(asked, &place, low(arguments[1]), low(arguments[2]), valid);
            }
            Question::MakeNodeAt => {
                let place = Place::new(word(arguments[0]), path(1)?, false);
                return self.make_node(asked, &place, low(arguments[2]), low(arguments[3]), valid);
            }
            _ => return Err(Errno::NOSYS),
        };
        if place.path.is_empty() && matches!(what, Question::Chown | Question::LinkChown) {
            return Err(Errno::NOENT);
        }
        let file = self.open(asked.thread, &place, valid)?;
        self.change_owner(&file, owner, group)
    }

    /// Opens a file as the process would.
    fn open(&self, thread: u32, place: &Place, valid: &dyn Fn() -> bool) -> Result<OwnedFd, Errno> {
        if place.path.is_empty() {
            let file = self.open_start(thread, place.directory)?;
            return if valid() { Ok(file) } else { Err(Errno::SRCH) };
        }
        if let Some(number) = descriptor_path(&place.path).filter(|_| place.follow) {
            let file = self.open_start(thread, number).map_err(|_| Errno::NOENT)?;
            return if valid() { Ok(file) } else { Err(Errno::SRCH) };
        }
        let own = self.own_entry(thread, &place.path)?;
        let path = own.as_deref().unwrap_or(&place.path);
        let root = open_path(&self.proc, format!("{thread}/root").as_ref())?;
        let start = if place.path.first() == Some(&b'/') {
            None
        } else {
            Some(self.open_start(thread, place.directory)?)
        };
        if !valid() {
            return Err(Errno::SRCH);
        }
        rustix::process::fchdir(&root)?;
        rustix::process::chroot(".")?;
        if let Some(start) = start {
            rustix::process::fchdir(start)?;
        }
        let link = if place.follow { OFlags::empty() } else { OFlags::NOFOLLOW };
        rustix::fs::openat(CWD, path, OFlags::PATH | OFlags::CLOEXEC | link, Mode::empty())
    }

    /// A path through `/proc/self`, which would be that of the thread that answers, by the number of the process.
    fn own_entry(&self, thread: u32, path: &[u8]) -> Result<Option<Vec<u8>>, Errno> {
        let Some(rest) = path.strip_prefix(b"/proc/self/") else { return Ok(None) };
        let status = read_text(&self.proc, &format!("{thread}/status")).ok_or(Errno::SRCH)?;
        let numbers = status.lines().find_map(|line| line.strip_prefix("NStgid:")).ok_or(Errno::SRCH)?;
        // The last is the one of the innermost pid namespace.
        let number = numbers.split_whitespace().next_back().ok_or(Errno::SRCH)?;
        Ok(Some([b"/proc/", number.as_bytes(), b"/", rest].concat()))
    }

    /// Opens what a descriptor of the process is, or its working directory.
    fn open_start(&self, thread: u32, number: i32) -> Result<OwnedFd, Errno> {
        if number == CWD_NUMBER {
            return open_path(&self.proc, format!("{thread}/cwd").as_ref());
        }
        open_path(&self.proc, format!("{thread}/fd/{number}").as_ref())
            .map_err(|errno| if errno == Errno::NOENT { Errno::BADF } else { errno })
    }

    fn change_owner(&mut self, file: &OwnedFd, owner: u32, group: u32) -> Result<(), Errno> {
        rustix::fs::chownat(file, c"", Some(Uid::ROOT), Some(Gid::ROOT), AtFlags::EMPTY_PATH)?;
        let found = rustix::fs::statat(file, c"", AtFlags::EMPTY_PATH)?;
        let carries =
            matches!(FileType::from_raw_mode(found.st_mode), FileType::RegularFile | FileType::Directory);
        if carries {
            match self.write_owner(file, owner, group) {
                // A file system without such attributes, in memory for one.
                Err(Errno::OPNOTSUPP) => {}
                other => return other,
            }
        }
        if let Some(path) = self.path_in_layer(file) {
            let before = self.owners.get(&path).copied().unwrap_or((0, 0));
            self.owners.insert(path, merge(before, owner, group));
        }
        Ok(())
    }

    /// Keeps the owner in an attribute of the file.
    fn write_owner(&self, file: &OwnedFd, owner: u32, group: u32) -> Result<(), Errno> {
        let name = self.reach(file)?;
        let mut value = [0u8; 32];
        let before = match rustix::fs::getxattr(name.as_str(), OWNER_XATTR, &mut value) {
            Ok(length) => parse_owner(&value[..length]).unwrap_or((0, 0)),
            Err(Errno::NODATA) => (0, 0),
            Err(errno) => return Err(errno),
        };
        let (owner, group) = merge(before, owner, group);
        if (owner, group) == (0, 0) {
            return match rustix::fs::removexattr(name.as_str(), OWNER_XATTR) {
                Ok(()) | Err(Errno::NODATA) => Ok(()),
                Err(errno) => Err(errno),
            };
        }
        let value = format!("{owner}:{group}");
        rustix::fs::setxattr(name.as_str(), OWNER_XATTR, value.as_bytes(), XattrFlags::empty())
    }

    /// A name, relative to the working directory that this sets, of an open file: attributes cannot be set through a
    /// descriptor that was opened as a path.
    fn reach(&self, file: &OwnedFd) -> Result<String, Errno> {
        rustix::process::fchdir(&self.proc)?;
        Ok(format!("self/fd/{}", file.as_raw_fd()))
    }

    /// Path of a file relative to the root of the step, if it is in the layer.
    fn path_in_layer(&self, file: &OwnedFd) -> Option<PathBuf> {
        if mount_id(file).ok()? != self.root_mount {
            return None;
        }
        // The kernel gives paths as seen from the root of who reads the link.
        rustix::process::fchdir(&self.root).ok()?;
        rustix::process::chroot(".").ok()?;
        let name = self.reach(file).ok()?;
        let link = rustix::fs::readlinkat(CWD, name.as_str(), Vec::new()).ok()?;
        let path = PathBuf::from(std::ffi::OsString::from_vec(link.into_bytes()));
        path.strip_prefix("/").ok().map(Path::to_owned)
    }

    fn make_node(
        &mut self,
        asked: &Notification,
        place: &Place,
        mode: u32,
        device: u32,
        valid: &dyn Fn() -> bool,
    ) -> Result<(), Errno> {
        let (directory, name) = split(place)?;
        let directory = self.open(asked.thread, &directory, valid)?;
        let (umask, capabilities) = self.mask_and_capabilities(asked.thread).ok_or(Errno::SRCH)?;
        if !capabilities.contains(number::MKNOD) {
            return Err(Errno::PERM);
        }
        let permissions = Mode::from_raw_mode(mode & 0o7777 & !umask);
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::WRONLY | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&directory, name.as_slice(), flags, Mode::empty())?;
        rustix::fs::fchmod(&file, permissions)?;
        let device = Device {
            block: mode & libc::S_IFMT == libc::S_IFBLK,
            major: major(device),
            minor: minor(device),
        };
        let kind = if device.block { 'b' } else { 'c' };
        let value = format!("{kind}:{}:{}", device.major, device.minor);
        match rustix::fs::fsetxattr(&file, DEVICE_XATTR, value.as_bytes(), XattrFlags::empty()) {
            Ok(()) | Err(Errno::OPNOTSUPP) => {}
            Err(errno) => return Err(errno),
        }
        if let Some(path) = self.path_in_layer(&file) {
            self.devices.insert(path, device);
        }
        Ok(())
    }

    /// The file mode mask and the effective capabilities of a thread.
    fn mask_and_capabilities(&self, thread: u32) -> Option<(u32, Capabilities)> {
        let status = read_text(&self.proc, &format!("{thread}/status"))?;
        let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let umask = u32::from_str_radix(field("Umask:")?, 8).ok()?;
        let effective = u64::from_str_radix(field("CapEff:")?, 16).ok()?;
        Some((umask, Capabilities::from_bits(effective)))
    }

    /// What was recorded.
    pub(super) fn into_table(self) -> OwnerTable {
        OwnerTable { owners: self.owners, devices: self.devices }
    }
}

/// Forgets what is not in the layer any more: a file may have been removed, or replaced by one that carries its owner.
pub(super) fn forget_missing(table: &mut OwnerTable, upper: &Path) {
    table.owners.retain(|path, _| {
        upper.join(path).symlink_metadata().is_ok_and(|found| !found.is_dir() && !is_whiteout(&found))
    });
    table.devices.retain(|path, _| {
        let path = upper.join(path);
        path.symlink_metadata().is_ok_and(|found| found.is_file()) && carries_device(&path)
    });
}

fn is_whiteout(found: &std::fs::Metadata) -> bool {
    FileType::from_raw_mode(found.mode()) == FileType::CharacterDevice && found.rdev() == 0
}

impl Place {
    fn new(directory: i32, path: Vec<u8>, follow: bool) -> Self {
        Self { directory, path, follow }
    }
}

/// Whether a file still stands for a device; on a file system without attributes, whether it is empty.
fn carries_device(path: &Path) -> bool {
    let mut value = [0u8; 64];
    match rustix::fs::lgetxattr(path, DEVICE_XATTR, &mut value) {
        Ok(_) => true,
        Err(Errno::OPNOTSUPP) => path.metadata().is_ok_and(|found| found.len() == 0),
        Err(_) => false,
    }
}

/// Parses the value of [`OWNER_XATTR`].
fn parse_owner(value: &[u8]) -> Option<(u32, u32)> {
    let (owner, group) = std::str::from_utf8(value).ok()?.split_once(':')?;
    Some((owner.parse().ok()?, group.parse().ok()?))
}

fn merge(before: (u32, u32), owner: u32, group: u32) -> (u32, u32) {
    let choose = |wanted, before| if wanted == UNCHANGED { before } else { wanted };
    (choose(owner, before.0), choose(group, before.1))
}

/// Separates the last name of a path from the directory it is in.
fn split(place: &Place) -> Result<(Place, Vec<u8>), Errno> {
    let end = place.path.iter().rposition(|byte| *byte != b'/').ok_or(Errno::EXIST)? + 1;
    if end < place.path.len() {
        return Err(Errno::NOENT);
    }
    let start = place.path.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
    let name = place.path[start..].to_vec();
    let path = if start == 0 { b".".to_vec() } else { place.path[..start].to_vec() };
    Ok((Place::new(place.directory, path, true), name))
}

/// The number in `/proc/self/fd/N` and `/dev/fd/N`: `self` would be the thread that answers.
fn descriptor_path(path: &[u8]) -> Option<i32> {
    let rest = [&b"/proc/self/fd/"[..], b"/proc/thread-self/fd/", b"/dev/fd/"]
        .into_iter()
        .find_map(|prefix| path.strip_prefix(prefix))?;
    std::str::from_utf8(rest).ok()?.parse().ok()
}

fn open_path(directory: &OwnedFd, path: &OsStr) -> Result<OwnedFd, Errno> {
    rustix::fs::openat(directory, path.as_bytes(), OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
}

fn mount_id(file: &OwnedFd) -> Result<u64, Errno> {
    Ok(rustix::fs::statx(file, c"", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID)?.stx_mnt_id)
}

/// Reads a small file of `/proc`.
pub(super) fn read_text(proc: &OwnedFd, path: &str) -> Option<String> {
    let file =
        rustix::fs::openat(proc.as_fd(), path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let mut text = String::new();
    std::io::Read::read_to_string(&mut std::fs::File::from(file), &mut text).ok()?;
    Some(text)
}

/// Reads a path from the memory of a process.
fn read_path(thread: u32, address: u64) -> Result<Vec<u8>, Errno> {
    let mut path = Vec::new();
    let mut at = address;
    while path.len() < PATH_MAX {
        let in_page = usize::try_from(at % PAGE as u64).map_err(|_| Errno::FAULT)?;
        let mut part = vec![0u8; (PAGE - in_page).min(PATH_MAX - path.len())];
        let length = read_memory(thread, at, &mut part).map_err(|_| Errno::FAULT)?;
        part.truncate(length);
        if let Some(end) = part.iter().position(|byte| *byte == 0) {
            path.extend_from_slice(&part[..end]);
            return Ok(path);
        }
        if length == 0 {
            return Err(Errno::FAULT);
        }
        path.extend_from_slice(&part);
        at += length as u64;
    }
    Err(Errno::NAMETOOLONG)
}

/// An id argument; the old calls of i386 have 16 bits.
pub(super) fn widen(argument: u64, narrow: bool) -> u32 {
    let id = low(argument);
    if !narrow {
        return id;
    }
    let id = id & 0xffff;
    if id == 0xffff { UNCHANGED } else { id }
}

#[expect(clippy::cast_possible_truncation, reason = "the kernel reads the low word")]
fn low(argument: u64) -> u32 {
    argument as u32
}

fn word(argument: u64) -> i32 {
    low(argument).cast_signed()
}

/// The kernel's encoding of device numbers in system calls.
fn major(device: u32) -> u32 {
    (device >> 8) & 0xfff
}

fn minor(device: u32) -> u32 {
    (device & 0xff) | ((device >> 12) & 0xfff00)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_are_parsed_and_merged() {
        assert_eq!(parse_owner(b"5:7"), Some((5, 7)));
        assert_eq!(parse_owner(b"5"), None);
        assert_eq!(merge((5, 7), UNCHANGED, 9), (5, 9));
        assert_eq!(widen(0xffff, true), UNCHANGED);
        assert_eq!(widen(0x1_0005, true), 5);
    }

    #[test]
    fn device_numbers_are_taken_apart() {
        assert_eq!((major(0x0103), minor(0x0103)), (1, 3));
        assert_eq!(minor(0x0010_0805), 0x105);
        assert_eq!(major(0x0010_0805), 8);
    }

    #[test]
    fn the_last_name_is_separated() {
        let (place, name) = split(&Place::new(3, b"/dev/null".to_vec(), false)).unwrap();
        assert_eq!((place.path.as_slice(), name.as_slice()), (&b"/dev/"[..], &b"null"[..]));
        let (place, name) = split(&Place::new(3, b"x".to_vec(), false)).unwrap();
        assert_eq!((place.path.as_slice(), name.as_slice()), (&b"."[..], &b"x"[..]));
        assert!(split(&Place::new(3, b"x/".to_vec(), false)).is_err());
    }

    #[test]
    fn descriptor_paths_are_recognised() {
        assert_eq!(descriptor_path(b"/proc/self/fd/12"), Some(12));
        assert_eq!(descriptor_path(b"/dev/fd/1"), Some(1));
        assert_eq!(descriptor_path(b"/dev/null"), None);
    }
}
