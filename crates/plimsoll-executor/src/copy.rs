//! COPY, ADD and WORKDIR: files from trees, archives and the Dockerfile itself into a new layer.

use std::collections::BTreeSet;
use std::io::Read;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use plimsoll_graph::{CopyOp, MakeDirOp};
use plimsoll_layer::{
    ChainIndex, Entry, Found, Kind, LayerIndex, Owners, Timestamp, XattrNamespace, open_archive,
};
use plimsoll_snapshot::Snapshots;

use crate::changeset::{Changeset, NewDirectory, shown};
use crate::error::ExecuteError;
use crate::mode;
use crate::owner::owner;
use crate::select::{Selected, join};
use crate::tree::Tree;
use crate::unpack::Unpacker;

/// One source of a copy, with everything that was found for it.
pub(crate) enum Source<'t> {
    /// Paths of a tree.
    Tree {
        /// The tree.
        tree: &'t Tree,
        /// What of it.
        selected: Vec<Selected<'t>>,
        /// It is a build context: everything belongs to root.
        is_context: bool,
        /// None of its layers is in the chain that is copied onto, so that data may be shared by links.
        may_link: bool,
    },
    /// A file with its bytes.
    Bytes {
        /// Its name when the destination is a directory.
        name: String,
        /// Its bytes.
        bytes: Vec<u8>,
        /// Its permission bits.
        mode: u32,
        /// Its time.
        mtime: Timestamp,
    },
    /// A file on disk that is in no tree: a remote file.
    File {
        /// Its name when the destination is a directory.
        name: String,
        /// Where it is.
        path: PathBuf,
        /// Its time.
        mtime: Timestamp,
        /// An archive is unpacked.
        unpack: bool,
    },
}

/// Where a layer is written, and how.
pub(crate) struct Target<'b> {
    /// The layers below.
    pub(crate) base: &'b ChainIndex,
    /// The empty directory that becomes the layer.
    pub(crate) directory: PathBuf,
    /// How the disk keeps owners.
    pub(crate) owners: Owners,
    /// Inodes that the layers below share with others by links.
    pub(crate) linked: BTreeSet<u64>,
    /// Which attributes overlayfs reads.
    pub(crate) xattr_namespace: XattrNamespace,
    /// The files of the layers below, once it is known that they are needed.
    pub(crate) base_files: Option<&'b Tree>,
    /// Says whether so many more bytes may be written.
    pub(crate) room: &'b Snapshots,
    /// The most entries of an archive.
    pub(crate) most_entries: u64,
    /// Threads for copying data.
    pub(crate) threads: NonZeroUsize,
}

/// What a file op made: the index, and the inodes that were linked from other layers.
pub(crate) type Written = (LayerIndex, BTreeSet<u64>);

/// Makes a directory and its missing parents, owned by the current user.
pub(crate) fn make_directory(op: &MakeDirOp, target: Target<'_>) -> Result<Written, ExecuteError> {
    let Target { base, directory, owners, linked, threads, .. } = target;
    let resolved =
        base.resolve(op.path.as_bytes(), true).map_err(|source| ExecuteError::Resolve { source })?;
    let mut changes = Changeset::new(base, directory, owners, linked);
    match resolved.found {
        Some(found) if found.entry.is_directory() => {}
        Some(_) => return Err(ExecuteError::NotADirectory { path: shown(&resolved.path) }),
        None => {
            let (user, group) =
                op.user.split_once(':').map_or((op.user.as_str(), None), |(u, g)| (u, Some(g)));
            let owner = if op.user.is_empty() { None } else { Some(owner(base, user, group)?) };
            // The parent's time and not the clock's: the same input gives the same bytes.
            let mtime = resolved.parents.last().map_or(Timestamp::default(), |parent| parent.entry.mtime);
            let new = NewDirectory { mode: op.mode, owner, ..NewDirectory::at(mtime) };
            changes.ensure_directory(&resolved.path, new)?;
        }
    }
    changes.finish(threads)
}

/// Copies all sources to the destination.
pub(crate) fn copy(
    op: &CopyOp,
    sources: Vec<Source<'_>>,
    target: Target<'_>,
) -> Result<Written, ExecuteError> {
    let Target { base, directory, owners, linked, xattr_namespace, base_files, room, most_entries, threads } =
        target;
    let owner = match &op.owner {
        Some(spec) => Some(owner(base, &spec.user, spec.group.as_deref())?),
        None => None,
    };
    let new = NewDirectory {
        // An octal mode is also that of the directories that are made for what is copied, a change of one is not.
        mode: op.mode.as_deref().and_then(mode::octal).map_or(0o755, |bits| bits & 0o755),
        owner,
        ..NewDirectory::at(newest(&sources))
    };
    let mut copier = Copier {
        op,
        owner,
        new,
        changes: Changeset::new(base, directory, owners, linked).marked_with(xattr_namespace),
        selections: 0,
        base_files,
        room,
        most_entries,
    };
    for source in sources {
        copier.source(source)?;
    }
    copier.changes.finish(threads)
}

