//! Tar to entries: which names are allowed, what whiteouts mean, and the index that comes out.
//!
//! The rules for names are those of container engines: absolute names become relative, a name through a symbolic
//! link of the same layer means the place the link leads to inside the root, `.wh.` names remove
//! (image-spec, layer.md, "Whiteouts"). A `..` in a name is refused. No rule looks at a disk.

use std::collections::VecDeque;
use std::io::{self, Read};

use crate::entry::{Entry, Kind, join, shown, split_last};
use crate::error::LayerError;
use crate::index::{IndexBuilder, LayerIndex};
use crate::path;
use crate::tar_stream::{RawEntry, TarStream};
use crate::xattr;

/// Largest `etc/passwd` or `etc/group` in bytes that is kept in the index.
const MAXIMUM_USER_FILE: u64 = 1 << 20;
/// Most symbolic links on the way to one entry, as in the kernel.
const MAXIMUM_LINKS: usize = 40;
/// Bytes that may follow the end mark; tar programs fill up to their record size.
const MAXIMUM_TRAILER: u64 = 64 << 20;

/// What is counted when there are too many entries.
pub const ENTRIES: &str = "entries";

/// What a tar may hold at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Sum of the sizes of all files in bytes, holes included.
    pub content_size: u64,
    /// Number of entries.
    pub entries: u64,
}

impl Default for Limits {
    /// 1 TiB and twenty million entries: more than any image has.
    fn default() -> Self {
        Self { content_size: 1 << 40, entries: 20_000_000 }
    }
}

/// What names that begin with `.wh.` mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Whiteouts {
    /// Removals, as in a layer.
    #[default]
    Interpret,
    /// Ordinary files, as in an archive that ADD extracts.
    Literal,
}

/// How a tar is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReadOptions {
    /// What `.wh.` names mean.
    pub whiteouts: Whiteouts,
    /// Limits against hostile archives.
    pub limits: Limits,
}

/// Takes the entries of a tar in the tar's order.
pub trait LayerSink {
    /// One entry. `content` is empty unless the entry is a `Kind::File`; what is not read of it is skipped.
    ///
    /// A parent that had no entry of its own is to be made as a directory, and whatever is at the path is
    /// replaced, except a directory by a directory. A `Hardlink` names an earlier entry that is neither a
    /// directory nor a whiteout. Whiteouts come as `Kind::Whiteout`; they say nothing about entries of this tar.
    fn entry(&mut self, entry: &Entry, content: &mut dyn Read) -> Result<(), LayerError>;

    /// `directory` is opaque; it may have no entry of its own.
    fn opaque(&mut self, directory: &[u8]) -> Result<(), LayerError>;
}

/// Reads an uncompressed tar to its end and returns its index.
pub fn read_layer(
    reader: &mut dyn Read,
    options: &ReadOptions,
    sink: &mut dyn LayerSink,
) -> Result<LayerIndex, LayerError> {
    let mut stream = TarStream::new(reader);
    let mut layer =
        LayerReader { options, builder: IndexBuilder::new(), entries: 0, content_size: 0, parent: None };
    while let Some(raw) = stream.next()? {
        layer.count(&raw)?;
        layer.entry(raw, &mut stream, sink)?;
    }
    stream.drain(MAXIMUM_TRAILER)?;
    Ok(layer.builder.finish())
}

/// The index of an uncompressed tar, its contents skipped.
pub fn index_only(reader: &mut dyn Read, options: &ReadOptions) -> Result<LayerIndex, LayerError> {
    struct Nothing;
    impl LayerSink for Nothing {
        fn entry(&mut self, _: &Entry, _: &mut dyn Read) -> Result<(), LayerError> {
            Ok(())
        }
        fn opaque(&mut self, _: &[u8]) -> Result<(), LayerError> {
            Ok(())
        }
    }
    read_layer(reader, options, &mut Nothing)
}

/// What a name means.
enum Name {
    Entry,
    Whiteout(Vec<u8>),
    Opaque,
    /// A record of aufs that no layer needs.
    Ignored,
}

