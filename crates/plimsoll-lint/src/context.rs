//! What the caller can tell about the build context. Nothing is asked unless a rule has a use for it.

use std::cmp::Ordering;

use plimsoll_diagnostics::SourceFile;

/// Answers what a build context holds.
pub trait BuildContext {
    /// Its paths; nothing when it cannot be read.
    fn listing(&self) -> Option<&Listing>;

    /// The text of a small file in it; nothing when there is none, it is large, or it is no text.
    fn read(&self, path: &str) -> Option<String>;

    /// The ignore file in force.
    fn ignore_source(&self) -> Option<&SourceFile>;

    /// Whether nobody said that this is the context: it is the folder that the Dockerfile lies in.
    fn is_guessed(&self) -> bool;
}

/// What a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A plain file.
    File,
    /// A directory.
    Directory,
    /// A link, a device.
    Other,
}

/// A path of a build context. What lies in a directory that is left out as a whole is not among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContextEntry {
    /// Relative to the context, without `.` and `..`.
    pub path: String,
    /// What it is.
    pub kind: EntryKind,
    /// Bytes of a file; of nothing else.
    pub size_bytes: u64,
    /// Whether the build gets it.
    pub is_kept: bool,
    /// The line of the ignore file that decided, 1-based.
    pub line: Option<usize>,
}

/// The paths of a build context.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    entries: Vec<ContextEntry>,
    is_complete: bool,
}

impl Listing {
    /// Takes paths in any order. Of a listing that is cut off, nothing is concluded from what is not in it.
    pub fn new(mut entries: Vec<ContextEntry>, is_complete: bool) -> Self {
        entries.sort_by(|left, right| compare(&left.path, &right.path));
        Self { entries, is_complete }
    }

    /// The paths, what a directory holds right behind it.
    pub fn entries(&self) -> &[ContextEntry] {
        &self.entries
    }

    /// The paths that the build gets.
    pub fn kept(&self) -> impl Iterator<Item = &ContextEntry> {
        self.entries.iter().filter(|entry| entry.is_kept)
    }

    /// Whether nothing was cut off.
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// The entry of a path.
    pub fn find(&self, path: &str) -> Option<&ContextEntry> {
        let place = self.entries.binary_search_by(|entry| compare(&entry.path, path)).ok()?;
        Some(&self.entries[place])
    }
}

fn compare(left: &str, right: &str) -> Ordering {
    left.split('/').cmp(right.split('/'))
}
