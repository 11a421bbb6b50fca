//! The files of a source, wherever they are: in a folder, in an archive, compressed, or alone.
//!
//! What a file is, its first bytes say, not its name. Files in a folder may be archives and compressed; what is in an archive is taken
//! as it is. Folders are read in the order of their names, so that the same input is read in the same way everywhere.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use crate::error::BuildError;

/// The most bytes of one input after decompression.
const LONGEST_INPUT: u64 = 16 << 30;
/// How deep folders may lie in each other.
const DEEPEST_FOLDER: usize = 16;

/// One file.
pub(crate) struct Entry<'a> {
    /// Its path, for messages and to decide what it is.
    pub(crate) name: &'a str,
    pub(crate) content: &'a mut dyn BufRead,
}

impl Entry<'_> {
    /// What is behind the last dot of its name, in lower case.
    pub(crate) fn form(&self) -> String {
        let name = self.name.rsplit('/').next().unwrap_or_default();
        name.rsplit_once('.').map(|(_, form)| form.to_ascii_lowercase()).unwrap_or_default()
    }
}

/// What takes the files.
pub(crate) type Visit<'v> = dyn FnMut(&mut Entry<'_>) -> Result<(), BuildError> + 'v;

/// Visits all files of an input.
pub(crate) fn visit(path: &Path, visit: &mut Visit<'_>) -> Result<(), BuildError> {
    let metadata = std::fs::metadata(path).map_err(|source| BuildError::read(path, source))?;
    if metadata.is_dir() {
        return folder(path, path, 0, visit);
    }
    if !metadata.is_file() {
        return Err(BuildError::read(path, io::Error::other("it is neither a file nor a directory")));
    }
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    file(path, &name, visit)
}

fn folder(root: &Path, path: &Path, depth: usize, visit: &mut Visit<'_>) -> Result<(), BuildError> {
    if depth > DEEPEST_FOLDER {
        return Err(BuildError::read(path, io::Error::other("folders lie too deep in each other")));
    }
    let entries = std::fs::read_dir(path).map_err(|source| BuildError::read(path, source))?;
    let mut paths: Vec<(PathBuf, bool)> = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|source| BuildError::read(path, source))?;
        // Links are not followed: they may lead in a circle, or out of the folder.
        let kind = entry.file_type().map_err(|source| BuildError::read(&entry.path(), source))?;
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if !is_hidden && (kind.is_dir() || kind.is_file()) {
            paths.push((entry.path(), kind.is_dir()));
        }
    }
    paths.sort_unstable();
    for (path, is_folder) in paths {
        if is_folder {
            folder(root, &path, depth + 1, visit)?;
        } else {
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            file(&path, &name, visit)?;
        }
    }
    Ok(())
}

fn file(path: &Path, name: &str, visit: &mut Visit<'_>) -> Result<(), BuildError> {
    let failed = |source| BuildError::read(path, source);
    let opened = File::open(path).map_err(failed)?;
    let mut start = BufReader::with_capacity(1 << 16, opened);
    let magic: Vec<u8> = start.fill_buf().map_err(failed)?.iter().take(4).copied().collect();
    match magic.as_slice() {
        [b'P', b'K', 3, 4] | [b'P', b'K', 5, 6] => zip(path, start, visit),
        [0x1f, 0x8b, ..] => {
            let name = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".tgz")).unwrap_or(name);
            unpacked(path, name, flate2::bufread::MultiGzDecoder::new(start), visit)
        }
        [0x28, 0xb5, 0x2f, 0xfd] => {
            let name = name.strip_suffix(".zst").unwrap_or(name);
            unpacked(path, name, zstd::Decoder::with_buffer(start).map_err(failed)?, visit)
        }
        _ => unpacked(path, name, start, visit),
    }
}

/// A tar archive or a single file.
fn unpacked(path: &Path, name: &str, reader: impl Read, visit: &mut Visit<'_>) -> Result<(), BuildError> {
    const MAGIC: std::ops::Range<usize> = 257..262;
    let mut reader = BufReader::with_capacity(1 << 17, Filled(reader).take(LONGEST_INPUT));
    let start = reader.fill_buf().map_err(|source| BuildError::read(path, source))?;
    if start.get(MAGIC) != Some(b"ustar") {
        return visit(&mut Entry { name, content: &mut reader });
    }
    let mut archive = tar::Archive::new(reader);
    let entries = archive.entries().map_err(|source| BuildError::read(path, source))?;
    for entry in entries {
        let entry = entry.map_err(|source| BuildError::read(path, source))?;
        if entry.header().entry_type().is_file() {
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            visit(&mut Entry { name: &name, content: &mut BufReader::with_capacity(1 << 13, entry) })?;
        }
    }
    Ok(())
}

/// A reader that fills what it is given as far as there is something: decoders stop at the borders of their blocks.
struct Filled<R>(R);

impl<R: Read> Read for Filled<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut length = 0;
        while length < buffer.len() {
            match self.0.read(&mut buffer[length..]) {
                Ok(0) => break,
                Ok(more) => length += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if length == 0 => return Err(error),
                // What was read is handed out first; the error comes again with the next call.
                Err(_) => break,
            }
        }
        Ok(length)
    }
}

fn zip(path: &Path, reader: BufReader<File>, visit: &mut Visit<'_>) -> Result<(), BuildError> {
    let failed = |source: zip::result::ZipError| BuildError::read(path, io::Error::other(source));
    let mut archive = zip::ZipArchive::new(reader).map_err(failed)?;
    for place in 0..archive.len() {
        let entry = archive.by_index(place).map_err(failed)?;
        if entry.is_file() {
            let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
            let limited = entry.take(LONGEST_INPUT);
            visit(&mut Entry { name: &name, content: &mut BufReader::with_capacity(1 << 13, limited) })?;
        }
    }
    Ok(())
}

/// The whole content of a file up to a limit; nothing beyond it.
pub(crate) fn read_whole(content: &mut dyn BufRead, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    content.take(limit + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= limit).then_some(bytes))
}
