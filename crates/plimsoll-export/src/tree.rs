//! Root file systems as one tar.

use std::collections::{BTreeMap, HashMap};
use std::io::{Read, Write};

use plimsoll_layer::{Entry, Kind, LayerError, LayerIndex, TarOptions, Timestamp, write_tar};
use plimsoll_snapshot::Snapshots;

use crate::ExportError;
use crate::merged::Merged;
use crate::roots::{self, Root};

/// Writes root file systems. Owners, modes and devices are those of the images whoever runs this; no time is later than
/// `epoch`, in seconds since 1970.
///
/// Layers that are not unpacked are unpacked first, for which a plain user needs the user namespace.
pub fn tar(
    snapshots: &Snapshots,
    roots: &[Root<'_>],
    epoch: Option<i64>,
    out: &mut dyn Write,
) -> Result<(), ExportError> {
    let roots = roots::open(snapshots, roots)?;
    let failed = |source| ExportError::RootFileSystem { source };
    let mut entries: BTreeMap<Vec<u8>, Entry> = BTreeMap::new();
    let mut places: HashMap<Vec<u8>, (usize, &Entry)> = HashMap::new();
    for (number, (root, merged)) in roots.iter().enumerate() {
        let under = |path: &[u8]| match root.directory {
            Some(directory) => [directory.as_bytes(), b"/", path].concat(),
            None => path.to_vec(),
        };
        if let Some(directory) = root.directory {
            let mut entry = Entry::directory(directory);
            entry.mtime = newest(merged);
            entries.insert(entry.path.clone(), entry);
        }
        for entry in &merged.entries {
            let mut moved = Entry { path: under(&entry.path), ..entry.clone() };
            // A tar has whole seconds, and this one the nearest, as with Docker; layers have those that began.
            let half = i64::from(moved.mtime.nanoseconds >= 500_000_000);
            moved.mtime = Timestamp::from_seconds(moved.mtime.seconds.saturating_add(half));
            if let Kind::Hardlink { target } = &mut moved.kind {
                *target = under(target);
            }
            places.insert(moved.path.clone(), (number, entry));
            entries.entry(moved.path.clone()).or_insert(moved);
        }
    }
    let index = LayerIndex::from_entries(entries.into_values()).map_err(failed)?;
    let mut open = |entry: &Entry| -> std::io::Result<Box<dyn Read>> {
        let (number, original) = places.get(&entry.path).ok_or(std::io::ErrorKind::NotFound)?;
        Ok(Box::new(roots[*number].1.content(original)?))
    };
    let options = TarOptions { clamp: epoch, literal_names: true, ..TarOptions::default() };
    write_tar(&index, &mut open, options, out).map_err(|error| match error {
        LayerError::Write { source } => ExportError::Write { source },
        source => ExportError::RootFileSystem { source },
    })?;
    out.flush().map_err(|source| ExportError::Write { source })
}

/// The time of the newest entry: a directory around a root is as old as what is in it.
fn newest(merged: &Merged) -> Timestamp {
    let times = merged.entries.iter().map(|entry| (entry.mtime.seconds, entry.mtime.nanoseconds));
    let (seconds, nanoseconds) = times.max().unwrap_or_default();
    Timestamp { seconds, nanoseconds }
}
