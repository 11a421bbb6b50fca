//! Root file systems of several platforms in one place: each in a directory of its own, or all in the same.

use std::collections::BTreeMap;

use plimsoll_snapshot::Snapshots;
use plimsoll_store::LayerId;

use crate::ExportError;
use crate::merged::Merged;

/// A root file system to be written out.
#[derive(Clone, Copy, Debug)]
pub struct Root<'a> {
    /// Its layers, bottom first.
    pub chain: &'a [LayerId],
    /// What it is for, for messages.
    pub platform: &'a str,
    /// The directory of the destination that gets it; none for the destination itself.
    pub directory: Option<&'a str>,
}

/// The roots with their files; two that would give one path different owners are an error.
pub(crate) fn open<'a>(
    snapshots: &Snapshots,
    roots: &[Root<'a>],
) -> Result<Vec<(Root<'a>, Merged)>, ExportError> {
    let mut opened: Vec<(Root<'a>, Merged)> = Vec::with_capacity(roots.len());
    let mut owners: BTreeMap<Vec<u8>, &str> = BTreeMap::new();
    for root in roots {
        let merged = Merged::open(snapshots, root.chain)?;
        if roots.len() > 1 && root.directory.is_none() {
            for entry in merged.entries.iter().filter(|entry| !entry.is_directory()) {
                if let Some(first) = owners.insert(entry.path.clone(), root.platform) {
                    let path = String::from_utf8_lossy(&entry.path).into_owned();
                    let (first, second) = (first.to_owned(), root.platform.to_owned());
                    return Err(ExportError::SamePath { path, first, second });
                }
            }
        }
        opened.push((*root, merged));
    }
    Ok(opened)
}
