//! The paths of a directory, each with what the ignore file decides about it, as a build takes them.
//!
//! What an ignored directory holds is looked at only where an exception may let some of it in. Sockets are in no context.

use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::Path;

use anyhow::{Context as _, Result};
use plimsoll_dockerfile::ignore::{Decision, IgnoreFile, Matched};

/// A path that something is decided about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Relative to the context.
    pub(crate) path: String,
    pub(crate) is_directory: bool,
    pub(crate) is_file: bool,
    /// Bytes of a file; of nothing else.
    pub(crate) size_bytes: u64,
    /// Seconds since 1970.
    pub(crate) changed: i64,
    /// Whether it is in the context: an ignored directory is when something in it is.
    pub(crate) is_kept: bool,
    pub(crate) decision: Decision,
}

/// Walks a directory; the result is in the order of the paths.
pub(crate) fn walk(context: &Path, ignore: &IgnoreFile) -> Result<Vec<Entry>> {
    Ok(walk_at_most(context, ignore, usize::MAX)?.0)
}

/// The same, with the walk ended at so many paths; tells whether there were no more.
pub(crate) fn walk_at_most(context: &Path, ignore: &IgnoreFile, most: usize) -> Result<(Vec<Entry>, bool)> {
    let mut walk = Walk { ignore, found: Vec::new(), most, is_complete: true };
    walk.directory(context, &[], &Matched::default())?;
    let mut found = walk.found;
    found.sort_by(|left, right| left.path.split('/').cmp(right.path.split('/')));
    Ok((found, walk.is_complete))
}

struct Walk<'i> {
    ignore: &'i IgnoreFile,
    found: Vec<Entry>,
    most: usize,
    is_complete: bool,
}

impl Walk<'_> {
    /// Adds what a directory holds; true if anything of it is in the context.
    fn directory(&mut self, directory: &Path, path: &[u8], matched: &Matched) -> Result<bool> {
        let failed = || format!("cannot read `{}`", directory.display());
        let mut any = false;
        for entry in std::fs::read_dir(directory).with_context(failed)? {
            if self.found.len() >= self.most {
                self.is_complete = false;
                break;
            }
            let entry = entry.with_context(failed)?;
            let name = entry.file_name();
            let separator: &[u8] = if path.is_empty() { b"" } else { b"/" };
            let path = [path, separator, name.as_bytes()].concat();
            any |= self.child(&entry, &path, matched)?;
        }
        Ok(any)
    }

    fn child(&mut self, entry: &std::fs::DirEntry, path: &[u8], matched: &Matched) -> Result<bool> {
        let data = match entry.metadata() {
            // Gone since the directory was read.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            other => other.with_context(|| format!("cannot read `{}`", entry.path().display()))?,
        };
        if data.file_type().is_socket() {
            return Ok(false);
        }
        let decision = self.ignore.matches_below(matched, path);
        let place = self.found.len();
        self.found.push(Entry {
            path: String::from_utf8_lossy(path).into_owned(),
            is_directory: data.is_dir(),
            is_file: data.is_file(),
            size_bytes: if data.is_file() { data.size() } else { 0 },
            changed: data.mtime(),
            is_kept: !decision.ignored,
            decision,
        });
        if data.is_dir() && (!decision.ignored || self.ignore.may_contain_exception_below(path)) {
            let any = self.directory(&entry.path(), path, &self.ignore.enter(matched, path))?;
            self.found[place].is_kept |= any;
        }
        Ok(self.found[place].is_kept)
    }
}
