//! Which files a COPY, an ADD or a bind mount takes from a tree, and the digest of just those.
//!
//! Symbolic links in the named path are followed inside the tree's root, except with `--parents`; links further down are kept.
//! A wildcard never crosses a `/`. A literal path that is not there is an error; a wildcard that matches nothing
//! is none.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;

use plimsoll_dockerfile::glob;
use plimsoll_dockerfile::ignore::IgnoreFile;
use plimsoll_layer::{Found, Kind, Resolved, SelectionItem, SelectionOwners, selection_digest};
use plimsoll_oci::{Digest, Hasher};

use crate::error::ExecuteError;
use crate::parallel;
use crate::tree::Tree;

/// Paths relative to a directory, with what is there.
type Paths<'t> = Vec<(&'t [u8], Found<'t>)>;

/// What one source pattern names.
pub(crate) struct Selected<'t> {
    /// Where it lands below the destination: its last component, or the destination itself with `--parents`.
    pub(crate) name: Vec<u8>,
    /// The file or directory itself, links followed; with `--parents` the directory that paths are kept from.
    pub(crate) root: Found<'t>,
    /// Directories on the way to what is copied, which are not copied themselves, sorted, with their paths as in `below`.
    pub(crate) above: Paths<'t>,
    /// Everything below a directory that is copied, sorted, with its path relative to the directory.
    pub(crate) below: Paths<'t>,
}

/// How to select.
#[derive(Clone, Copy)]
pub(crate) struct Rules<'a> {
    /// Patterns of what is left out.
    pub(crate) exclude: &'a [String],
    /// Keep parent directories.
    pub(crate) parents: bool,
}

/// Everything that a pattern selects, in the order of its paths.
pub(crate) fn select<'t>(
    tree: &'t Tree,
    pattern: &str,
    rules: Rules<'_>,
) -> Result<Vec<Selected<'t>>, ExecuteError> {
    let (pivot, components) = split_pattern(pattern);
    let ignore = exclusions(rules.exclude)?;
    if rules.parents {
        return with_parents(tree, pattern, components.split_at(pivot), ignore.as_ref());
    }
    let mut selected = Vec::new();
    for path in paths(tree, pattern, &components)? {
        let resolved = resolve(tree, &path)?;
        let Some(root) = resolved.found else {
            return Err(ExecuteError::SourceMissing { path: pattern.to_owned() });
        };
        // Patterns are about what is in a directory that is copied, not about what is named.
        selected.push(one(tree, &path, root, &resolved.path, ignore.as_ref()));
    }
    Ok(selected)
}

fn resolve<'t>(tree: &'t Tree, path: &[u8]) -> Result<Resolved<'t>, ExecuteError> {
    tree.index.resolve(path, true).map_err(|source| ExecuteError::Resolve { source })
}

/// What `--parents` copies: from the directory before the pivot, which is the root without one, all that the pattern behind
/// it matches as those of an ignore file do, with what is below and the directories above. Links on the way are not
/// followed, and links are kept.
fn with_parents<'t>(
    tree: &'t Tree,
    pattern: &str,
    (before, behind): (&[String], &[String]),
    ignore: Option<&IgnoreFile>,
) -> Result<Vec<Selected<'t>>, ExecuteError> {
    let missing = || ExecuteError::SourceMissing { path: pattern.to_owned() };
    let wanted = IgnoreFile::from_patterns([behind.join("/").as_str()])
        .map_err(|_| ExecuteError::BadPattern { pattern: pattern.to_owned() })?;
    let has_wildcard = before.iter().chain(behind).any(|component| is_wildcard(component));
    let mut selected = Vec::new();
    for path in paths(tree, pattern, before)? {
        let base = resolve(tree, &path)?;
        let Some(root) = base.found.filter(|found| found.entry.is_directory()) else {
            // A wildcard in front of the pivot is about directories.
            if has_wildcard {
                continue;
            }
            return Err(missing());
        };
        if !has_wildcard && !exists(tree, &join(&path, &literal_path(behind)))? {
            return Err(missing());
        }
        let is_wanted = |path: &[u8]| {
            (behind.is_empty() || wanted.matches(path).ignored)
                && ignore.is_none_or(|ignore| !excluded(ignore, path))
        };
        let (above, below) = walk(tree, &base.path, is_wanted);
        selected.push(Selected { name: Vec::new(), root, above, below });
    }
    Ok(selected)
}

