//! A layer made of files put in place by hand: what COPY, ADD and WORKDIR write.
//!
//! The files go straight into an overlay-ready directory; nothing is mounted, and of the layers below only the
//! index is asked. Directories that exist below are repeated with the same metadata, so that the merged view keeps
//! theirs. File data is linked where that is safe (see [`Changeset::may_link`]), else cloned or copied.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::num::NonZeroUsize;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use plimsoll_layer::{
    ChainIndex, Entry, Found, IndexBuilder, Kind, LayerIndex, Owners, ResolveError, Timestamp,
    XattrNamespace, copy_sparse, has_holes,
};
use plimsoll_sandbox::OWNER_XATTR;
use rustix::fs::{
    AtFlags, CWD, Gid, Mode, OFlags, Timespec, Timestamps, UTIME_OMIT, Uid, XattrFlags, chmod, chownat,
    fchmod, fchown, fsetxattr, futimens, lsetxattr, utimensat,
};
use rustix::io::Errno;

use crate::error::ExecuteError;
use crate::select::join;
use crate::tree::Tree;

/// A layer while it is written.
pub(crate) struct Changeset<'b> {
    base: &'b ChainIndex,
    directory: PathBuf,
    owners: Owners,
    entries: BTreeMap<Vec<u8>, Entry>,
    /// Names that share an inode, by selection and by the layer and path of the file that they share.
    groups: BTreeMap<(usize, usize, Vec<u8>), BTreeSet<Vec<u8>>>,
    jobs: Vec<Job>,
    /// Files whose metadata is in place: copies that are done, and links into other, frozen layers, of which nothing
    /// may be changed.
    settled: BTreeSet<Vec<u8>>,
    /// Inodes of other layers that this layer and those below it hold by a link.
    linked: BTreeSet<u64>,
    /// Those that this layer added.
    new_links: BTreeSet<u64>,
    passwd_files: BTreeSet<Vec<u8>>,
    /// Directories of the layers below that something took the place of: nothing below them is seen any more.
    replaced: BTreeSet<Vec<u8>>,
    /// Names that a hard link of an archive gave to files of this layer.
    second_names: BTreeMap<Vec<u8>, BTreeSet<Vec<u8>>>,
    xattr_namespace: XattrNamespace,
}

/// One file whose bytes are still to be put in place.
struct Job {
    entry: Entry,
    source: PathBuf,
    link: bool,
}

/// What new directories get.
#[derive(Clone, Copy)]
pub(crate) struct NewDirectory {
    pub(crate) mode: u32,
    /// Without one it is root's, and takes the group of a directory that hands its group on.
    pub(crate) owner: Option<(u32, u32)>,
    pub(crate) mtime: Timestamp,
    /// Its mode is set again once it is made, so that it does not hand groups on as its parent does.
    pub(crate) is_exact: bool,
}

impl NewDirectory {
    /// As `mkdir` makes it.
    pub(crate) fn at(mtime: Timestamp) -> Self {
        Self { mode: 0o755, owner: None, mtime, is_exact: false }
    }
}

impl<'b> Changeset<'b> {
    /// An empty layer over `base`, written into the existing, empty `directory`. `linked` are the inodes that the
    /// layers below hold by links into other layers.
    pub(crate) fn new(
        base: &'b ChainIndex,
        directory: PathBuf,
        owners: Owners,
        linked: BTreeSet<u64>,
    ) -> Self {
        Self {
            base,
            directory,
            owners,
            entries: BTreeMap::new(),
            groups: BTreeMap::new(),
            jobs: Vec::new(),
            settled: BTreeSet::new(),
            linked,
            new_links: BTreeSet::new(),
            passwd_files: [b"etc/passwd".to_vec(), b"etc/group".to_vec()].into(),
            replaced: BTreeSet::new(),
            second_names: BTreeMap::new(),
            xattr_namespace: XattrNamespace::Trusted,
        }
    }

    /// The same with the attributes that mark a directory which hides the one below it.
    pub(crate) fn marked_with(self, xattr_namespace: XattrNamespace) -> Self {
        Self { xattr_namespace, ..self }
    }

    /// What is at a path now: written by this layer, or below it.
    pub(crate) fn entry(&self, path: &[u8]) -> Option<&Entry> {
        self.entries.get(path).or_else(|| self.below(path))
    }

