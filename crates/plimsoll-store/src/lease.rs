//! Leases: what a running build uses, so that prune leaves it alone.
//!
//! A lease is a file under a shared `flock`, which the kernel releases when the process is gone; its lines name layers,
//! blobs and builds. A name is written *before* the thing is looked at for the last time, and both happen while the
//! store's gate is held shared. Prune holds the gate alone from reading the leases until what it removes has no name any
//! more. So a build either is seen by prune, or sees that the thing is gone; there is no third order.
//!
//! Each lease has one directory in `tmp/` of its name. Whoever finds the lock free may remove it.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use plimsoll_oci::Digest;

use crate::Store;
use crate::error::{IoContext as _, Result};
use crate::id::{BuildId, LayerId, random_text};
use crate::layout::{self, LOCKS, Layout, TEMPORARY};
use crate::lock::{FileLock, Mode};
use crate::remove::remove_tree;

/// The lock that orders leases against prune; held for moments only.
const GATE: &str = "gate";
const PREFIX: &str = "lease-";

/// One handle's lease and its temporary directory.
#[derive(Debug)]
pub(crate) struct Session {
    directory: PathBuf,
    gate: PathBuf,
    lock: FileLock,
    names: Mutex<BTreeSet<String>>,
    // Layers in the lease that were found present: prune leaves them, so they need no second look.
    present: Mutex<BTreeSet<LayerId>>,
}

/// What can be named in a lease.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Name<'a> {
    Layer(&'a LayerId),
    Blob(&'a Digest),
    Build(&'a BuildId),
}

impl Name<'_> {
    pub(crate) fn line(self) -> String {
        match self {
            Self::Layer(id) => format!("layer {id}"),
            Self::Blob(digest) => format!("blob {}", digest.hex()),
            Self::Build(id) => format!("build {id}"),
        }
    }
}

impl Session {
    pub(crate) fn create(layout: &Layout) -> Result<Self> {
        loop {
            let name = random_text()?;
            let path = layout.lock(&format!("{PREFIX}{name}"));
            // The lock comes before the directory, so that a sweep never finds the one without the other. A sweep may hold
            // the new file's lock for a moment; then another name is taken.
            let Some(lock) = FileLock::attempt(&path, Mode::Shared, true)? else { continue };
            let directory = layout.temporary(&name);
            layout::make_directory(&directory)?;
            return Ok(Self {
                directory,
                gate: layout.lock(GATE),
                lock,
                names: Mutex::default(),
                present: Mutex::default(),
            });
        }
    }

    /// This handle's own directory in `tmp/`.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The layers in the lease that were found present.
    pub(crate) fn present(&self) -> MutexGuard<'_, BTreeSet<LayerId>> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something that prune must not come between.
    pub(crate) fn gated<T>(&self, action: impl FnOnce() -> Result<T>) -> Result<T> {
        let _gate = FileLock::acquire_brief(&self.gate, Mode::Shared)?;
        action()
    }

    /// Names things in the lease, then looks at them; prune can do nothing in between.
    pub(crate) fn protect<T>(&self, names: &[Name<'_>], look: impl FnOnce() -> Result<T>) -> Result<T> {
        let mut known = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let lines: BTreeSet<_> =
            names.iter().map(|name| name.line()).filter(|line| !known.contains(line)).collect();
        if lines.is_empty() {
            drop(known);
            return look();
        }
        let _gate = FileLock::acquire_brief(&self.gate, Mode::Shared)?;
        let text = lines.iter().fold(String::new(), |text, line| text + line + "\n");
        self.lock.file().write_all(text.as_bytes()).on("write into the lease in", &self.gate)?;
        known.extend(lines);
        drop(known);
        look()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // What cannot be removed (files of subordinate ids, outside of the namespace) is left to a sweep that can.
        let _removed = remove_tree(&self.directory);
    }
}

impl Store {
    /// Names layers in this handle's lease: they stay until the last clone of the handle is dropped. True if all are
    /// present now.
    pub fn protect_layers(&self, layers: &[LayerId]) -> Result<bool> {
        let session = self.session()?;
        let unknown: Vec<_> = {
            let present = session.present();
            layers.iter().filter(|layer| !present.contains(layer)).collect()
        };
        if unknown.is_empty() {
            return Ok(true);
        }
        let names: Vec<_> = unknown.iter().map(|layer| Name::Layer(layer)).collect();
        session.protect(&names, || {
            let mut all = true;
            for layer in &unknown {
                if self.layer_present(layer)? {
                    session.present().insert((*layer).clone());
                    self.touch_layer(layer)?;
                } else {
                    all = false;
                }
            }
            Ok(all)
        })
    }

    /// Names blobs in this handle's lease. True if all are present now.
    pub fn protect_blobs(&self, digests: &[Digest]) -> Result<bool> {
        let names: Vec<_> = digests.iter().map(Name::Blob).collect();
        self.session()?.protect(&names, || {
            for digest in digests {
                if !self.has_blob(digest)? {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    }

    /// Keeps everybody from naming things in a lease; for prune, and for moments only.
    pub(crate) fn close_gate(&self) -> Result<FileLock> {
        FileLock::acquire_brief(&self.layout().lock(GATE), Mode::Exclusive)
    }

    /// The lines of all leases that are alive; needs the gate.
    pub(crate) fn leased(&self, _gate: &FileLock) -> Result<BTreeSet<String>> {
        let mut lines = BTreeSet::new();
        for name in self.names_in(LOCKS)? {
            if !name.starts_with(PREFIX) {
                continue;
            }
            let path = self.layout().lock(&name);
            if FileLock::is_free(&path)? {
                continue;
            }
            let mut text = String::new();
            match File::open(&path).and_then(|mut file| file.read_to_string(&mut text)) {
                Ok(_) => lines.extend(text.lines().map(str::to_owned)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error).on("read the lease", &path),
            }
        }
        Ok(lines)
    }

    /// Removes what processes that are gone left in `tmp/` and `locks/`, and empties the trash. Gives the paths that could
    /// not be removed: a plain user cannot remove files of subordinate ids outside of the namespace.
    pub fn sweep(&self) -> Result<Vec<PathBuf>> {
        let mut left = Vec::new();
        // Directories first: a lease's file that exists proves that its directory may be in use.
        for name in self.names_in(TEMPORARY)? {
            let lock = self.layout().lock(&format!("{PREFIX}{name}"));
            let Some(_held) = FileLock::attempt(&lock, Mode::Exclusive, true)? else { continue };
            let path = self.layout().temporary(&name);
            if remove_tree(&path).is_err() {
                left.push(path);
            }
        }
        for name in self.names_in(LOCKS)? {
            if name != GATE {
                drop(FileLock::attempt(&self.layout().lock(&name), Mode::Exclusive, true)?);
            }
        }
        left.extend(self.empty_trash()?);
        Ok(left)
    }

    /// The names in one of the store's directories, sorted; names that are no text cannot be the store's.
    pub(crate) fn names_in(&self, directory: &str) -> Result<Vec<String>> {
        let path = self.layout().directory(directory);
        let entries = match fs::read_dir(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.on("list", &path)?,
        };
        let mut names = Vec::new();
        for entry in entries {
            names.extend(entry.on("list", &path)?.file_name().into_string());
        }
        names.sort();
        Ok(names)
    }
}
