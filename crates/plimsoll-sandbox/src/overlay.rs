//! Stacks of layers, mounted by the parent and attached to nothing.
//!
//! The new mount interface takes one layer at a time, so there is no option string to be cut. Each path is opened here
//! and handed over as `/proc/self/fd/N`: values are limited to 255 bytes, and the upper and work directories would be
//! unescaped. Before Linux 6.8 the classic call is the only one; its options hold one page.

use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags};

use crate::error::SandboxError;
use crate::program::ClassicOverlay;

/// The kernel's limit on layers of one overlay.
pub(crate) const MAX_LOWERS: usize = 500;

/// Bytes of options `mount(2)` takes, with the final zero.
pub(crate) const OPTION_PAGE: usize = 4096;

/// Bytes of the name of a directory: a number of at most four digits and what separates it from the next.
const CLASSIC_NAME: usize = 5;

/// Bytes of `lowerdir=`, `upperdir=` and `workdir=`.
const CLASSIC_KEYS: usize = 26;

/// An overlay ready for the child.
#[derive(Debug)]
pub(crate) enum Overlay {
    /// A detached mount.
    Detached(OwnedFd),
    /// For mount(2).
    Classic(ClassicOverlay),
}

/// What is stacked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stack<'a> {
    pub(crate) lowers: &'a [PathBuf],
    pub(crate) upper: &'a Path,
    pub(crate) work: &'a Path,
    pub(crate) user_xattr: bool,
}

impl Stack<'_> {
    /// Mounts the stack, or prepares what the classic call needs.
    pub(crate) fn prepare(&self) -> Result<Overlay, SandboxError> {
        if self.lowers.is_empty() || self.lowers.len() > MAX_LOWERS {
            return Err(SandboxError::LayerCount { count: self.lowers.len(), limit: MAX_LOWERS });
        }
        let context = match rustix::mount::fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC) {
            Ok(context) => context,
            Err(errno) => return Err(self.refused(errno, None)),
        };
        for (index, lower) in self.lowers.iter().enumerate() {
            let directory = open_directory(lower)?;
            match set_directory(&context, "lowerdir+", directory.as_fd()) {
                Ok(()) => {}
                Err(Errno::INVAL) if index == 0 => return self.classic(),
                Err(errno) => return Err(self.refused(errno, Some(&context))),
            }
        }
        let upper = open_directory(self.upper)?;
        let work = open_directory(self.work)?;
        self.configure(&context, upper.as_fd(), work.as_fd())
            .map(Overlay::Detached)
            .map_err(|errno| self.refused(errno, Some(&context)))
    }

    fn configure(
        &self,
        context: &OwnedFd,
        upper: BorrowedFd<'_>,
        work: BorrowedFd<'_>,
    ) -> Result<OwnedFd, Errno> {
        rustix::mount::fsconfig_set_string(context, "source", "overlay")?;
        set_directory(context, "upperdir", upper)?;
        set_directory(context, "workdir", work)?;
        for (key, value) in self.options() {
            match value {
                Some(value) => rustix::mount::fsconfig_set_string(context, *key, *value)?,
                None => rustix::mount::fsconfig_set_flag(context, *key)?,
            }
        }
        rustix::mount::fsconfig_create(context)?;
        rustix::mount::fsmount(context, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty())
    }

    /// Distributions change the defaults, so everything that shapes the upper directory is said. With `userxattr` the
    /// kernel never redirects, and refuses to be told so.
    fn options(&self) -> &'static [(&'static str, Option<&'static str>)] {
        if self.user_xattr {
            &[("userxattr", None), ("metacopy", Some("off")), ("index", Some("off")), ("volatile", None)]
        } else {
            &[
                ("redirect_dir", Some("off")),
                ("metacopy", Some("off")),
                ("index", Some("off")),
                ("volatile", None),
            ]
        }
    }

    /// Prepares what the classic call needs.
    pub(crate) fn classic(&self) -> Result<Overlay, SandboxError> {
        let mut options = String::new();
        for (key, value) in self.options() {
            options.push(',');
            options.push_str(key);
            if let Some(value) = value {
                options.push('=');
                options.push_str(value);
            }
        }
        // The kernel cuts longer options without a word, and then mounts what is left.
        let bytes = CLASSIC_KEYS + (self.lowers.len() + 2) * CLASSIC_NAME + options.len();
        if bytes >= OPTION_PAGE {
            return Err(SandboxError::OverlayOptions { layers: self.lowers.len(), bytes });
        }
        for path in self.lowers.iter().map(PathBuf::as_path).chain([self.upper, self.work]) {
            open_directory(path)?;
        }
        Ok(Overlay::Classic(ClassicOverlay {
            lowers: self.lowers.iter().map(|path| host_path(path)).collect::<Result<_, _>>()?,
            upper: host_path(self.upper)?,
            work: host_path(self.work)?,
            options: CString::new(options).expect("names of options hold no zero byte"),
            flags: 0,
        }))
    }

    fn refused(&self, errno: Errno, context: Option<&OwnedFd>) -> SandboxError {
        SandboxError::Overlay {
            layers: self.lowers.len(),
            upper: self.upper.to_owned(),
            message: context.and_then(kernel_message),
            source: errno.into(),
        }
    }
}

/// An absolute path of the host: the child changes its directory.
pub(crate) fn host_path(path: &Path) -> Result<CString, SandboxError> {
    let absolute = std::path::absolute(path)
        .map_err(|source| SandboxError::LayerDirectory { path: path.to_owned(), source })?;
    CString::new(absolute.into_os_string().into_vec())
        .map_err(|_| SandboxError::ZeroByte { text: path.as_os_str().to_owned() })
}

fn open_directory(path: &Path) -> Result<OwnedFd, SandboxError> {
    rustix::fs::openat(CWD, path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .map_err(|errno| SandboxError::LayerDirectory { path: path.to_owned(), source: errno.into() })
}

fn set_directory(context: &OwnedFd, key: &str, directory: BorrowedFd<'_>) -> Result<(), Errno> {
    rustix::mount::fsconfig_set_string(context, key, format!("/proc/self/fd/{}", directory.as_raw_fd()))
}

/// The last line the kernel wrote about a file system context, without its mark for the kind of message.
fn kernel_message(context: &OwnedFd) -> Option<String> {
    let mut last = None;
    let mut line = [0u8; 512];
    loop {
        match rustix::io::read(context, &mut line) {
            Ok(length) if length > 0 => {
                let text = String::from_utf8_lossy(&line[..length]);
                let text = text.trim_end();
                last = Some(text.get(2..).filter(|_| text.get(1..2) == Some(" ")).unwrap_or(text).to_owned());
            }
            Err(Errno::INTR) => {}
            Ok(_) | Err(_) => return last,
        }
    }
}
