//! The root file system under construction: packages' entries, one beside the other, as dpkg would leave them.
//!
//! All top-level folders that Debian has merged (`/bin`, `/sbin`, `/lib` …) are links into `/usr`, whatever the
//! suite; packages' paths are moved there. Where a package's path leads through a link of another package, it
//! goes where the link points.

use std::collections::BTreeMap;
use std::sync::Arc;

use plimsoll_layer::{Entry, IndexBuilder, Kind, LayerIndex, Timestamp};

use super::Package;
use crate::deb::{Content, Control};
use crate::error::ComposeError;
use crate::resolve::relation;

/// The folders that are links into `/usr`; those that always exist first.
const MERGED: [&str; 7] = ["bin", "sbin", "lib", "lib64", "lib32", "libo32", "libx32"];
const ALWAYS_MERGED: usize = 3;
const MOST_LINKS: usize = 40;

struct Node {
    entry: Entry,
    content: Option<Content>,
    /// Which package it is of; none for what the composer makes.
    owner: Option<usize>,
}

/// A root file system under construction.
pub(super) struct Tree<'a> {
    nodes: BTreeMap<Vec<u8>, Node>,
    packages: &'a [Package<'a>],
    /// No time is later; the time of what the composer makes.
    newest: i64,
}

impl<'a> Tree<'a> {
    pub(super) fn new(packages: &'a [Package<'a>], created: i64) -> Self {
        Self { nodes: BTreeMap::new(), packages, newest: created }
    }

    /// Puts all packages' entries into the tree for which `keep` says so, by package and merged path.
    pub(super) fn add_packages(
        &mut self,
        mut keep: impl FnMut(&Package<'_>, &[u8]) -> bool,
    ) -> Result<(), ComposeError> {
        let packages = self.packages;
        // The folders of `base-files` are those with the right owners and modes.
        let mut order: Vec<usize> = (0..packages.len()).collect();
        order.sort_by_key(|place| packages[*place].planned.name != "base-files");
        // Links first: they decide where other packages' paths lead.
        for links in [true, false] {
            for place in &order {
                for (entry, content) in &packages[*place].deb.entries {
                    let is_link = matches!(entry.kind, Kind::Symlink { .. });
                    if is_link == links {
                        let path = merged(&entry.path);
                        if keep(&packages[*place], &path) {
                            self.add_packaged(*place, entry, path, content.as_ref())?;
                        }
                    }
                }
            }
        }
        self.resolve_hard_links(&order)
    }

    fn add_packaged(
        &mut self,
        owner: usize,
        entry: &Entry,
        path: Vec<u8>,
        content: Option<&Content>,
    ) -> Result<(), ComposeError> {
        if matches!(entry.kind, Kind::Symlink { .. }) && is_merged_folder(&entry.path) {
            return Ok(());
        }
        let path = self.through_links(path);
        let mut entry = Entry { path: path.clone(), ..entry.clone() };
        entry.mtime = self.clamped(entry.mtime);
        if let Kind::Hardlink { target } = &mut entry.kind {
            *target = self.through_links(merged(target));
        }
        if let Some(there) = self.nodes.get(&path) {
            // The first folder's owner and mode stay, as with dpkg; a link to a folder serves as that folder.
            if entry.is_directory() || !self.replaces(owner, &path, there.owner, there)? {
                return Ok(());
            }
        }
        self.nodes.insert(path, Node { entry, content: content.cloned(), owner: Some(owner) });
        Ok(())
    }

    /// Whether the new owner's file takes the place of the one that is there.
    fn replaces(
        &self,
        new: usize,
        path: &[u8],
        old: Option<usize>,
        there: &Node,
    ) -> Result<bool, ComposeError> {
        let Some(old) = old else { return Ok(false) };
        if old == new {
            return Ok(true);
        }
        let (first, second) = (&self.packages[old], &self.packages[new]);
        if replaces(&second.deb.control, first) {
            return Ok(true);
        }
        let diverted = is_diversion(&there.entry);
        if replaces(&first.deb.control, second) || diverted {
            return Ok(false);
        }
        Err(ComposeError::FileConflict {
            path: String::from_utf8_lossy(path).into_owned(),
            first: first.planned.name.clone(),
            second: second.planned.name.clone(),
        })
    }

    /// Where a path leads when links on the way are followed; the last component is not.
    pub(super) fn through_links(&self, path: Vec<u8>) -> Vec<u8> {
        let mut done: Vec<Vec<u8>> = Vec::new();
        let mut rest: Vec<Vec<u8>> = path.split(|byte| *byte == b'/').rev().map(<[u8]>::to_vec).collect();
        let mut links = 0;
        while let Some(part) = rest.pop() {
            match part.as_slice() {
                b"" | b"." => continue,
                b".." => {
                    done.pop();
                    continue;
                }
                _ => done.push(part),
            }
            if rest.is_empty() {
                break;
            }
            let here = merged(&done.join(&b'/'));
            if let Some(Kind::Symlink { target }) = self.nodes.get(&here).map(|node| &node.entry.kind) {
                links += 1;
                if links > MOST_LINKS {
                    return path;
                }
                done.pop();
                if target.starts_with(b"/") {
                    done.clear();
                }
                rest.extend(target.split(|byte| *byte == b'/').rev().map(<[u8]>::to_vec));
            }
        }
        merged(&done.join(&b'/'))
    }

    /// Where a path leads when it is followed to its end, if something is there.
    pub(super) fn follow(&self, path: &[u8]) -> Option<Vec<u8>> {
        let mut here = self.through_links(merged(path));
        for _ in 0..MOST_LINKS {
            match &self.nodes.get(&here)?.entry.kind {
                Kind::Symlink { target } if target.starts_with(b"/") => {
                    here = self.through_links(merged(target));
                }
                Kind::Symlink { target } => {
                    let parent =
                        here.iter().rposition(|byte| *byte == b'/').map_or(&b""[..], |end| &here[..end]);
                    here = self.through_links(merged(&[parent, b"/", target].concat()));
                }
                _ => return Some(here),
            }
        }
        None
    }

    /// A link to a file that was left out, or that another package replaced, becomes a file of its own.
    fn resolve_hard_links(&mut self, order: &[usize]) -> Result<(), ComposeError> {
        let mut orphans = Vec::new();
        for (path, node) in &self.nodes {
            if let Kind::Hardlink { target } = &node.entry.kind {
                let fits = self.nodes.get(target).is_some_and(|file| {
                    file.owner == node.owner && matches!(file.entry.kind, Kind::File { .. })
                });
                if !fits {
                    orphans.push((path.clone(), target.clone(), node.owner));
                }
            }
        }
        for (path, target, owner) in orphans {
            let owner = owner.filter(|owner| order.contains(owner)).expect("only packages bring hard links");
            let package = &self.packages[owner];
            let found = package
                .deb
                .entries
                .iter()
                .find(|(entry, _)| self.through_links(merged(&entry.path)) == target);
            let Some((file, Some(content))) = found else {
                return Err(ComposeError::BadPackage {
                    package: package.planned.name.clone(),
                    problem: "a hard link has no file",
                });
            };
            let mtime = self.clamped(file.mtime);
            let entry = Entry { path: path.clone(), mtime, ..file.clone() };
            self.nodes.insert(path, Node { entry, content: Some(content.clone()), owner: Some(owner) });
        }
        Ok(())
    }

    fn clamped(&self, time: Timestamp) -> Timestamp {
        time.min(Timestamp::from_seconds(self.newest))
    }

    pub(super) fn contains(&self, path: &[u8]) -> bool {
        self.nodes.contains_key(path)
    }

    /// The paths below a folder.
    pub(super) fn below(&self, folder: &str) -> impl Iterator<Item = &[u8]> {
        let prefix = format!("{folder}/").into_bytes();
        self.nodes
            .range(prefix.clone()..)
            .map(|(path, _)| path.as_slice())
            .take_while(move |path| path.starts_with(&prefix))
    }

    /// The bytes of a file of the tree.
    pub(super) fn bytes(&self, path: &[u8]) -> Option<std::io::Result<Vec<u8>>> {
        self.nodes.get(path)?.content.as_ref().map(Content::bytes)
    }

    /// Makes a folder, or gives an existing one this mode.
    pub(super) fn directory(&mut self, path: &str, mode: u32) {
        self.make(path, Kind::Directory { opaque: false }, mode, None);
    }

    /// Makes a folder and gives it to a user.
    pub(super) fn directory_of(&mut self, path: &str, mode: u32, uid: u32) {
        self.directory(path, mode);
        let node = self.nodes.get_mut(path.as_bytes()).expect("it was just made");
        (node.entry.uid, node.entry.gid) = (uid, uid);
    }

    /// Makes or replaces a file.
    pub(super) fn file(&mut self, path: &str, mode: u32, bytes: impl Into<Vec<u8>>) {
        let bytes: Vec<u8> = bytes.into();
        let kind = Kind::File { size: bytes.len() as u64 };
        self.make(path, kind, mode, Some(Content::Bytes(Arc::from(bytes))));
    }

    /// Makes or replaces a symbolic link.
    pub(super) fn symlink(&mut self, path: &str, target: &str) {
        self.make(path, Kind::Symlink { target: target.as_bytes().to_vec() }, 0o777, None);
    }

    fn make(&mut self, path: &str, kind: Kind, mode: u32, content: Option<Content>) {
        let mut entry = Entry::new(path, kind, mode);
        entry.mtime = Timestamp::from_seconds(self.newest);
        for (end, _) in path.match_indices('/') {
            let parent = &path[..end];
            if !self.contains(parent.as_bytes()) {
                let mut entry = Entry::directory(parent);
                entry.mtime = Timestamp::from_seconds(self.newest);
                let node = Node { entry, content: None, owner: None };
                self.nodes.insert(parent.as_bytes().to_vec(), node);
            }
        }
        self.nodes.insert(path.as_bytes().to_vec(), Node { entry, content, owner: None });
    }

    /// Makes the links into `/usr`.
    pub(super) fn add_merged_links(&mut self) {
        for (place, name) in MERGED.into_iter().enumerate() {
            let target = format!("usr/{name}");
            if place < ALWAYS_MERGED && !self.contains(target.as_bytes()) {
                self.directory(&target, 0o755);
            }
            if self.contains(target.as_bytes()) {
                self.symlink(name, &target);
            }
        }
    }

    /// The finished index, and the bytes by path; every name of a hard-link group has them.
    pub(super) fn finish(self) -> Result<(LayerIndex, BTreeMap<Vec<u8>, Content>), ComposeError> {
        let failed = |source| ComposeError::Layer { source: Box::new(source) };
        let mut builder = IndexBuilder::new();
        let mut contents = BTreeMap::new();
        let is_link = |node: &Node| matches!(node.entry.kind, Kind::Hardlink { .. });
        let (links, others): (Vec<_>, Vec<_>) = self.nodes.into_iter().partition(|(_, node)| is_link(node));
        for (path, node) in others.into_iter().chain(links) {
            let content = match &node.entry.kind {
                Kind::Hardlink { target } => contents.get(target).cloned(),
                _ => node.content,
            };
            builder.add(node.entry).map_err(failed)?;
            if let Some(content) = content {
                if matches!(path.as_slice(), b"etc/passwd" | b"etc/group") {
                    let bytes = content.bytes().map_err(|source| ComposeError::PackageData {
                        package: String::from_utf8_lossy(&path).into_owned(),
                        source,
                    })?;
                    if path == b"etc/passwd" { builder.set_passwd(bytes) } else { builder.set_group(bytes) }
                }
                contents.insert(path, content);
            }
        }
        Ok((builder.finish(), contents))
    }
}