    /// What the layers below have at a path, if it can still be seen.
    fn below(&self, path: &[u8]) -> Option<&Entry> {
        let is_hidden = !self.replaced.is_empty()
            && (0..=path.len())
                .filter(|end| *end == path.len() || path[*end] == b'/')
                .any(|end| self.replaced.contains(&path[..end]));
        if is_hidden { None } else { self.base.lookup(path).map(|found| found.entry) }
    }

    /// Whether this layer has a directory, or something else, at a path.
    pub(crate) fn is_directory(&self, path: &[u8]) -> Option<bool> {
        self.entries.get(path).map(Entry::is_directory)
    }

    /// Where a path below a directory leads, links followed: those of this layer and of the layers below, as if that directory
    /// were the root. What is missing is taken as written. Nothing when `..` leads out and that is not allowed to end at the root.
    pub(crate) fn resolve(
        &self,
        root: &[u8],
        path: &[u8],
        may_climb: bool,
    ) -> Result<Option<Vec<u8>>, ExecuteError> {
        let parts = |path: &[u8]| -> Vec<Vec<u8>> {
            let parts = path.split(|byte| *byte == b'/').filter(|part| !part.is_empty() && **part != *b".");
            parts.map(<[u8]>::to_vec).collect()
        };
        let mut pending: VecDeque<Vec<u8>> = parts(path).into();
        let mut resolved = root.to_vec();
        let mut links = 0;
        while let Some(part) = pending.pop_front() {
            if part == b".." {
                if resolved.len() == root.len() && !may_climb {
                    return Ok(None);
                }
                resolved.truncate(parent_of(&resolved).len().max(root.len()));
                continue;
            }
            let next = join(&resolved, &part);
            match self.entry(&next).map(|entry| &entry.kind) {
                Some(Kind::Symlink { target }) => {
                    links += 1;
                    if links > MOST_LINKS {
                        let source = ResolveError::TooManyLinks { path: shown(path) };
                        return Err(ExecuteError::Resolve { source });
                    }
                    if target.starts_with(b"/") {
                        resolved.truncate(root.len());
                    }
                    for part in parts(target).into_iter().rev() {
                        pending.push_front(part);
                    }
                }
                Some(kind) if !matches!(kind, Kind::Directory { .. }) && !pending.is_empty() => {
                    return Err(ExecuteError::NotADirectory { path: shown(&next) });
                }
                _ => resolved = next,
            }
        }
        Ok(Some(resolved))
    }

    fn on_disk(&self, path: &[u8]) -> PathBuf {
        self.directory.join(OsStr::from_bytes(path))
    }

    /// Makes a directory and all its parents exist. What exists keeps its metadata; what is new gets `new`.
    pub(crate) fn ensure_directory(&mut self, path: &[u8], new: NewDirectory) -> Result<(), ExecuteError> {
        if path.is_empty() {
            return Ok(());
        }
        for ancestor in ancestors(path).chain([path]) {
            if self.entries.get(ancestor).is_some_and(Entry::is_directory) {
                continue;
            }
            let entry = match self.entry(ancestor) {
                Some(entry) if entry.is_directory() => {
                    Entry { kind: Kind::Directory { opaque: false }, ..entry.clone() }
                }
                Some(_) => return Err(ExecuteError::NotADirectory { path: shown(ancestor) }),
                None => {
                    let above = self.entry(parent_of(ancestor)).filter(|above| above.mode & SETGID != 0);
                    let bit = if above.is_some() && !new.is_exact { SETGID } else { 0 };
                    let (uid, gid) = new.owner.unwrap_or((0, above.map_or(0, |above| above.gid)));
                    let mode = new.mode | bit;
                    Entry { mode, uid, gid, mtime: new.mtime, ..Entry::directory(ancestor) }
                }
            };
            self.make_directory(entry)?;
        }
        Ok(())
    }

    fn make_directory(&mut self, mut entry: Entry) -> Result<(), ExecuteError> {
        // The root is there, and no layer has an entry for it.
        if entry.path.is_empty() {
            return Ok(());
        }
        let path = self.on_disk(&entry.path);
        if !self.entries.contains_key(&entry.path) {
            rustix::fs::mkdir(&path, Mode::from_raw_mode(0o700)).map_err(|source| disk(&path, source))?;
        }
        entry.kind = Kind::Directory { opaque: self.replaced.contains(&entry.path) };
        self.entries.insert(entry.path.clone(), entry);
        Ok(())
    }

