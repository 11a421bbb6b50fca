//! Which kind of archive it is, and the two ways in: a stream and a path.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use plimsoll_layer::{Limits, ReadOptions, Whiteouts, decompress, read_layer};
use plimsoll_oci::{Descriptor, Digest, Index};
use plimsoll_store::Store;

use super::LoadedImage;
use super::sink::{ArchiveSink, LARGEST_LIST};
use super::{docker, oci};
use crate::ExportError;
use crate::layout::{DOCKER_MANIFEST, INDEX, REF_NAME, blob_path};

/// More files than this are in no honest archive of images.
const MOST_ENTRIES: u64 = 1_000_000;

/// Reads images from a tar, which may be compressed: an OCI image layout, or Docker's archive.
///
/// The stream is read once, to its end. Blobs are in the store afterwards, and in this handle's lease.
pub fn load(store: &Store, reader: Box<dyn Read + Send>) -> Result<Vec<LoadedImage>, ExportError> {
    let mut tar = decompress(reader).map_err(|source| ExportError::Decompress { source })?;
    let mut sink = ArchiveSink::new(store);
    let limits = Limits { entries: MOST_ENTRIES, ..Limits::default() };
    let read = read_layer(&mut tar, &ReadOptions { whiteouts: Whiteouts::Literal, limits }, &mut sink);
    if let Some(failure) = sink.failure.take() {
        return Err(failure);
    }
    read.map_err(|source| ExportError::Archive { source })?;
    if let Some(index) = sink.lists.get(INDEX) {
        let bring = |digest: &Digest| Ok(store.protect_blobs(&[*digest])?);
        return oci::images(store, index, sink.lists.get(DOCKER_MANIFEST).map(Vec::as_slice), &bring);
    }
    match sink.lists.get(DOCKER_MANIFEST) {
        Some(list) => docker::images(store, list, &sink.files),
        None => Err(ExportError::NoImageInside),
    }
}

/// Reads images from a file, as [`load`], or from a directory with an OCI image layout.
pub fn load_path(store: &Store, path: &Path) -> Result<Vec<LoadedImage>, ExportError> {
    let failed = |path: &Path, source| ExportError::Io { path: path.to_owned(), source };
    let file = File::open(path).map_err(|source| failed(path, source))?;
    if !file.metadata().map_err(|source| failed(path, source))?.is_dir() {
        return load(store, Box::new(file));
    }
    let index = path.join(INDEX);
    let bytes = match read_list(&index) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(ExportError::NoImageInside),
        other => other.map_err(|source| failed(&index, source))?,
    };
    oci::images(store, &bytes, None, &|digest| bring(store, path, digest))
}

/// Reads one image from a directory with an OCI image layout: that of a digest, of a tag, or the only one. Without any of
/// these it is the one with the tag `latest`.
pub fn load_from_layout(
    store: &Store,
    directory: &Path,
    tag: Option<&str>,
    digest: Option<Digest>,
) -> Result<Descriptor, ExportError> {
    let path = directory.join(INDEX);
    let failed = |source| ExportError::Io { path: path.clone(), source };
    let bytes = read_list(&path).map_err(failed)?;
    let index: Index = serde_json::from_slice(&bytes)
        .map_err(|source| ExportError::ArchiveFile { path: INDEX.to_owned(), source })?;
    let tagged = |entry: &&Descriptor| {
        let name = entry.annotations.get(REF_NAME).map(String::as_str);
        name == Some(tag.unwrap_or("latest"))
    };
    let chosen = match (digest, index.manifests.as_slice()) {
        (Some(digest), entries) => entries.iter().find(|entry| entry.digest == digest).cloned(),
        (None, [only]) if tag.is_none() => Some(only.clone()),
        (None, entries) => entries.iter().find(tagged).cloned(),
    };
    let Some(chosen) = chosen else {
        let wanted = digest.map_or_else(|| tag.unwrap_or("latest").to_owned(), |digest| digest.to_string());
        return Err(ExportError::NotInLayout { directory: directory.to_owned(), wanted });
    };
    let only = Index { manifests: vec![chosen.clone()], ..index };
    let bytes = serde_json::to_vec(&only).expect("an index has only texts and numbers");
    oci::images(store, &bytes, None, &|digest| bring(store, directory, digest))?;
    Ok(chosen)
}

/// Copies a blob of a layout into the store, if the layout has it.
fn bring(store: &Store, directory: &Path, digest: &Digest) -> Result<bool, ExportError> {
    if store.protect_blobs(&[*digest])? {
        return Ok(true);
    }
    let path = directory.join(blob_path(digest));
    let failed = |source| ExportError::Io { path: path.clone(), source };
    let mut file = match File::open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        other => other.map_err(failed)?,
    };
    let mut writer = store.blob_writer()?;
    io::copy(&mut file, &mut writer).map_err(failed)?;
    writer.commit(Some(digest))?;
    Ok(true)
}

fn read_list(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST_LIST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_LIST {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 16 MiB"));
    }
    Ok(bytes)
}