/// Whether `control` says that its package replaces files of `other`.
fn replaces(control: &Control, other: &Package<'_>) -> bool {
    let field = control.fields.field("Replaces").unwrap_or_default();
    relation::clauses(field).filter_map(relation::parse).any(|relation| {
        if relation.name == other.planned.name {
            return relation.allows(&other.planned.version);
        }
        let provides = other.deb.control.fields.field("Provides").unwrap_or_default();
        relation.constraint.is_none()
            && relation::clauses(provides)
                .filter_map(relation::parse)
                .any(|provided| provided.name == relation.name)
    })
}

/// Files that several packages bring, of which only one counts and any will do.
fn is_diversion(entry: &Entry) -> bool {
    // Indexes that tools make anew when they run.
    entry.path == b"usr/share/info/dir"
}

fn is_merged_folder(path: &[u8]) -> bool {
    MERGED.iter().any(|name| name.as_bytes() == path)
}

/// The path with `/bin` and the like moved into `/usr`.
pub(super) fn merged(path: &[u8]) -> Vec<u8> {
    let first = path.split(|byte| *byte == b'/').next().unwrap_or_default();
    if is_merged_folder(first) { [b"usr/", path].concat() } else { path.to_vec() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merged_folders_move_into_usr() {
        assert_eq!(merged(b"bin/ls"), b"usr/bin/ls");
        assert_eq!(merged(b"lib64"), b"usr/lib64");
        assert_eq!(merged(b"library/x"), b"library/x");
        assert_eq!(merged(b"usr/bin/ls"), b"usr/bin/ls");
    }

    #[test]
    fn links_on_the_way_are_followed() {
        let mut tree = Tree::new(&[], 1);
        tree.symlink("var/run", "/run");
        tree.symlink("usr/share/doc/a", "b");
        tree.symlink("loop", "loop");
        tree.file("usr/bin/x", 0o755, "x");
        tree.symlink("usr/bin/y", "../../bin/x");
        assert_eq!(tree.through_links(b"var/run/x".to_vec()), b"run/x");
        assert_eq!(tree.through_links(b"usr/share/doc/a/copyright".to_vec()), b"usr/share/doc/b/copyright");
        assert_eq!(tree.through_links(b"loop/x".to_vec()), b"loop/x");
        assert_eq!(tree.through_links(b"var/run".to_vec()), b"var/run");
        assert_eq!(tree.follow(b"bin/y"), Some(b"usr/bin/x".to_vec()));
        assert_eq!(tree.follow(b"loop"), None);
    }

    #[test]
    fn made_files_have_their_folders_and_the_base_s_time() {
        let mut tree = Tree::new(&[], 7);
        tree.file("a/b/c", 0o644, "x");
        tree.add_merged_links();
        let (index, contents) = tree.finish().unwrap();
        let paths: Vec<&[u8]> = index.entries().iter().map(|entry| entry.path.as_slice()).collect();
        let want: [&[u8]; 10] =
            [b"a", b"a/b", b"a/b/c", b"bin", b"lib", b"sbin", b"usr", b"usr/bin", b"usr/lib", b"usr/sbin"];
        assert_eq!(paths, want);
        assert!(index.entries().iter().all(|entry| entry.mtime == Timestamp::from_seconds(7)));
        assert_eq!(contents[&b"a/b/c".to_vec()].bytes().unwrap(), b"x");
    }
}