    /// Puts a directory in place, with its metadata even where there is one.
    pub(crate) fn put_directory(&mut self, entry: Entry) -> Result<(), ExecuteError> {
        match self.entry(&entry.path) {
            Some(old) if !old.is_directory() => Err(ExecuteError::NotADirectory { path: shown(&entry.path) }),
            _ => self.make_directory(entry),
        }
    }

    /// Gives a directory another mode; false if there is none.
    pub(crate) fn change_mode_of_directory(&mut self, path: &[u8], mode: u32) -> Result<bool, ExecuteError> {
        match self.entry(path) {
            Some(old) if old.is_directory() => {
                let changed = Entry { kind: Kind::Directory { opaque: false }, mode, ..old.clone() };
                self.make_directory(changed).map(|()| true)
            }
            _ => Ok(false),
        }
    }

    /// The paths that this layer has, parents first.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &[u8]> {
        self.entries.keys().map(Vec::as_slice)
    }

    /// Gives something that this layer has another time; the root has none of its own.
    pub(crate) fn set_time(&mut self, path: &[u8], mtime: Timestamp) {
        let Some(entry) = self.entries.get_mut(path) else { return };
        entry.mtime = mtime;
        let first = match &entry.kind {
            Kind::Hardlink { target } => target.clone(),
            _ => path.to_vec(),
        };
        let names = self.second_names.get(&first).into_iter().flatten();
        for name in names.chain([&first]) {
            if let Some(entry) = self.entries.get_mut(name) {
                entry.mtime = mtime;
            }
        }
    }

    /// Puts a directory in place of what is no directory; [`Self::replace`] was called before.
    pub(crate) fn put_new_directory(&mut self, entry: Entry) -> Result<(), ExecuteError> {
        self.make_directory(entry)
    }

    /// Puts anything but a directory in place; whatever non-directory was there is replaced. The bytes of a file
    /// are `found`'s in `tree`. Names of one inode stay names of one inode within a `selection`. The parent must exist.
    pub(crate) fn put(
        &mut self,
        mut entry: Entry,
        tree: &Tree,
        selection: usize,
        found: Found<'_>,
        may_link: bool,
    ) -> Result<(), ExecuteError> {
        self.make_room(&entry.path)?;
        if let Kind::File { .. } | Kind::Hardlink { .. } = entry.kind {
            let data =
                tree.data(found).map_err(|source| ExecuteError::Read { path: shown(&entry.path), source })?;
            entry.kind = data.entry.kind.clone();
            let source = tree.directory(data.layer).join(OsStr::from_bytes(&data.entry.path));
            let names = self.groups.entry((selection, data.layer, data.entry.path.clone())).or_default();
            let same_as = names.first().cloned();
            names.insert(entry.path.clone());
            if let Some(first) = same_as {
                let source = self.on_disk(&first);
                self.jobs.push(Job { entry: entry.clone(), source, link: true });
            } else {
                let unchanged = *data.entry == Entry { path: data.entry.path.clone(), ..entry.clone() };
                let link = may_link && unchanged && self.may_link(&source)?;
                self.jobs.push(Job { entry: entry.clone(), source, link });
            }
        } else {
            put_special(&entry, &self.on_disk(&entry.path))?;
        }
        self.entries.insert(entry.path.clone(), entry);
        Ok(())
    }

    /// Puts a file in place whose bytes come as a stream; where it has holes, there are holes on disk.
    pub(crate) fn put_bytes(&mut self, entry: Entry, bytes: &mut dyn io::Read) -> Result<(), ExecuteError> {
        self.make_room(&entry.path)?;
        let path = self.on_disk(&entry.path);
        let written = File::create_new(&path).and_then(|mut file| copy_sparse(bytes, &mut file));
        written.map_err(|source| ExecuteError::Write { path: path.clone(), source })?;
        self.entries.insert(entry.path.clone(), entry);
        Ok(())
    }

    /// Puts a link, a pipe or a device in place.
    pub(crate) fn put_other(&mut self, entry: Entry) -> Result<(), ExecuteError> {
        self.make_room(&entry.path)?;
        put_special(&entry, &self.on_disk(&entry.path))?;
        self.entries.insert(entry.path.clone(), entry);
        Ok(())
    }

    /// Gives what is at `target` a second name. A file of the layers below is first written into this one. Owner, mode and
    /// time are then those of the new name, under all names.
    pub(crate) fn put_link(
        &mut self,
        entry: Entry,
        target: &[u8],
        base: Option<&Tree>,
    ) -> Result<(), ExecuteError> {
        let missing = || ExecuteError::LinkTarget { path: shown(&entry.path), target: shown(target) };
        let old = self.entry(target).cloned().ok_or_else(missing)?;
        match old.kind {
            Kind::File { .. } | Kind::Hardlink { .. } => {}
            Kind::Directory { .. } | Kind::Whiteout => return Err(missing()),
            // These are what they are under each of their names; a symbolic link keeps its time.
            Kind::Symlink { .. } => {
                return self.put_other(Entry { path: entry.path, uid: entry.uid, gid: entry.gid, ..old });
            }
            _ => return self.put_other(Entry { kind: old.kind, xattrs: old.xattrs, ..entry }),
        }
        if !self.entries.contains_key(target) {
            self.take_up(target, old, base)?;
        }
        self.run_jobs(NonZeroUsize::MIN)?;
        let first = match &self.entries[target].kind {
            Kind::Hardlink { target } => target.clone(),
            _ => target.to_vec(),
        };
        self.make_room(&entry.path)?;
        let path = self.on_disk(&entry.path);
        rustix::fs::link(self.on_disk(&first), &path).map_err(|error| disk(&path, error))?;
        let second = Entry { kind: Kind::Hardlink { target: first.clone() }, ..entry };
        self.second_names.entry(first.clone()).or_default().insert(second.path.clone());
        for name in self.second_names[&first].iter().chain([&first]) {
            if let Some(known) = self.entries.get_mut(name) {
                (known.uid, known.gid, known.mode) = (second.uid, second.gid, second.mode);
                known.mtime = second.mtime;
                known.xattrs.extend(second.xattrs.clone());
            }
        }
        let xattrs = self.entries[&first].xattrs.clone();
        self.entries.insert(second.path.clone(), Entry { xattrs, ..second });
        Ok(())
    }

    /// Writes a file of the layers below into this one, as it is.
    fn take_up(&mut self, path: &[u8], old: Entry, base: Option<&Tree>) -> Result<(), ExecuteError> {
        let read = |source| ExecuteError::Read { path: shown(path), source };
        let base = base.ok_or(ExecuteError::BaseNeeded)?;
        let found = base.index.lookup(path).ok_or(ExecuteError::BaseNeeded)?;
        let kind = base.data(found).map_err(read)?.entry.kind.clone();
        let mut bytes = base.open(found).map_err(read)?;
        // Its directory is there already, and keeps its metadata.
        self.ensure_directory(parent_of(path), NewDirectory::at(old.mtime))?;
        self.put_bytes(Entry { kind, ..old }, &mut bytes)
    }

    /// Takes away whatever is at a path, a directory with everything in it too.
    pub(crate) fn replace(&mut self, path: &[u8]) -> Result<(), ExecuteError> {
        if !self.entry(path).is_some_and(Entry::is_directory) {
            return self.make_room(path);
        }
        self.run_jobs(NonZeroUsize::MIN)?;
        if self.below(path).is_some_and(Entry::is_directory) {
            self.replaced.insert(path.to_vec());
        }
        // `0` is the byte after `/`.
        let (start, end) = ([path, b"/"].concat(), [path, b"0"].concat());
        let mut gone: Vec<Vec<u8>> = self.entries.range(start..end).map(|(path, _)| path.clone()).collect();
        gone.push(path.to_vec());
        for path in &gone {
            self.forget(path);
        }
        let path = self.on_disk(path);
        match std::fs::remove_dir_all(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(ExecuteError::Write { path, source: error })
            }
            _ => Ok(()),
        }
    }

    /// Takes an entry out. Its second names stay names of its bytes.
    fn forget(&mut self, path: &[u8]) {
        let Some(old) = self.entries.remove(path) else { return };
        self.groups.values_mut().for_each(|names| {
            names.remove(path);
        });
        self.settled.remove(path);
        if let Kind::Hardlink { target } = &old.kind {
            self.second_names.get_mut(target).map(|names| names.remove(path));
            return;
        }
        let Some(mut names) = self.second_names.remove(path) else { return };
        let Some(heir) = names.pop_first() else { return };
        for name in &names {
            if let Some(entry) = self.entries.get_mut(name) {
                entry.kind = Kind::Hardlink { target: heir.clone() };
            }
        }
        if let Some(entry) = self.entries.get_mut(&heir) {
            entry.kind = old.kind;
        }
        self.second_names.insert(heir, names);
    }

    /// Takes away what this layer itself put at a path; refuses to replace a directory.
    fn make_room(&mut self, path: &[u8]) -> Result<(), ExecuteError> {
        match self.entry(path) {
            Some(entry) if entry.is_directory() => {
                return Err(ExecuteError::IsADirectory { path: shown(path) });
            }
            _ => {}
        }
        if self.entries.contains_key(path) {
            // Bytes that are still to come must be there before they are taken away: other names may share them.
            if self.jobs.iter().any(|job| job.entry.path == path) {
                self.run_jobs(NonZeroUsize::MIN)?;
            }
            self.forget(path);
            let path = self.on_disk(path);
            if path.symlink_metadata().is_ok() {
                rustix::fs::unlink(&path).map_err(|source| disk(&path, source))?;
            }
        }
        Ok(())
    }

    fn run_jobs(&mut self, threads: NonZeroUsize) -> Result<(), ExecuteError> {
        let jobs = std::mem::take(&mut self.jobs);
        run_jobs(&self.directory, &jobs, self.owners, threads)?;
        self.settled.extend(jobs.into_iter().map(|job| job.entry.path));
        Ok(())
    }

    /// Whether the data of a file in another, frozen layer may be shared by a link.
    ///
    /// Two names of one inode in one chain would look like hard links to programs in the image, so an inode that a
    /// layer below holds already is not linked again.
    fn may_link(&mut self, source: &Path) -> Result<bool, ExecuteError> {
        let metadata = source
            .symlink_metadata()
            .map_err(|error| ExecuteError::Read { path: source.display().to_string(), source: error })?;
        // Small files are as quick to copy, and every link to them would be one more inode number to remember.
        if metadata.len() < 16 * 1024 || !self.linked.insert(metadata.ino()) {
            return Ok(false);
        }
        self.new_links.insert(metadata.ino());
        Ok(true)
    }

    /// Of several names of a file, the first one is the file.
    fn order_names(&mut self) {
        let mut groups: BTreeMap<Vec<u8>, Vec<Vec<u8>>> = BTreeMap::new();
        for (name, entry) in &self.entries {
            if let Kind::Hardlink { target } = &entry.kind {
                groups.entry(target.clone()).or_default().push(name.clone());
            }
        }
        for (file, names) in groups {
            let first = names.first().filter(|first| **first < file).cloned();
            let (Some(first), Some(old)) = (first, self.entries.get(&file).cloned()) else { continue };
            for name in names.into_iter().chain([file]) {
                let kind = Kind::Hardlink { target: first.clone() };
                self.entries.insert(name.clone(), Entry { path: name, kind, ..old.clone() });
            }
            self.entries.insert(first.clone(), Entry { path: first, ..old });
        }
    }

    /// Puts all bytes and metadata in place; gives the index, and the inodes that were linked from other layers.
    pub(crate) fn finish(
        mut self,
        threads: NonZeroUsize,
    ) -> Result<(LayerIndex, BTreeSet<u64>), ExecuteError> {
        self.run_jobs(threads)?;
        for names in self.groups.values().filter(|names| names.len() > 1) {
            let mut names = names.iter();
            let first = names.next().expect("a group of several names has a first");
            let Some(file) = self.entries.get(first).cloned() else { continue };
            for name in names {
                let same = |entry: &&mut Entry| **entry == Entry { path: name.clone(), ..file.clone() };
                let second = self.on_disk(name);
                let is_link = second.symlink_metadata().is_ok_and(|second| {
                    self.on_disk(first).symlink_metadata().is_ok_and(|first| first.ino() == second.ino())
                });
                if let Some(entry) = self.entries.get_mut(name).filter(same).filter(|_| is_link) {
                    entry.kind = Kind::Hardlink { target: first.clone() };
                }
            }
        }
        self.order_names();
        // Children before their directories: writing into a directory changes its time.
        for entry in self.entries.values().rev() {
            if !self.settled.contains(&entry.path) && !matches!(entry.kind, Kind::Hardlink { .. }) {
                apply(entry, &self.on_disk(&entry.path), self.owners)?;
            }
            if entry.kind == (Kind::Directory { opaque: true }) {
                let path = self.on_disk(&entry.path);
                lsetxattr(&path, self.xattr_namespace.opaque_name(), b"y", XattrFlags::empty())
                    .map_err(|source| disk(&path, source))?;
            }
        }
        let mut builder = IndexBuilder::new();
        for (path, entry) in &self.entries {
            builder.add(entry.clone()).map_err(|source| ExecuteError::Layer { source })?;
            if self.passwd_files.contains(path)
                && matches!(entry.kind, Kind::File { .. } | Kind::Hardlink { .. })
            {
                let disk = self.on_disk(path);
                let bytes =
                    std::fs::read(&disk).map_err(|source| ExecuteError::Write { path: disk, source })?;
                if path.ends_with(b"passwd") { builder.set_passwd(bytes) } else { builder.set_group(bytes) }
            }
        }
        Ok((builder.finish(), self.new_links))
    }
}