struct LayerReader<'o> {
    options: &'o ReadOptions,
    builder: IndexBuilder,
    entries: u64,
    content_size: u64,
    /// The parent resolved last, as written and as resolved.
    parent: Option<(Vec<u8>, Vec<u8>)>,
}

impl LayerReader<'_> {
    fn count(&mut self, raw: &RawEntry) -> Result<(), LayerError> {
        let limits = self.options.limits;
        self.entries += 1;
        if self.entries > limits.entries {
            return Err(LayerError::Limit { what: ENTRIES, limit: limits.entries });
        }
        self.content_size = self.content_size.saturating_add(raw.size);
        if self.content_size > limits.content_size {
            return Err(LayerError::Limit { what: "bytes of content", limit: limits.content_size });
        }
        Ok(())
    }

    fn entry(
        &mut self,
        raw: RawEntry,
        stream: &mut TarStream<'_>,
        sink: &mut dyn LayerSink,
    ) -> Result<(), LayerError> {
        let written = path::normalise(&raw.name)?;
        let path = self.resolve_parent(&written)?;
        match self.meaning(&path)? {
            Name::Ignored => Ok(()),
            Name::Opaque => {
                let (directory, _) = split_last(&path);
                self.builder.opaque(directory)?;
                sink.opaque(directory)
            }
            Name::Whiteout(removed) => {
                let entry = Entry::whiteout(removed);
                self.builder.add(entry.clone())?;
                sink.entry(&entry, &mut io::empty())
            }
            Name::Entry => {
                // On an overlay's lower layer such a device is a removal, so it is taken for one.
                if raw.type_flag == b'3' && raw.device == (0, 0) {
                    return self.null_device(path, sink);
                }
                let entry = self.to_entry(raw, path)?;
                self.deliver(&entry, stream, sink)
            }
        }
    }

    fn null_device(&mut self, path: Vec<u8>, sink: &mut dyn LayerSink) -> Result<(), LayerError> {
        if self.options.whiteouts == Whiteouts::Literal {
            return Err(LayerError::path(&path, "a character device 0:0 means removal"));
        }
        let entry = Entry::whiteout(path);
        self.builder.add(entry.clone())?;
        sink.entry(&entry, &mut io::empty())
    }

    fn deliver(
        &mut self,
        entry: &Entry,
        stream: &mut TarStream<'_>,
        sink: &mut dyn LayerSink,
    ) -> Result<(), LayerError> {
        let was_link =
            matches!(self.builder.entry(&entry.path), Some(Entry { kind: Kind::Symlink { .. }, .. }));
        self.builder.add(entry.clone())?;
        if matches!(&entry.kind, Kind::Hardlink { target } if *target == entry.path) {
            return Ok(());
        }
        if was_link || matches!(entry.kind, Kind::Symlink { .. } | Kind::Hardlink { .. }) {
            self.parent = None;
        }
        let Kind::File { size } = entry.kind else { return sink.entry(entry, &mut io::empty()) };
        let is_user_file = matches!(entry.path.as_slice(), b"etc/passwd" | b"etc/group");
        let result = if is_user_file && size <= MAXIMUM_USER_FILE {
            let mut bytes = Vec::new();
            match stream.content().read_to_end(&mut bytes) {
                Ok(_) => {
                    let result = sink.entry(entry, &mut bytes.as_slice());
                    if entry.path == b"etc/passwd" {
                        self.builder.set_passwd(bytes);
                    } else {
                        self.builder.set_group(bytes);
                    }
                    result
                }
                Err(source) => Err(LayerError::Content { path: shown(&entry.path), source }),
            }
        } else {
            sink.entry(entry, &mut stream.content())
        };
        // What the stream found wrong says more than what the sink made of it.
        match stream.take_failure() {
            Some(failure) => Err(failure),
            None => result,
        }
    }

    fn to_entry(&self, raw: RawEntry, path: Vec<u8>) -> Result<Entry, LayerError> {
        let is_directory_name = raw.name.ends_with(b"/");
        let (major, minor) = raw.device;
        let kind = match raw.type_flag {
            b'0' | 0 if is_directory_name => Kind::Directory { opaque: false },
            b'0' | b'7' | 0 => Kind::File { size: raw.size },
            b'1' => {
                let target = path::normalise(&raw.link)?;
                Kind::Hardlink { target: self.resolved(&target)? }
            }
            b'2' => Kind::Symlink { target: checked_target(&path, raw.link)? },
            b'3' => Kind::CharDevice { major, minor },
            b'4' => Kind::BlockDevice { major, minor },
            b'5' => Kind::Directory { opaque: false },
            b'6' => Kind::Fifo,
            type_flag => return Err(LayerError::EntryType { path: shown(&path), type_flag }),
        };
        let mut xattrs = raw.xattrs;
        xattrs.retain(|(name, _)| !xattr::is_internal(name));
        xattrs.sort();
        Ok(Entry { path, kind, mode: raw.mode, uid: raw.uid, gid: raw.gid, mtime: raw.mtime, xattrs })
    }

    fn meaning(&self, path: &[u8]) -> Result<Name, LayerError> {
        if self.options.whiteouts == Whiteouts::Literal {
            return Ok(Name::Entry);
        }
        let (parent, name) = split_last(path);
        let mut parents = parent.split(|&byte| byte == b'/');
        if let Some(component) = parents.find(|component| component.starts_with(b".wh.")) {
            if component.starts_with(b".wh..wh.") {
                return Ok(Name::Ignored);
            }
            return Err(LayerError::path(path, "it lies below a whiteout"));
        }
        match name.strip_prefix(b".wh.") {
            None => Ok(Name::Entry),
            Some(b".wh..opq") => Ok(Name::Opaque),
            Some(meta) if meta.starts_with(b".wh.") => Ok(Name::Ignored),
            Some(b"" | b"." | b"..") => Err(LayerError::path(path, "the whiteout names nothing")),
            Some(removed) => Ok(Name::Whiteout(join(parent, removed))),
        }
    }

    /// Replaces the parent of a path by where it leads through symbolic links of this layer.
    fn resolve_parent(&mut self, path: &[u8]) -> Result<Vec<u8>, LayerError> {
        let (parent, name) = split_last(path);
        if let Some((written, resolved)) = &self.parent
            && written == parent
        {
            return Ok(join(resolved, name));
        }
        let resolved = self.follow(path, parent)?;
        let path = join(&resolved, name);
        self.parent = Some((parent.to_vec(), resolved));
        Ok(path)
    }

    /// The same for the target of a hard link, which is asked for only once.
    fn resolved(&self, path: &[u8]) -> Result<Vec<u8>, LayerError> {
        let (parent, name) = split_last(path);
        Ok(join(&self.follow(path, parent)?, name))
    }

    fn follow(&self, path: &[u8], directory: &[u8]) -> Result<Vec<u8>, LayerError> {
        let parts = |path: &[u8]| -> Vec<Vec<u8>> {
            let parts = path.split(|&byte| byte == b'/').filter(|part| !part.is_empty() && *part != b".");
            parts.map(<[u8]>::to_vec).collect()
        };
        let mut pending: VecDeque<Vec<u8>> = parts(directory).into();
        let mut resolved: Vec<u8> = Vec::new();
        let mut links = 0;
        while let Some(component) = pending.pop_front() {
            if component == b".." {
                resolved.truncate(split_last(&resolved).0.len());
                continue;
            }
            let next = join(&resolved, &component);
            let Some(Kind::Symlink { target }) = self.builder.entry(&next).map(|entry| &entry.kind) else {
                resolved = next;
                continue;
            };
            links += 1;
            if links > MAXIMUM_LINKS {
                return Err(LayerError::SymlinkLoop { path: shown(path) });
            }
            if target.starts_with(b"/") {
                resolved.clear();
            }
            for part in parts(target).into_iter().rev() {
                pending.push_front(part);
            }
        }
        Ok(resolved)
    }
}

pub(crate) fn checked_target(path: &[u8], target: Vec<u8>) -> Result<Vec<u8>, LayerError> {
    let reason = if target.is_empty() {
        "its symbolic link is empty"
    } else if target.contains(&0) {
        "its symbolic link holds a NUL byte"
    } else if target.len() > path::MAXIMUM_PATH {
        "its symbolic link is longer than 4095 bytes"
    } else {
        return Ok(target);
    };
    Err(LayerError::path(path, reason))
}
