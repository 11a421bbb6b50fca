//! Path resolution with symbolic links, as the kernel does it inside a chroot (`path_resolution(7)`).

use std::collections::VecDeque;

use super::{ChainIndex, Found};
use crate::entry::{Kind, join, shown, split_last};

/// Most symbolic links on one path (`MAXSYMLINKS` of the kernel).
const MAXIMUM_LINKS: usize = 40;

/// Where a path leads after every symbolic link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved<'a> {
    /// The path without symbolic links (but the last, if it was not to be followed), missing components included.
    pub path: Vec<u8>,
    /// What is there; `None` exactly when `missing` is not empty.
    pub found: Option<Found<'a>>,
    /// The last components of `path`, as far as they do not exist.
    pub missing: Vec<Vec<u8>>,
    /// The existing directories that lead to `path`, root first. With `found` these are its parents;
    /// without, the last one is where the missing components begin.
    pub parents: Vec<Found<'a>>,
}

/// Why a path leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// More than 40 symbolic links (`ELOOP`).
    #[error("too many symbolic links on the way to `{path}`")]
    TooManyLinks {
        /// The path asked for.
        path: String,
    },
    /// A component that should hold others is not a directory (`ENOTDIR`).
    #[error("`{component}` on the way to `{path}` is not a directory")]
    NotADirectory {
        /// The path asked for.
        path: String,
        /// The component, resolved.
        component: String,
    },
}

impl ChainIndex {
    /// Follows symbolic links inside the root; a leading slash makes no difference, `..` never leaves the root.
    ///
    /// A trailing slash follows the last component too and asks for a directory. Components after a missing
    /// one are taken as written, `..` among them removes the one before: this is what `mkdir -p` of a cleaned
    /// destination needs.
    pub fn resolve(&self, path: &[u8], follow_last: bool) -> Result<Resolved<'_>, ResolveError> {
        let mut walk = Walk {
            chain: self,
            asked: path,
            pending: components(path).map(<[u8]>::to_vec).collect(),
            resolved: vec![self.root()],
            current: Vec::new(),
            missing: Vec::new(),
            links: 0,
        };
        let wants_directory = matches!(path.rsplit(|&byte| byte == b'/').next(), Some(b"" | b"." | b".."));
        walk.run(follow_last || wants_directory)?;
        let Walk { mut resolved, current, missing, .. } = walk;
        let found = if missing.is_empty() { resolved.pop() } else { None };
        if wants_directory && let Some(found) = found.filter(|found| !found.entry.is_directory()) {
            return Err(not_a_directory(path, &found.entry.path));
        }
        if found.is_some_and(|found| found.entry.path.is_empty()) {
            resolved.clear();
        }
        let path = missing.iter().fold(current, |path, name| join(&path, name));
        Ok(Resolved { path, found, missing, parents: resolved })
    }
}

fn components(path: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    path.split(|&byte| byte == b'/').filter(|component| !component.is_empty() && *component != b".")
}

fn not_a_directory(path: &[u8], component: &[u8]) -> ResolveError {
    ResolveError::NotADirectory { path: shown(path), component: shown(component) }
}

struct Walk<'a, 'p> {
    chain: &'a ChainIndex,
    asked: &'p [u8],
    pending: VecDeque<Vec<u8>>,
    /// What exists from the root to `current`, both included.
    resolved: Vec<Found<'a>>,
    current: Vec<u8>,
    missing: Vec<Vec<u8>>,
    links: usize,
}

impl Walk<'_, '_> {
    fn run(&mut self, follow_last: bool) -> Result<(), ResolveError> {
        while let Some(component) = self.pending.pop_front() {
            if !self.missing.is_empty() {
                match component.as_slice() {
                    b".." => drop(self.missing.pop()),
                    b"." => {}
                    _ => self.missing.push(component),
                }
                continue;
            }
            self.expect_directory()?;
            if component == b"." {
                continue;
            }
            if component == b".." {
                if self.resolved.len() > 1 {
                    self.resolved.pop();
                    self.current.truncate(split_last(&self.current).0.len());
                }
                continue;
            }
            let path = join(&self.current, &component);
            let Some(found) = self.chain.lookup(&path) else {
                self.missing.push(component);
                continue;
            };
            match &found.entry.kind {
                Kind::Symlink { target } if follow_last || !self.pending.is_empty() => self.follow(target)?,
                _ => {
                    self.resolved.push(found);
                    self.current = path;
                }
            }
        }
        Ok(())
    }

    fn follow(&mut self, target: &[u8]) -> Result<(), ResolveError> {
        self.links += 1;
        if self.links > MAXIMUM_LINKS {
            return Err(ResolveError::TooManyLinks { path: shown(self.asked) });
        }
        if target.starts_with(b"/") {
            self.resolved.truncate(1);
            self.current.clear();
        }
        // A link `name -> file/` is an error like the path `file/`; `.` asks for a directory.
        if matches!(target.rsplit(|&byte| byte == b'/').next(), Some(b"" | b".")) {
            self.pending.push_front(b".".to_vec());
        }
        for component in components(target).rev() {
            self.pending.push_front(component.to_vec());
        }
        Ok(())
    }

    fn expect_directory(&self) -> Result<(), ResolveError> {
        match self.resolved.last() {
            Some(last) if !last.entry.is_directory() => Err(not_a_directory(self.asked, &self.current)),
            _ => Ok(()),
        }
    }
}