/// Most links on one path, as in the kernel.
const MOST_LINKS: usize = 40;

/// What is made in a directory with this bit gets its group, and directories get the bit.
const SETGID: u32 = 0o2000;

fn parent_of(path: &[u8]) -> &[u8] {
    path.iter().rposition(|byte| *byte == b'/').map_or(&[], |end| &path[..end])
}

/// The directories on the way to a path, outermost first, without the root and the path itself.
fn ancestors(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(end, _)| &path[..end])
}

/// Sets owner, mode, attributes and time of what was written; by path, for what cannot be opened.
fn apply(entry: &Entry, path: &Path, owners: Owners) -> Result<(), ExecuteError> {
    let failed = |source| disk(path, source);
    match owners {
        Owners::Real => {
            let (uid, gid) = (Uid::from_raw(entry.uid), Gid::from_raw(entry.gid));
            chownat(CWD, path, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW).map_err(failed)?;
        }
        Owners::Recorded => {
            if let Some(owner) = recorded_owner(entry) {
                lsetxattr(path, OWNER_XATTR, owner.as_bytes(), XattrFlags::empty()).map_err(failed)?;
            }
        }
    }
    for (name, value) in &entry.xattrs {
        tolerate(lsetxattr(path, OsStr::from_bytes(name), value, XattrFlags::empty())).map_err(failed)?;
    }
    if !matches!(entry.kind, Kind::Symlink { .. }) {
        chmod(path, Mode::from_raw_mode(entry.mode)).map_err(failed)?;
    }
    utimensat(CWD, path, &times(entry), AtFlags::SYMLINK_NOFOLLOW).map_err(failed)
}

