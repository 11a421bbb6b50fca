//! The root file system as one tar.

use std::io::{Read, Write};

use plimsoll_layer::{Entry, LayerError, LayerIndex, TarOptions, write_tar};
use plimsoll_snapshot::Snapshots;
use plimsoll_store::LayerId;

use crate::ExportError;
use crate::merged::Merged;

/// Writes the root file system that a chain of layers shows, bottom first. Owners, modes and devices are those of the
/// image whoever runs this; no time is later than `epoch`, in seconds since 1970.
///
/// Layers that are not unpacked are unpacked first, for which a plain user needs the user namespace.
pub fn tar(
    snapshots: &Snapshots,
    chain: &[LayerId],
    epoch: Option<i64>,
    out: &mut dyn Write,
) -> Result<(), ExportError> {
    let merged = Merged::open(snapshots, chain)?;
    let failed = |source| ExportError::RootFileSystem { source };
    let index = LayerIndex::from_entries(merged.entries.iter().cloned()).map_err(failed)?;
    let mut open = |entry: &Entry| -> std::io::Result<Box<dyn Read>> { Ok(Box::new(merged.content(entry)?)) };
    write_tar(&index, &mut open, TarOptions { clamp: epoch, ..TarOptions::default() }, out).map_err(
        |error| match error {
            LayerError::Write { source } => ExportError::Write { source },
            source => ExportError::RootFileSystem { source },
        },
    )?;
    out.flush().map_err(|source| ExportError::Write { source })
}
