//! Locks between processes: files under `flock`.
//!
//! The lock is what counts, never a process id, so the kernel releases whatever a killed process held. A lock's file is
//! removed by its last holder while the lock is still held; who gets a lock therefore looks whether its file still has a
//! name, and starts again if not. Files that a killed process left behind are removed by the next sweep in the same way.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::ops::ControlFlow;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use plimsoll_oci::Digest;

use crate::Store;
use crate::error::{Error, IoContext as _, Result};

/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

/// How a lock is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Together with others.
    Shared,
    /// Alone.
    Exclusive,
}

/// A lock that is held, until it is dropped.
#[derive(Debug)]
pub(crate) struct FileLock {
    file: File,
    path: PathBuf,
    remove: bool,
}

impl FileLock {
    /// Takes the lock if that is possible at once. With `remove`, the file goes away with the lock.
    pub(crate) fn attempt(path: &Path, mode: Mode, remove: bool) -> Result<Option<Self>> {
        loop {
            let file = OpenOptions::new()
                .read(true)
                .append(true)
                .create(true)
                .mode(0o600)
                .open(path)
                .on("open the lock", path)?;
            let attempt = match mode {
                Mode::Shared => file.try_lock_shared(),
                Mode::Exclusive => file.try_lock(),
            };
            match attempt {
                Ok(()) if file.metadata().on("examine the lock", path)?.nlink() > 0 => {
                    return Ok(Some(Self { file, path: path.to_owned(), remove }));
                }
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(TryLockError::Error(error)) => return Err(error).on("take the lock", path),
            }
        }
    }

    /// Takes the lock, asking `wait` again and again whether to go on waiting; it is given the time waited so far.
    pub(crate) fn acquire(
        path: &Path,
        mode: Mode,
        remove: bool,
        what: &dyn Fn() -> String,
        wait: &mut dyn FnMut(Duration) -> ControlFlow<()>,
    ) -> Result<Self> {
        let started = Instant::now();
        let mut pause = Duration::from_micros(500);
        loop {
            if let Some(lock) = Self::attempt(path, mode, remove)? {
                return Ok(lock);
            }
            let waited = started.elapsed();
            if wait(waited).is_break() {
                return Err(Error::Cancelled { what: what(), waited });
            }
            thread::sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Takes a lock that is only ever held for moments.
    pub(crate) fn acquire_brief(path: &Path, mode: Mode) -> Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)
            .on("open the lock", path)?;
        loop {
            let attempt = match mode {
                Mode::Shared => file.lock_shared(),
                Mode::Exclusive => file.lock(),
            };
            match attempt {
                Ok(()) => return Ok(Self { file, path: path.to_owned(), remove: false }),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error).on("take the lock", path),
            }
        }
    }

    /// Whether nobody holds the lock. Does not create the file.
    pub(crate) fn is_free(path: &Path) -> Result<bool> {
        match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
            Err(error) => Err(error).on("open the lock", path),
            Ok(file) => match file.try_lock() {
                Ok(()) => Ok(true),
                Err(TryLockError::WouldBlock) => Ok(false),
                Err(TryLockError::Error(error)) => Err(error).on("examine the lock", path),
            },
        }
    }

    /// The locked file, to write into.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        if self.remove {
            // A file that cannot be removed now is found by the next sweep.
            let _removed = fs::remove_file(&self.path);
        }
    }
}

/// The right to run what one key names, for one process and thread at a time.
#[derive(Debug)]
pub struct KeyLock {
    _lock: FileLock,
}

impl Store {
    /// Waits until nobody else runs what this key names.
    ///
    /// `wait` is called before each pause (of at most 20 ms) with the time waited so far, so that the caller can say that it
    /// waits; when it breaks off, the error is [`Error::Cancelled`]. Look the key's results up again once the lock is held.
    pub fn lock_key(
        &self,
        key: &Digest,
        wait: &mut dyn FnMut(Duration) -> ControlFlow<()>,
    ) -> Result<KeyLock> {
        let path = self.layout().lock(&format!("key-{}", key.hex()));
        let what = || format!("step `{}`, which another build runs", key.short());
        FileLock::acquire(&path, Mode::Exclusive, true, &what, wait).map(|lock| KeyLock { _lock: lock })
    }

    /// The same without waiting: nothing if somebody else holds the lock.
    pub fn try_lock_key(&self, key: &Digest) -> Result<Option<KeyLock>> {
        let path = self.layout().lock(&format!("key-{}", key.hex()));
        Ok(FileLock::attempt(&path, Mode::Exclusive, true)?.map(|lock| KeyLock { _lock: lock }))
    }
}