/// The newest time among what is copied: what directories get that the copy itself makes.
fn newest(sources: &[Source<'_>]) -> Timestamp {
    let times = sources.iter().flat_map(|source| match source {
        Source::Bytes { mtime, .. } | Source::File { mtime, .. } => vec![*mtime],
        Source::Tree { selected, .. } => selected
            .iter()
            .flat_map(|one| [one.root].into_iter().chain(one.below.iter().map(|(_, found)| *found)))
            .map(|found| found.entry.mtime)
            .collect(),
    });
    times.max().unwrap_or_default()
}

/// Bytes that copying needs at most; links and archives make it differ.
pub(crate) fn size(sources: &[Source<'_>]) -> u64 {
    let of = |entry: &Entry| if let Kind::File { size } = entry.kind { size } else { 0 };
    let sizes = sources.iter().map(|source| match source {
        Source::Bytes { bytes, .. } => bytes.len() as u64,
        Source::File { path, .. } => path.metadata().map_or(0, |metadata| metadata.len()),
        Source::Tree { may_link: true, .. } => 0,
        Source::Tree { selected, .. } => selected
            .iter()
            .map(|one| of(one.root.entry) + one.below.iter().map(|(_, found)| of(found.entry)).sum::<u64>())
            .sum(),
    });
    sizes.sum()
}

struct Copier<'b, 'o> {
    op: &'o CopyOp,
    owner: Option<(u32, u32)>,
    new: NewDirectory,
    changes: Changeset<'b>,
    selections: usize,
    base_files: Option<&'b Tree>,
    room: &'b Snapshots,
    most_entries: u64,
}

impl Copier<'_, '_> {
    fn source(&mut self, source: Source<'_>) -> Result<(), ExecuteError> {
        match source {
            Source::Tree { tree, selected, is_context, may_link } => {
                for one in selected {
                    self.selections += 1;
                    self.selected(tree, &one, is_context, may_link)?;
                }
                Ok(())
            }
            Source::Bytes { name, bytes, mode, mtime } => {
                self.plain(&name, mode, mtime, bytes.len() as u64, &mut bytes.as_slice())
            }
            Source::File { name, path, mtime, unpack } => {
                let read = |source| ExecuteError::Read { path: path.display().to_string(), source };
                let mut file = std::fs::File::open(&path).map_err(read)?;
                let size = file.metadata().map_err(read)?.len();
                if unpack && self.unpack(Box::new(std::fs::File::open(&path).map_err(read)?))? {
                    return Ok(());
                }
                self.plain(&name, 0o600, mtime, size, &mut file)
            }
        }
    }

    fn plain(
        &mut self,
        name: &str,
        mode: u32,
        mtime: Timestamp,
        size: u64,
        bytes: &mut dyn Read,
    ) -> Result<(), ExecuteError> {
        let path = self.file_destination(name.as_bytes())?;
        let mut entry = Entry { mtime, ..Entry::new(path, Kind::File { size }, mode) };
        self.change(&mut entry, true)?;
        self.changes.put_bytes(entry, bytes)
    }

    fn selected(
        &mut self,
        tree: &Tree,
        one: &Selected<'_>,
        is_context: bool,
        may_link: bool,
    ) -> Result<(), ExecuteError> {
        if self.op.parents {
            let destination = self.directory_destination()?;
            return self.children(tree, one, &destination, is_context, may_link);
        }
        if one.root.entry.is_directory() {
            let destination = self.directory_destination()?;
            // The root has no time that it could give.
            if !one.root.entry.path.is_empty() {
                self.changes.set_time(&destination, one.root.entry.mtime);
            }
            return self.children(tree, one, &destination, is_context, may_link);
        }
        if self.op.unpack && matches!(one.root.entry.kind, Kind::File { .. } | Kind::Hardlink { .. }) {
            let path = shown(&one.root.entry.path);
            let file = tree.open(one.root).map_err(|source| ExecuteError::Read { path, source })?;
            if self.unpack(Box::new(file))? {
                return Ok(());
            }
        }
        let path = self.file_destination(&one.name)?;
        let mut entry = Entry { path, ..one.root.entry.clone() };
        self.change(&mut entry, is_context)?;
        self.changes.put(entry, tree, self.selections, one.root, may_link)
    }

    /// What lies on the way to what is copied keeps its owner and time where it exists, and takes the mode.
    fn children(
        &mut self,
        tree: &Tree,
        one: &Selected<'_>,
        destination: &[u8],
        is_context: bool,
        may_link: bool,
    ) -> Result<(), ExecuteError> {
        let above = one.above.iter().map(|(path, found)| (*path, *found, true));
        let mut all: Vec<_> =
            above.chain(one.below.iter().map(|(path, found)| (*path, *found, false))).collect();
        all.sort_by_key(|(path, _, _)| *path);
        for (path, found, is_above) in all {
            let path = join(destination, path);
            if is_above && self.changes.change_mode_of_directory(&path, found.entry.mode)? {
                continue;
            }
            self.child(tree, (&path, found), is_context, may_link)?;
        }
        Ok(())
    }

    fn child(
        &mut self,
        tree: &Tree,
        (path, found): (&[u8], Found<'_>),
        is_context: bool,
        may_link: bool,
    ) -> Result<(), ExecuteError> {
        let mut entry = Entry { path: path.to_vec(), ..found.entry.clone() };
        self.change(&mut entry, is_context)?;
        if entry.is_directory() {
            entry.kind = Kind::Directory { opaque: false };
            return self.changes.put_directory(entry);
        }
        self.changes.put(entry, tree, self.selections, found, may_link)
    }

    /// The destination as a directory, made if it is missing.
    fn directory_destination(&mut self) -> Result<Vec<u8>, ExecuteError> {
        let resolved = self.resolve()?;
        if resolved.1 == Some(false) {
            return Err(ExecuteError::NotADirectory { path: shown(&resolved.0) });
        }
        self.changes.ensure_directory(&resolved.0, self.new)?;
        Ok(resolved.0)
    }

    /// Where a file of this name lands; its parent is made if it is missing.
    fn file_destination(&mut self, name: &[u8]) -> Result<Vec<u8>, ExecuteError> {
        let (path, is_directory) = self.resolve()?;
        if is_directory == Some(true) || self.op.destination.ends_with('/') {
            if is_directory == Some(false) {
                return Err(ExecuteError::NotADirectory { path: shown(&path) });
            }
            self.changes.ensure_directory(&path, self.new)?;
            return Ok(join(&path, name));
        }
        let parent = path.iter().rposition(|byte| *byte == b'/').map_or(&[][..], |end| &path[..end]);
        self.changes.ensure_directory(parent, self.new)?;
        Ok(path)
    }

    /// The destination with links followed, and whether it is a directory, if it exists. An earlier source may have changed that.
    fn resolve(&self) -> Result<(Vec<u8>, Option<bool>), ExecuteError> {
        let path = self.changes.resolve(b"", self.op.destination.as_bytes(), true)?.unwrap_or_default();
        let is_directory =
            if path.is_empty() { Some(true) } else { self.changes.entry(&path).map(Entry::is_directory) };
        Ok((path, is_directory))
    }

    /// Gives an entry its new owner and mode.
    fn change(&self, entry: &mut Entry, is_context: bool) -> Result<(), ExecuteError> {
        self.change_owner(entry, is_context);
        if let Some(mode) = &self.op.mode
            && !matches!(entry.kind, Kind::Symlink { .. })
        {
            entry.mode = mode::apply(mode, entry.mode, entry.is_directory())
                .ok_or_else(|| ExecuteError::BadMode { mode: mode.clone() })?;
        }
        Ok(())
    }

    fn change_owner(&self, entry: &mut Entry, is_context: bool) {
        if is_context {
            (entry.uid, entry.gid) = (0, 0);
        }
        if let Some((uid, gid)) = self.owner {
            (entry.uid, entry.gid) = (uid, gid);
        }
    }

    /// Unpacks an archive into the destination; false if the file is none.
    fn unpack(&mut self, file: Box<dyn Read + Send>) -> Result<bool, ExecuteError> {
        let read = |source| ExecuteError::Read { path: self.op.destination.clone(), source };
        let Some(mut tar) = open_archive(file).map_err(read)? else { return Ok(false) };
        // A mode is for files that are copied, not for those of an archive.
        let new = NewDirectory { mode: 0o755, ..self.new };
        let usual = std::mem::replace(&mut self.new, new);
        let destination = self.directory_destination();
        self.new = usual;
        let destination = destination?;
        let mut unpacker = Unpacker {
            changes: &mut self.changes,
            destination,
            owner: self.owner,
            new: NewDirectory { owner: Some((0, 0)), is_exact: true, ..new },
            base: self.base_files,
            room: self.room,
            most_entries: self.most_entries,
            unasked: 0,
            directories: Vec::new(),
        };
        unpacker.unpack(&mut tar)?;
        Ok(true)
    }
}