/// The same for an open file.
fn apply_to_file(entry: &Entry, file: &File, path: &Path, owners: Owners) -> Result<(), ExecuteError> {
    let failed = |source| disk(path, source);
    match owners {
        Owners::Real => {
            fchown(file, Some(Uid::from_raw(entry.uid)), Some(Gid::from_raw(entry.gid))).map_err(failed)?;
        }
        Owners::Recorded => {
            if let Some(owner) = recorded_owner(entry) {
                fsetxattr(file, OWNER_XATTR, owner.as_bytes(), XattrFlags::empty()).map_err(failed)?;
            }
        }
    }
    for (name, value) in &entry.xattrs {
        tolerate(fsetxattr(file, OsStr::from_bytes(name), value, XattrFlags::empty())).map_err(failed)?;
    }
    fchmod(file, Mode::from_raw_mode(entry.mode)).map_err(failed)?;
    futimens(file, &times(entry)).map_err(failed)
}

/// The owner as the attribute keeps it, where there is one to keep.
fn recorded_owner(entry: &Entry) -> Option<String> {
    let keeps = matches!(entry.kind, Kind::File { .. } | Kind::Directory { .. });
    (keeps && (entry.uid, entry.gid) != (0, 0)).then(|| format!("{}:{}", entry.uid, entry.gid))
}