/// What lies below a directory, as its path from there and what is found: directories on the way to what is wanted, which
/// are not wanted themselves, and what is wanted.
fn walk<'t>(tree: &'t Tree, directory: &[u8], is_wanted: impl Fn(&[u8]) -> bool) -> (Paths<'t>, Paths<'t>) {
    let all = tree.index.walk(directory).into_iter().map(|found| (relative(directory, found), found));
    let (below, others): (Vec<_>, Vec<_>) = all.partition(|(path, _)| is_wanted(path));
    if others.is_empty() {
        return (others, below);
    }
    let ends = |path: &'t [u8]| path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
    let on_the_way: BTreeSet<&[u8]> =
        below.iter().flat_map(|(path, _)| ends(path).map(|(end, _)| &path[..end])).collect();
    let above = others.into_iter().filter(|(path, _)| on_the_way.contains(path)).collect();
    (above, below)
}

/// Whether there is anything at a path, be it a link that leads nowhere.
fn exists(tree: &Tree, path: &[u8]) -> Result<bool, ExecuteError> {
    let resolved = tree.index.resolve(path, false).map_err(|source| ExecuteError::Resolve { source })?;
    Ok(resolved.found.is_some())
}

/// A path below a directory that is already resolved.
fn relative<'t>(directory: &[u8], found: Found<'t>) -> &'t [u8] {
    let rest = found.entry.path.strip_prefix(directory).unwrap_or(&found.entry.path);
    rest.strip_prefix(b"/").unwrap_or(rest)
}

/// The directory in front of a pattern's first wildcard, or in front of the pivot of one that has wildcards; none without a
/// wildcard, or where the root is that directory.
pub(crate) fn directory_of_wildcard(pattern: &str, parents: bool) -> Option<Vec<u8>> {
    let (pivot, components) = split_pattern(pattern);
    let literal = components.iter().take_while(|component| !is_wildcard(component)).count();
    let directory = literal_path(&components[..if parents { literal.min(pivot) } else { literal }]);
    (literal < components.len() && !directory.is_empty()).then_some(directory)
}

fn literal_path(components: &[String]) -> Vec<u8> {
    components.iter().fold(Vec::new(), |path, component| join(&path, &unescape(component)))
}

/// The paths that a pattern names, sorted; a path without wildcards need not exist.
///
/// Links are followed in front of the first wildcard, and where a path ends, but not in between.
fn paths(tree: &Tree, pattern: &str, components: &[String]) -> Result<Vec<Vec<u8>>, ExecuteError> {
    let literal = components.iter().take_while(|component| !is_wildcard(component)).count();
    let (literal, rest) = components.split_at(literal);
    let prefix = literal_path(literal);
    if rest.is_empty() {
        return Ok(vec![prefix]);
    }
    let resolved = resolve(tree, &prefix)?;
    if !resolved.found.is_some_and(|found| found.entry.is_directory()) {
        return Err(ExecuteError::SourceMissing { path: pattern.to_owned() });
    }
    // Each path as it is written, and where it is.
    let mut paths = vec![(prefix, resolved.path)];
    for component in rest {
        let mut next = Vec::new();
        for (written, path) in &paths {
            if is_wildcard(component) {
                expand(tree, (written, path), component, &mut next)?;
            } else {
                let name = unescape(component);
                let path = join(path, &name);
                if tree.index.lookup(&path).is_some() {
                    next.push((join(written, &name), path));
                }
            }
        }
        paths = next;
    }
    let mut paths: Vec<_> = paths.into_iter().map(|(written, _)| written).collect();
    paths.sort_unstable();
    paths.dedup();
    Ok(paths)
}

fn one<'t>(
    tree: &'t Tree,
    path: &[u8],
    root: Found<'t>,
    resolved: &[u8],
    ignore: Option<&IgnoreFile>,
) -> Selected<'t> {
    let (above, below) = if root.entry.is_directory() {
        walk(tree, resolved, |rest| ignore.is_none_or(|ignore| !excluded(ignore, rest)))
    } else {
        (Vec::new(), Vec::new())
    };
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default().to_vec();
    Selected { name, root, above, below }
}

/// The components of a pattern, and how many of them stand before the pivot `/./`.
fn split_pattern(pattern: &str) -> (usize, Vec<String>) {
    let (before, after) = pattern.split_once("/./").unwrap_or(("", pattern));
    let clean = |text: &str| {
        let mut parts: Vec<String> = Vec::new();
        for part in text.split('/') {
            match part {
                "" | "." => {}
                // What climbs out of the root stays in it.
                ".." => drop(parts.pop()),
                part => parts.push(part.to_owned()),
            }
        }
        parts
    };
    let mut components = clean(before);
    let pivot = components.len();
    components.extend(clean(after));
    (pivot, components)
}

fn is_wildcard(component: &str) -> bool {
    let mut escaped = false;
    component.chars().any(|c| match c {
        _ if escaped => {
            escaped = false;
            false
        }
        '\\' => {
            escaped = true;
            false
        }
        c => matches!(c, '*' | '?' | '['),
    })
}

