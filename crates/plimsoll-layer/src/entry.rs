//! One entry of a changeset, with every field a tar header has.

/// A point in time as tar and the kernel give it: seconds since 1970, which may be negative, and nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp {
    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
    pub seconds: i64,
    /// Nanoseconds after `seconds`, below 1,000,000,000.
    pub nanoseconds: u32,
}

impl Timestamp {
    /// A time of whole seconds.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self { seconds, nanoseconds: 0 }
    }
}

/// What an entry is, with the fields that only this kind has.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A regular file. In a hard-link group, the first path in byte order is the file.
    File {
        /// Length of the content in bytes.
        size: u64,
    },
    /// A directory.
    Directory {
        /// Nothing below it in lower layers is visible (image-spec, layer.md, "Opaque Whiteout").
        opaque: bool,
    },
    /// A symbolic link.
    Symlink {
        /// What it points to, as stored.
        target: Vec<u8>,
    },
    /// Another name of a `File` of the same layer; its other fields equal those of that file.
    Hardlink {
        /// Path of the `File`, in the form of `Entry::path`.
        target: Vec<u8>,
    },
    /// A character device.
    CharDevice {
        /// Major number.
        major: u32,
        /// Minor number.
        minor: u32,
    },
    /// A block device.
    BlockDevice {
        /// Major number.
        major: u32,
        /// Minor number.
        minor: u32,
    },
    /// A named pipe.
    Fifo,
    /// The path is removed (image-spec, layer.md, "Whiteouts").
    Whiteout,
}

/// One entry of a changeset.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Entry {
    /// Relative to the root, without a leading or trailing slash; the root itself is empty.
    pub path: Vec<u8>,
    /// What it is.
    pub kind: Kind,
    /// Permission bits with set-user-id, set-group-id and sticky (`0o7777`).
    pub mode: u32,
    /// Owner, as the container sees it.
    pub uid: u32,
    /// Group, as the container sees it.
    pub gid: u32,
    /// Time of the last change of the content.
    pub mtime: Timestamp,
    /// Extended attributes, sorted by name; none of overlayfs or of this program.
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Entry {
    /// A directory owned by root with mode 0755 and time 0.
    pub fn directory(path: impl Into<Vec<u8>>) -> Self {
        Self::new(path, Kind::Directory { opaque: false }, 0o755)
    }

    /// An entry owned by root with time 0 and no extended attributes.
    pub fn new(path: impl Into<Vec<u8>>, kind: Kind, mode: u32) -> Self {
        Self {
            path: path.into(),
            kind,
            mode,
            uid: 0,
            gid: 0,
            mtime: Timestamp::default(),
            xattrs: Vec::new(),
        }
    }

    /// A whiteout of `path`.
    pub fn whiteout(path: impl Into<Vec<u8>>) -> Self {
        Self::new(path, Kind::Whiteout, 0)
    }

    /// The last component of the path.
    pub fn name(&self) -> &[u8] {
        split_last(&self.path).1
    }

    /// The path of the directory that holds this entry; empty for one in the root.
    pub fn parent(&self) -> &[u8] {
        split_last(&self.path).0
    }

    /// Whether this is a directory.
    pub fn is_directory(&self) -> bool {
        matches!(self.kind, Kind::Directory { .. })
    }

    /// Whether this entry hides what lower layers have below its path.
    pub(crate) fn hides_below(&self) -> bool {
        !matches!(self.kind, Kind::Directory { opaque: false })
    }
}

/// Splits a path into its parent (empty for the root) and its last component.
pub(crate) fn split_last(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|&byte| byte == b'/') {
        Some(position) => (&path[..position], &path[position + 1..]),
        None => (&[], path),
    }
}

/// Joins a directory path (empty for the root) and a name.
pub(crate) fn join(directory: &[u8], name: &[u8]) -> Vec<u8> {
    if directory.is_empty() {
        return name.to_vec();
    }
    let mut path = Vec::with_capacity(directory.len() + 1 + name.len());
    path.extend_from_slice(directory);
    path.push(b'/');
    path.extend_from_slice(name);
    path
}

/// The proper ancestors of a path, nearest the root first, without the root itself.
pub(crate) fn ancestors(path: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    (0..path.len()).filter(|&position| path[position] == b'/').map(|position| &path[..position])
}

/// A path for messages: bytes that are not UTF-8 are replaced.
pub(crate) fn shown(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}
