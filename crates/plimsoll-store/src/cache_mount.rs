//! Cache mounts (`RUN --mount=type=cache`): directories that steps keep between runs, outside of every layer.
//!
//! `mounts-v0/<digest of the id>/` holds the id in `name` and one directory per slot. Slot 0 is the one that everybody
//! shares; private mounts take the first slot that nobody uses. A slot is in use while its lock is held.

use std::fs::{self, File};
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use plimsoll_oci::Digest;

use crate::Store;
use crate::error::{IoContext as _, Result};
use crate::id::random_text;
use crate::layout::{self, MOUNTS};
use crate::lock::{FileLock, Mode};

/// The file with the id.
pub(crate) const NAME: &str = "name";

/// Who may use a cache mount at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// Any number of steps.
    Shared,
    /// One step after the other.
    Locked,
    /// Any number, but each gets a directory that nobody else uses.
    Private,
}

/// A cache mount that is in use until this is dropped.
#[derive(Debug)]
pub struct CacheMount {
    directory: PathBuf,
    _lock: FileLock,
}

impl CacheMount {
    /// The directory to be mounted.
    pub fn directory(&self) -> &Path {
        &self.directory
    }
}

/// The name of the directory of an id, which may hold any characters.
fn directory_name(id: &str) -> String {
    Digest::of(id).hex()[..32].to_owned()
}

/// The lock of one slot.
pub(crate) fn lock_name(directory: &str, slot: &str) -> String {
    format!("mount-{directory}-{slot}")
}

/// Notes a use; false if the slot is not there yet. The slot's lock is held, so it will not go away.
fn use_slot(directory: &Path) -> Result<bool> {
    if !directory.exists() {
        return Ok(false);
    }
    let name = directory.with_file_name(NAME);
    let file = File::options().write(true).open(&name).on("open", &name)?;
    file.set_modified(SystemTime::now()).on("set the time of", &name)?;
    Ok(true)
}

impl Store {
    /// The cache mount of an id, locked as asked for.
    ///
    /// `wait` is asked while somebody else is in the way, as in [`Store::lock_key`]. `fill` is called with a new directory
    /// (mode 0700) before anybody sees it: the place to set owner and mode, and to copy the contents it starts with.
    pub fn cache_mount(
        &self,
        id: &str,
        sharing: Sharing,
        wait: &mut dyn FnMut(Duration) -> ControlFlow<()>,
        fill: &mut dyn FnMut(&Path) -> io::Result<()>,
    ) -> Result<CacheMount> {
        let name = directory_name(id);
        let what = || format!("the cache mount `{id}`");
        let (slot, lock) = match sharing {
            Sharing::Shared | Sharing::Locked => {
                let mode = if sharing == Sharing::Shared { Mode::Shared } else { Mode::Exclusive };
                let path = self.layout().lock(&lock_name(&name, "0"));
                (0, FileLock::acquire(&path, mode, false, &what, wait)?)
            }
            Sharing::Private => self.free_slot(&name)?,
        };
        let directory = self.layout().directory(MOUNTS).join(&name).join(slot.to_string());
        if !use_slot(&directory)? {
            let path = self.layout().lock(&format!("fill-{name}-{slot}"));
            let _filling = FileLock::acquire(&path, Mode::Exclusive, true, &what, wait)?;
            if !use_slot(&directory)? {
                self.fill_slot(id, &directory, fill)?;
            }
        }
        Ok(CacheMount { directory, _lock: lock })
    }

    fn free_slot(&self, name: &str) -> Result<(u32, FileLock)> {
        let mut slot = 0;
        loop {
            let path = self.layout().lock(&lock_name(name, &slot.to_string()));
            if let Some(lock) = FileLock::attempt(&path, Mode::Exclusive, false)? {
                return Ok((slot, lock));
            }
            slot += 1;
        }
    }

    fn fill_slot(
        &self,
        id: &str,
        directory: &Path,
        fill: &mut dyn FnMut(&Path) -> io::Result<()>,
    ) -> Result<()> {
        let session = self.session()?;
        let scratch = session.directory().join(format!("mount-{}", random_text()?));
        layout::make_directory(&scratch)?;
        fill(&scratch).on("prepare the cache mount", &scratch)?;
        // Prune must not remove the directory above between the two renames.
        session.gated(|| {
            let name = directory.with_file_name(NAME);
            if !name.exists() {
                let parent = directory.parent().expect("a slot lies in the directory of its id");
                layout::make_directory(parent)?;
                let scratch = session.directory().join(format!("name-{}", random_text()?));
                layout::write_by_rename(&scratch, &name, id.as_bytes())?;
            }
            fs::rename(&scratch, directory).on("put in place", directory)
        })
    }
}