fn unescape(component: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(component.len());
    let mut bytes = component.bytes();
    while let Some(byte) = bytes.next() {
        out.push(if byte == b'\\' { bytes.next().unwrap_or(byte) } else { byte });
    }
    out
}

fn expand(
    tree: &Tree,
    (written, path): (&[u8], &[u8]),
    component: &str,
    out: &mut Vec<(Vec<u8>, Vec<u8>)>,
) -> Result<(), ExecuteError> {
    if !tree.index.lookup(path).is_some_and(|found| found.entry.is_directory()) {
        return Ok(());
    }
    for child in tree.index.children(path) {
        let matches = glob::matches(component, child.name)
            .map_err(|_| ExecuteError::BadPattern { pattern: component.to_owned() })?;
        if matches {
            out.push((join(written, child.name), join(path, child.name)));
        }
    }
    Ok(())
}

/// A name in a directory; either may be empty.
pub(crate) fn join(directory: &[u8], name: &[u8]) -> Vec<u8> {
    match (directory.is_empty(), name.is_empty()) {
        (true, _) => name.to_vec(),
        (_, true) => directory.to_vec(),
        _ => [directory, b"/", name].concat(),
    }
}

fn exclusions(patterns: &[String]) -> Result<Option<IgnoreFile>, ExecuteError> {
    if patterns.is_empty() {
        return Ok(None);
    }
    // A pattern that starts with a slash matches no path: all are relative.
    let relative = patterns.iter().filter(|pattern| !pattern.trim_start_matches('!').starts_with('/'));
    IgnoreFile::from_patterns(relative.map(String::as_str))
        .map(Some)
        .map_err(|_| ExecuteError::BadPattern { pattern: patterns.join(", ") })
}

fn excluded(ignore: &IgnoreFile, path: &[u8]) -> bool {
    ignore.matches(path).ignored
}

/// The digest of what was selected: names, types, modes, owners (as `owners` says), links and bytes; never times.
///
/// `content` gives the digest of a file's bytes, for several files at once with more than one thread.
pub(crate) fn digest(
    selected: &[Selected<'_>],
    owners: SelectionOwners,
    threads: NonZeroUsize,
    content: &(dyn Fn(Found<'_>) -> Result<Digest, ExecuteError> + Sync),
) -> Result<Digest, ExecuteError> {
    let parts: Vec<Vec<(&[u8], Found<'_>)>> = selected.iter().map(paths_of).collect();
    let files: Vec<Found<'_>> =
        parts.iter().flatten().map(|(_, found)| *found).filter(|found| is_file(*found)).collect();
    let mut contents = parallel::map(&files, threads, &|found| content(*found))?.into_iter();
    let mut hasher = Hasher::new();
    for (one, paths) in selected.iter().zip(parts) {
        let groups = link_groups(&paths);
        let items = paths.into_iter().map(|(path, found)| SelectionItem {
            path,
            entry: found.entry,
            content: if is_file(found) { contents.next() } else { None },
            link_group: if groups.is_empty() { None } else { groups.get(&inode(found)).copied() },
        });
        hasher.field(&one.name);
        hasher.field(selection_digest(owners, items).as_bytes());
    }
    Ok(hasher.finish())
}

/// Everything of one source, with its path relative to the source or to where its parents land.
fn paths_of<'s>(one: &'s Selected<'_>) -> Vec<(&'s [u8], Found<'s>)> {
    one.above.iter().copied().chain([(&[][..], one.root)]).chain(one.below.iter().copied()).collect()
}

fn is_file(found: Found<'_>) -> bool {
    matches!(found.entry.kind, Kind::File { .. } | Kind::Hardlink { .. })
}

/// What stands for the inode of an entry: its layer, and the path of the file in it.
fn inode(found: Found<'_>) -> (usize, &[u8]) {
    match &found.entry.kind {
        Kind::Hardlink { target } => (found.layer, target),
        _ => (found.layer, &found.entry.path),
    }
}

/// A number for each inode that has several names within a selection; numbers follow the sorted inodes.
fn link_groups<'t>(paths: &[(&[u8], Found<'t>)]) -> BTreeMap<(usize, &'t [u8]), u64> {
    // A group has at least one hard link: most selections have none, and their files are not looked at.
    let is_link = |found: &Found<'_>| matches!(found.entry.kind, Kind::Hardlink { .. });
    let mut names: BTreeMap<_, usize> =
        paths.iter().filter(|(_, found)| is_link(found)).map(|(_, found)| (inode(*found), 0)).collect();
    if names.is_empty() {
        return BTreeMap::new();
    }
    for (_, found) in paths {
        if let Some(count) = names.get_mut(&inode(*found)) {
            *count += 1;
        }
    }
    names.into_iter().filter(|(_, count)| *count > 1).map(|(inode, _)| inode).zip(0..).collect()
}
