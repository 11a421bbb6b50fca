//! Archives that `ADD` unpacks over what is at the destination.
//!
//! The destination is the root of everything an archive can name: an absolute link on the way starts there, and one that
//! leads above it is refused. Whatever an entry finds at its path is replaced, except a directory by a directory,
//! which gets the entry's metadata. At the end each path that was a directory gets the directory's time, whatever is
//! there by then.

use std::io::Read;

use plimsoll_layer::{ENTRIES, Entry, Kind, LayerError, Limits, Timestamp, read_archive};
use plimsoll_snapshot::Snapshots;

use crate::changeset::{Changeset, NewDirectory, shown};
use crate::error::ExecuteError;
use crate::select::join;
use crate::tree::Tree;

/// It is asked for room in pieces of so many bytes.
const ROOM: u64 = 64 << 20;

/// Puts the entries of an archive below a directory.
pub(crate) struct Unpacker<'c, 'b> {
    /// The layer that is written.
    pub(crate) changes: &'c mut Changeset<'b>,
    /// Where the archive's root is.
    pub(crate) destination: Vec<u8>,
    /// `--chown`.
    pub(crate) owner: Option<(u32, u32)>,
    /// What directories get that the archive only implies.
    pub(crate) new: NewDirectory,
    /// The files of the layers below, if they are unpacked.
    pub(crate) base: Option<&'c Tree>,
    /// Says whether so many more bytes may be written.
    pub(crate) room: &'c Snapshots,
    /// The most entries: each takes memory until the layer is written.
    pub(crate) most_entries: u64,
    /// Bytes that were not asked for yet.
    pub(crate) unasked: u64,
    /// The archive's directories with their times.
    pub(crate) directories: Vec<(Vec<u8>, Timestamp)>,
}

impl Unpacker<'_, '_> {
    /// Unpacks a whole tar.
    pub(crate) fn unpack(&mut self, tar: &mut dyn Read) -> Result<(), ExecuteError> {
        let limits = Limits { entries: self.most_entries, ..Limits::default() };
        let read = read_archive(tar, limits, &mut |entry, content| self.put(entry, content));
        read.map_err(|error| match error {
            ExecuteError::Layer { source: LayerError::Limit { what: ENTRIES, limit } } => {
                ExecuteError::TooManyEntries { limit }
            }
            error => error,
        })?;
        for (path, mtime) in std::mem::take(&mut self.directories) {
            let place = self.resolve(&path, &path)?;
            if self.changes.entry(&place).is_none() {
                return Err(ExecuteError::NotADirectory { path: shown(&place) });
            }
            self.changes.set_time(&place, mtime);
        }
        Ok(())
    }

    fn put(&mut self, mut entry: Entry, content: &mut dyn Read) -> Result<(), ExecuteError> {
        let written = entry.path.clone();
        let parent = self.resolve(entry.parent(), &written)?;
        self.changes.ensure_directory(&parent, self.new)?;
        entry.path = join(&parent, entry.name());
        // A new mode is for what is copied, not for what an archive brings.
        if let Some((uid, gid)) = self.owner {
            (entry.uid, entry.gid) = (uid, gid);
        }
        let is_directory = self.changes.entry(&entry.path).is_some_and(Entry::is_directory);
        match &entry.kind {
            Kind::Directory { .. } => {
                self.directories.push((written, entry.mtime));
                if is_directory {
                    return self.changes.put_directory(entry);
                }
                self.changes.replace(&entry.path)?;
                self.changes.put_new_directory(entry)
            }
            Kind::File { size } => {
                self.ask(*size)?;
                self.changes.replace(&entry.path)?;
                self.changes.put_bytes(entry, content)
            }
            Kind::Hardlink { target } => {
                let target = self.link_target(target, &written)?;
                self.changes.replace(&entry.path)?;
                self.changes.put_link(entry, &target, self.base)
            }
            _ => {
                self.changes.replace(&entry.path)?;
                self.changes.put_other(entry)
            }
        }
    }

    /// Before the bytes are written and not after: an archive can be a thousand times smaller than what is in it.
    fn ask(&mut self, size: u64) -> Result<(), ExecuteError> {
        self.unasked = self.unasked.saturating_add(size);
        if self.unasked >= ROOM {
            self.room.ensure_room(self.unasked)?;
            self.unasked = 0;
        }
        Ok(())
    }

    fn link_target(&self, target: &[u8], written: &[u8]) -> Result<Vec<u8>, ExecuteError> {
        let (parent, name) = match target.iter().rposition(|byte| *byte == b'/') {
            Some(end) => (&target[..end], &target[end + 1..]),
            None => (&[][..], target),
        };
        Ok(join(&self.resolve(parent, written)?, name))
    }

    /// Where a directory of the archive is, links followed; what is missing of it is taken as written.
    fn resolve(&self, directory: &[u8], written: &[u8]) -> Result<Vec<u8>, ExecuteError> {
        self.changes.resolve(&self.destination, directory, false)?.ok_or_else(|| {
            let path = String::from_utf8_lossy(written).into_owned();
            let reason = "a link on the way leads out of the destination";
            ExecuteError::Layer { source: LayerError::Path { path, reason } }
        })
    }
}
