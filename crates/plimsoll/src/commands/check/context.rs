//! What rules ask about the build context.

use std::cell::OnceCell;
use std::io::Read as _;
use std::path::PathBuf;
use std::rc::Rc;

use plimsoll_diagnostics::SourceFile;
use plimsoll_dockerfile::ignore::IgnoreFile;
use plimsoll_lint::{BuildContext, ContextEntry, EntryKind, Listing};

use super::say;
use crate::commands::context::walk::{Entry, walk_at_most};

/// So many paths are looked at.
const MOST_ENTRIES: usize = 100_000;

/// A larger file is not read.
const LARGEST: u64 = 64 << 10;

/// A build context; it is read when the first rule asks.
pub(in crate::commands) struct Context {
    folder: PathBuf,
    ignore: IgnoreFile,
    ignore_source: Option<SourceFile>,
    is_guessed: bool,
    listing: Rc<OnceCell<Option<Listing>>>,
}

impl Context {
    pub(in crate::commands) fn new(
        folder: PathBuf,
        ignore_source: Option<SourceFile>,
        is_guessed: bool,
    ) -> Self {
        // What cannot be understood in it stops a build, and hides no finding here.
        let ignore = ignore_source.as_ref().map(|file| IgnoreFile::parse(file.text()).0);
        Self { folder, ignore: ignore.unwrap_or_default(), ignore_source, is_guessed, listing: Rc::default() }
    }

    /// The same context, or one that shares the paths of `other` if those are the same: many Dockerfiles may lie in one folder.
    pub(super) fn sharing(self, other: Option<&Self>) -> Self {
        let text = |context: &Self| context.ignore_source.as_ref().map(|file| file.text().to_owned());
        match other.filter(|other| other.folder == self.folder && text(other) == text(&self)) {
            Some(other) => Self { listing: Rc::clone(&other.listing), ..self },
            None => self,
        }
    }

    /// What it leaves out, if it has an ignore file.
    pub(super) fn ignore_file(&self) -> Option<&IgnoreFile> {
        self.ignore_source.as_ref().map(|_| &self.ignore)
    }

    fn walked(&self) -> Option<Listing> {
        let folder = self.folder.display();
        match walk_at_most(&self.folder, &self.ignore, MOST_ENTRIES) {
            Ok((entries, is_complete)) => {
                if !is_complete {
                    say(&format!(
                        "warning: `{folder}` has more than {MOST_ENTRIES} entries; what is copied of the rest is not checked"
                    ));
                }
                Some(Listing::new(entries.into_iter().map(known).collect(), is_complete))
            }
            Err(error) => {
                say(&format!("warning: what is copied from `{folder}` is not checked: {error:#}"));
                None
            }
        }
    }
}

fn known(entry: Entry) -> ContextEntry {
    let kind = match (entry.is_directory, entry.is_file) {
        (true, _) => EntryKind::Directory,
        (_, true) => EntryKind::File,
        _ => EntryKind::Other,
    };
    ContextEntry {
        path: entry.path,
        kind,
        size_bytes: entry.size_bytes,
        is_kept: entry.is_kept,
        line: entry.decision.line,
    }
}

impl BuildContext for Context {
    fn listing(&self) -> Option<&Listing> {
        self.listing.get_or_init(|| self.walked()).as_ref()
    }

    fn read(&self, path: &str) -> Option<String> {
        // A link may lead anywhere: only what lies in the context is read.
        let root = self.folder.canonicalize().ok()?;
        let file = root.join(path).canonicalize().ok().filter(|file| file.starts_with(&root))?;
        let data = std::fs::metadata(&file).ok()?;
        if !data.is_file() || data.len() > LARGEST {
            return None;
        }
        let mut bytes = Vec::new();
        std::fs::File::open(&file).ok()?.take(LARGEST + 1).read_to_end(&mut bytes).ok()?;
        String::from_utf8(bytes).ok().filter(|text| text.len() as u64 <= LARGEST)
    }

    fn ignore_source(&self) -> Option<&SourceFile> {
        self.ignore_source.as_ref()
    }

    fn is_guessed(&self) -> bool {
        self.is_guessed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_outside_is_read_and_links_are_no_files() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("context");
        std::fs::create_dir_all(root.join("a")).unwrap();
        std::fs::write(folder.path().join("outside"), "x").unwrap();
        std::fs::write(root.join("a/inside"), "y").unwrap();
        std::fs::write(root.join("large"), vec![b'a'; 65_537]).unwrap();
        std::os::unix::fs::symlink("../outside", root.join("link")).unwrap();
        std::os::unix::fs::symlink("..", root.join("up")).unwrap();
        let context = Context::new(root, None, false);
        assert_eq!(context.read("a/inside").as_deref(), Some("y"));
        for path in ["link", "up/outside", "../outside", "/etc/passwd", "large", "a", "none"] {
            assert_eq!(context.read(path), None, "{path}");
        }
        let listing = context.listing().unwrap();
        assert_eq!(listing.find("link").map(|entry| entry.kind), Some(EntryKind::Other));
        assert!(listing.find("up/outside").is_none() && listing.is_complete());
    }

    #[test]
    fn a_walk_ends_at_its_bound() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..10 {
            std::fs::write(folder.path().join(number.to_string()), "").unwrap();
        }
        let walk = |most| walk_at_most(folder.path(), &IgnoreFile::default(), most).unwrap();
        assert_eq!((walk(10).0.len(), walk(10).1), (10, true));
        assert_eq!((walk(3).0.len(), walk(3).1), (3, false));
    }
}