/// An attribute that this disk cannot hold is still in the index, which the layer is written from.
fn tolerate(result: Result<(), Errno>) -> Result<(), Errno> {
    match result {
        Err(Errno::OPNOTSUPP | Errno::PERM) => Ok(()),
        other => other,
    }
}

fn times(entry: &Entry) -> Timestamps {
    Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec {
            tv_sec: entry.mtime.seconds,
            tv_nsec: i64::from(entry.mtime.nanoseconds),
        },
    }
}

fn put_special(entry: &Entry, path: &Path) -> Result<(), ExecuteError> {
    use rustix::fs::{FileType, makedev, mknodat};
    let mode = Mode::from_raw_mode(0o600);
    let node = |kind, device| mknodat(CWD, path, kind, mode, device);
    // Devices exist only in the index where this disk or this user cannot hold them.
    let device = |kind, major, minor| match node(kind, makedev(major, minor)) {
        Err(Errno::PERM) => {
            File::create_new(path).map(drop).map_err(|e| Errno::from_io_error(&e).unwrap_or(Errno::IO))
        }
        other => other,
    };
    let made = match &entry.kind {
        Kind::Symlink { target } => rustix::fs::symlink(OsStr::from_bytes(target), path),
        Kind::Fifo => node(FileType::Fifo, 0),
        Kind::CharDevice { major, minor } => device(FileType::CharacterDevice, *major, *minor),
        Kind::BlockDevice { major, minor } => device(FileType::BlockDevice, *major, *minor),
        _ => Ok(()),
    };
    made.map_err(|source| disk(path, source))
}

