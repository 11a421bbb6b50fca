//! Images as one tar, or as a directory: an OCI image layout, for Docker with its `manifest.json` beside it.
//!
//! The same images and names give the same bytes: files are sorted, times are 0, owners are root. Docker's archive is
//! an OCI image layout at the same time, as Docker itself writes it since version 25; its layers stay compressed, which
//! all its readers accept.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;

use plimsoll_layer::{Entry, Kind, LayerIndex, TarOptions, write_tar};
use plimsoll_oci::Digest;
use plimsoll_snapshot::Snapshots;
use plimsoll_store::Store;

use crate::ExportError;
use crate::layout::{self, Bundle, Content, INDEX};

/// What an archive is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArchiveFormat {
    /// An OCI image layout.
    Oci,
    /// What `docker load` of any version reads.
    Docker,
}

/// Writes images as one tar; gives its size in bytes.
pub fn archive(
    snapshots: &Snapshots,
    bundles: &[Bundle<'_>],
    format: ArchiveFormat,
    out: &mut dyn Write,
) -> Result<u64, ExportError> {
    partial(snapshots, bundles, format, &BTreeSet::new(), out)
}

/// The same without some blobs, for a reader that has them.
pub(crate) fn partial(
    snapshots: &Snapshots,
    bundles: &[Bundle<'_>],
    format: ArchiveFormat,
    known: &BTreeSet<Digest>,
    out: &mut dyn Write,
) -> Result<u64, ExportError> {
    let files = layout::files(snapshots, bundles, format, known)?;
    let mut entries = vec![Entry::directory("blobs"), Entry::directory(layout::BLOBS)];
    for (path, content) in &files {
        entries.push(Entry::new(path.as_bytes(), Kind::File { size: content.size() }, 0o644));
    }
    let failed = |source| ExportError::RootFileSystem { source };
    let index = LayerIndex::from_entries(entries).map_err(failed)?;
    let mut open = |entry: &Entry| -> io::Result<Box<dyn Read>> {
        let path = String::from_utf8_lossy(&entry.path);
        let content = files.get(path.as_ref()).expect("every entry is one of the files");
        reader(snapshots.store(), content)
    };
    let mut counted = Counted { out, size: 0 };
    write_tar(&index, &mut open, TarOptions::default(), &mut counted).map_err(archive_error)?;
    counted.flush().map_err(|source| ExportError::Write { source })?;
    Ok(counted.size)
}

/// Writes a layout into a directory, which is made if it is not there; gives the bytes that were written.
///
/// Blobs that are there already are left alone. Images that the directory lists under other names stay listed.
pub fn layout_directory(
    snapshots: &Snapshots,
    bundles: &[Bundle<'_>],
    format: ArchiveFormat,
    directory: &Path,
) -> Result<u64, ExportError> {
    let io = |path: &Path, source| ExportError::Io { path: path.to_owned(), source };
    let mut files = layout::files(snapshots, bundles, format, &BTreeSet::new())?;
    layout::keep_listed(&mut files, directory)?;
    let blobs = directory.join(layout::BLOBS);
    fs::create_dir_all(&blobs).map_err(|source| io(&blobs, source))?;
    let mut written = 0;
    // What lists the images comes last: whoever reads meanwhile sees the old list or the new one, never half of it.
    let (last, blobs): (Vec<_>, Vec<_>) = files.iter().partition(|(path, _)| path.as_str() == INDEX);
    for (path, content) in blobs.into_iter().chain(last) {
        let target = directory.join(path);
        let is_blob = path.starts_with(layout::BLOBS);
        if is_blob && fs::metadata(&target).is_ok_and(|there| there.len() == content.size()) {
            continue;
        }
        let name = target.file_name().expect("files of a layout have names").to_string_lossy();
        let scratch = target.with_file_name(format!(".{name}.part"));
        let copy = || -> io::Result<u64> {
            let mut file = fs::File::create(&scratch)?;
            let size = io::copy(&mut reader(snapshots.store(), content)?, &mut file)?;
            fs::rename(&scratch, &target)?;
            Ok(size)
        };
        written += copy().map_err(|source| io(&target, source))?;
    }
    Ok(written)
}

fn reader(store: &Store, content: &Content) -> io::Result<Box<dyn Read>> {
    Ok(match content {
        Content::Bytes(bytes) => Box::new(io::Cursor::new(bytes.clone())),
        Content::Blob(blob) => Box::new(store.blob_reader(&blob.digest).map_err(io::Error::other)?),
    })
}

/// The layer writer's words for a destination that fails and for a blob that is broken.
fn archive_error(error: plimsoll_layer::LayerError) -> ExportError {
    match error {
        plimsoll_layer::LayerError::Write { source } => ExportError::Write { source },
        plimsoll_layer::LayerError::Content { path, source } => ExportError::Io { path: path.into(), source },
        source => ExportError::RootFileSystem { source },
    }
}

/// Counts what goes through.
struct Counted<'a> {
    out: &'a mut dyn Write,
    size: u64,
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
