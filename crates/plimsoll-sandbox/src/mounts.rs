//! Mounts made by the parent and attached to nothing: binds, file systems in memory, `/dev`.
//!
//! A detached mount is gone when its descriptor is closed, so that nothing is left however the builder ends, and an
//! error is met where it can be explained.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, OpenTreeFlags};

use crate::error::SandboxError;
use crate::step::Identity;
use crate::sys::mount::{READ_ONLY, restrict};

/// Device files of every container, bound from the host: making nodes is refused in a user namespace.
pub(crate) const DEVICES: [&str; 6] = ["full", "null", "random", "tty", "urandom", "zero"];

const DEVICE_LINKS: [(&str, &str); 6] = [
    ("core", "/proc/kcore"),
    ("fd", "/proc/self/fd"),
    ("ptmx", "pts/ptmx"),
    ("stderr", "/proc/self/fd/2"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
];

/// Further devices that an unconfined step of root's gets, where the host has them: for kernel messages, file systems in
/// programs, virtual machines, tunnels, and file systems in files.
const MACHINE_DEVICES: [&str; 6] = ["kmsg", "cuse", "fuse", "kvm", "net/tun", "loop-control"];

/// The devices of [`MACHINE_DEVICES`] that there are, and all loop devices.
pub(crate) fn machine_devices() -> Vec<PathBuf> {
    let loops = (0..=255).map(|number| format!("loop{number}"));
    let names = MACHINE_DEVICES.into_iter().map(str::to_owned).chain(loops);
    names.map(|name| Path::new("/dev").join(name)).filter(|path| is_node(path)).collect()
}

fn is_node(path: &Path) -> bool {
    rustix::fs::lstat(path).is_ok_and(|found| {
        matches!(FileType::from_raw_mode(found.st_mode), FileType::CharacterDevice | FileType::BlockDevice)
    })
}

/// A node for the same device as another, with its own mode and owner, on a file system of its own.
pub(crate) fn node(
    path: &Path,
    mode: Option<u32>,
    owner: Option<(u32, u32)>,
) -> Result<OwnedFd, SandboxError> {
    let make = |memory: &OwnedFd| -> io::Result<OwnedFd> {
        let host = rustix::fs::statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW)?;
        let mode = Mode::from_raw_mode(mode.unwrap_or(host.st_mode) & 0o7777);
        let (uid, gid) = owner.unwrap_or((host.st_uid, host.st_gid));
        rustix::fs::mknodat(memory, "node", FileType::from_raw_mode(host.st_mode), mode, host.st_rdev)?;
        let (uid, gid) = (rustix::fs::Uid::from_raw(uid), rustix::fs::Gid::from_raw(gid));
        rustix::fs::chownat(memory, "node", Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?;
        // The umask took its part when the node was made.
        rustix::fs::chmodat(memory, "node", mode, AtFlags::empty())?;
        let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
        Ok(rustix::mount::open_tree(memory, "node", flags)?)
    };
    let memory = tmpfs(Some(4096), 0o755, MountAttrFlags::MOUNT_ATTR_NOSUID, path)?;
    make(&memory).map_err(|source| SandboxError::MountSource { path: path.to_owned(), source })
}

/// A detached mount and whether its root is a directory.
#[derive(Debug)]
pub(crate) struct Detached {
    pub(crate) mount: OwnedFd,
    pub(crate) directory: bool,
}

/// A file or directory of the host, with what is mounted below it.
pub(crate) fn bind(path: &Path, read_only: bool) -> Result<Detached, SandboxError> {
    try_bind(path, read_only).map_err(|source| SandboxError::MountSource { path: path.to_owned(), source })
}

fn try_bind(path: &Path, read_only: bool) -> io::Result<Detached> {
    let source =
        rustix::fs::openat(CWD, path, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
    let kind = FileType::from_raw_mode(rustix::fs::fstat(&source)?.st_mode);
    if kind == FileType::Symlink {
        return Err(Errno::LOOP.into());
    }
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_EMPTY_PATH
        | OpenTreeFlags::AT_RECURSIVE;
    let mount = rustix::mount::open_tree(&source, c"", flags)?;
    if read_only {
        restrict(mount.as_fd(), READ_ONLY, true)?;
    }
    Ok(Detached { mount, directory: kind == FileType::Directory })
}

/// A new file system of a kind with options.
pub(crate) fn file_system(
    kind: &'static str,
    options: &[(&str, &str)],
    attributes: MountAttrFlags,
    target: &Path,
) -> Result<OwnedFd, SandboxError> {
    let make = || -> io::Result<OwnedFd> {
        let context = rustix::mount::fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC)?;
        // What mount(8) shows before "on".
        rustix::mount::fsconfig_set_string(&context, "source", kind)?;
        for (key, value) in options {
            if value.is_empty() {
                rustix::mount::fsconfig_set_flag(&context, *key)?;
            } else {
                rustix::mount::fsconfig_set_string(&context, *key, *value)?;
            }
        }
        rustix::mount::fsconfig_create(&context)?;
        Ok(rustix::mount::fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, attributes)?)
    };
    make().map_err(|source| SandboxError::FileSystem { kind, target: target.to_owned(), source })
}

/// A file system in memory; `size` in bytes.
pub(crate) fn tmpfs(
    size: Option<u64>,
    mode: u32,
    attributes: MountAttrFlags,
    target: &Path,
) -> Result<OwnedFd, SandboxError> {
    let mode = format!("{:o}", mode & 0o7777);
    let size = size.map(|size| size.to_string());
    let mut options = vec![("mode", mode.as_str())];
    if let Some(size) = &size {
        options.push(("size", size));
    }
    file_system("tmpfs", &options, attributes, target)
}