/// Puts all files in place: first copies and links into other layers, then second names.
fn run_jobs(
    directory: &Path,
    jobs: &[Job],
    owners: Owners,
    threads: NonZeroUsize,
) -> Result<(), ExecuteError> {
    let (second_names, first_names): (Vec<_>, Vec<_>) =
        jobs.iter().partition(|job| job.source.starts_with(directory));
    // Neighbours share a directory, and two threads that write into one wait for each other.
    let share = first_names.len().div_ceil(threads.get()).max(64);
    let work = |jobs: &[&Job]| {
        let mut buffer = Vec::new();
        jobs.iter().try_for_each(|job| run_job(directory, job, owners, &mut buffer))
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = first_names.chunks(share).map(|jobs| scope.spawn(move || work(jobs))).collect();
        workers.into_iter().try_for_each(|worker| worker.join().expect("a copying thread does not panic"))
    })?;
    work(&second_names)
}

fn run_job(directory: &Path, job: &Job, owners: Owners, buffer: &mut Vec<u8>) -> Result<(), ExecuteError> {
    let path = directory.join(OsStr::from_bytes(&job.entry.path));
    if job.link {
        match rustix::fs::link(&job.source, &path) {
            Ok(()) => return Ok(()),
            // Too many names, or another file system: a copy is as good.
            Err(Errno::MLINK | Errno::XDEV) => {}
            Err(source) => return Err(disk(&path, source)),
        }
    }
    let file = copy_file(&job.source, &path, buffer)?;
    apply_to_file(&job.entry, &file, &path, owners)
}

/// Files up to this size are copied through memory, which takes fewer system calls.
const SMALL: u64 = 128 * 1024;

fn copy_file(source: &Path, destination: &Path, buffer: &mut Vec<u8>) -> Result<File, ExecuteError> {
    let read = |error: io::Error| ExecuteError::Read { path: source.display().to_string(), source: error };
    let write = |error: io::Error| ExecuteError::Write { path: destination.to_owned(), source: error };
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let from = rustix::fs::open(source, flags, Mode::empty()).map_err(|error| read(error.into()))?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let to = rustix::fs::open(destination, flags, Mode::from_raw_mode(0o600))
        .map_err(|error| disk(destination, error))?;
    let (mut from, mut to) = (File::from(from), File::from(to));
    buffer.clear();
    io::Read::read_to_end(&mut io::Read::take(&mut from, SMALL), buffer).map_err(read)?;
    if (buffer.len() as u64) < SMALL {
        io::Write::write_all(&mut to, buffer).map_err(write)?;
        return Ok(to);
    }
    if rustix::fs::ioctl_ficlone(&to, &from).is_err() {
        if has_holes(&from.metadata().map_err(read)?) {
            io::Seek::rewind(&mut from).map_err(read)?;
            copy_sparse(&mut from, &mut to).map_err(write)?;
            return Ok(to);
        }
        io::Write::write_all(&mut to, buffer).map_err(write)?;
        // `io::copy` between files uses copy_file_range and its fallbacks.
        io::copy(&mut from, &mut to).map_err(write)?;
    }
    Ok(to)
}

fn disk(path: &Path, source: Errno) -> ExecuteError {
    ExecuteError::Write { path: path.to_owned(), source: source.into() }
}

/// A path inside an image, for messages.
pub(crate) fn shown(path: &[u8]) -> String {
    format!("/{}", String::from_utf8_lossy(path))
}