/// The `/dev` of a container, without what is mounted in it.
pub(crate) fn devices() -> Result<OwnedFd, SandboxError> {
    let target = Path::new("/dev");
    let mount = tmpfs(Some(64 * 1024 * 1024), 0o755, MountAttrFlags::MOUNT_ATTR_NOSUID, target)?;
    let fill = || -> io::Result<()> {
        for name in DEVICES {
            touch(mount.as_fd(), Path::new(name))?;
        }
        for (name, to) in DEVICE_LINKS {
            rustix::fs::symlinkat(to, &mount, name)?;
        }
        for name in ["mqueue", "pts", "shm"] {
            rustix::fs::mkdirat(&mount, name, Mode::from_raw_mode(0o755))?;
        }
        Ok(())
    };
    fill().map_err(|source| SandboxError::FileSystem { kind: "tmpfs", target: target.to_owned(), source })?;
    Ok(mount)
}

/// Terminals of the container's own.
pub(crate) fn terminals(identity: Identity) -> Result<OwnedFd, SandboxError> {
    let mut options = vec![("newinstance", ""), ("ptmxmode", "0666"), ("mode", "0620")];
    if identity != Identity::Emulated {
        // The group `tty` of every distribution; a single id has no groups.
        options.push(("gid", "5"));
    }
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    let target = Path::new("/dev/pts");
    match file_system("devpts", &options, attributes, target) {
        // The group is not in the id map of a small range.
        Err(SandboxError::FileSystem { .. }) if options.len() == 4 => {
            options.pop();
            file_system("devpts", &options, attributes, target)
        }
        result => result,
    }
}

/// Makes an empty file, which something will be mounted on.
fn touch(directory: BorrowedFd<'_>, path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::CREATE | OFlags::WRONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    Ok(rustix::fs::openat(directory, path, flags, Mode::from_raw_mode(0o644))?)
}

/// Files with given contents in memory that is never written to a swap device.
#[derive(Debug)]
pub(crate) struct DataFiles {
    mount: OwnedFd,
    count: usize,
}

impl DataFiles {
    pub(crate) fn new(target: &Path) -> Result<Self, SandboxError> {
        let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID
            | MountAttrFlags::MOUNT_ATTR_NODEV
            | MountAttrFlags::MOUNT_ATTR_NOEXEC;
        let mount = file_system("ramfs", &[("mode", "700")], attributes, target)?;
        Ok(Self { mount, count: 0 })
    }

    pub(crate) fn mount(&self) -> BorrowedFd<'_> {
        self.mount.as_fd()
    }

    pub(crate) fn into_mount(self) -> OwnedFd {
        self.mount
    }

    /// Adds a file and gives its name. `owner` is absent where only one id exists.
    pub(crate) fn add(
        &mut self,
        bytes: &[u8],
        mode: u32,
        owner: Option<(u32, u32)>,
        target: &Path,
    ) -> Result<CString, SandboxError> {
        let name = self.count.to_string();
        self.count += 1;
        let write = || -> io::Result<()> {
            let file = touch(self.mount.as_fd(), Path::new(&name))?;
            let mut rest = bytes;
            while !rest.is_empty() {
                let written = rustix::io::retry_on_intr(|| rustix::io::write(&file, rest))?;
                rest = &rest[written..];
            }
            if let Some((uid, gid)) = owner {
                let (uid, gid) = (rustix::fs::Uid::from_raw(uid), rustix::fs::Gid::from_raw(gid));
                rustix::fs::fchown(&file, Some(uid), Some(gid))?;
            }
            Ok(rustix::fs::fchmod(&file, Mode::from_raw_mode(mode & 0o7777))?)
        };
        write().map_err(|source| SandboxError::FileSystem {
            kind: "ramfs",
            target: target.to_owned(),
            source,
        })?;
        Ok(CString::new(name).expect("a number holds no zero byte"))
    }
}

/// Makes the missing part of `path` below a mount: directories, and at the end a directory or an empty file.
pub(crate) fn ensure_target(mount: BorrowedFd<'_>, path: &Path, directory: bool) -> io::Result<()> {
    let names: Vec<_> = path
        .components()
        .filter_map(|component| match component {
            Component::Normal(name) => Some(name),
            _ => None,
        })
        .collect();
    let mut at = mount.try_clone_to_owned()?;
    for (index, name) in names.iter().enumerate() {
        let last = index + 1 == names.len();
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        let open = |at: &OwnedFd| {
            rustix::fs::openat2(at, name.as_bytes(), OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), resolve)
        };
        at = match open(&at) {
            Err(Errno::NOENT) => {
                if last && !directory {
                    touch(at.as_fd(), Path::new(name))?;
                } else {
                    match rustix::fs::mkdirat(&at, *name, Mode::from_raw_mode(0o755)) {
                        Ok(()) | Err(Errno::EXIST) => {}
                        Err(errno) => return Err(errno.into()),
                    }
                }
                open(&at)?
            }
            found => found?,
        };
    }
    Ok(())
}

/// Whether `path` in a detached mount is a directory.
pub(crate) fn part_is_directory(mount: BorrowedFd<'_>, path: &Path) -> io::Result<bool> {
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    let part = rustix::fs::openat2(mount, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), resolve)?;
    let found = rustix::fs::statat(&part, c"", AtFlags::EMPTY_PATH)?;
    Ok(FileType::from_raw_mode(found.st_mode) == FileType::Directory)
}
