//! Files to documents: their variables filled in, what services extend below them, what is included beside them.

use std::collections::BTreeMap;
use std::sync::Arc;

use plimsoll_diagnostics::SourceFile;

use super::yaml::Node;
use super::{extends, include, interpolate, rebase, yaml};
use crate::ReadFile;
use crate::paths::clean;
use crate::problem::{Outcome, Place, Problem};

/// The most files that a definition may lead to.
const MOST_FILES: usize = 1000;
/// The most bytes that all of them may have.
const MOST_BYTES: usize = 64 << 20;

/// What a file's relative paths and variables are meant by.
pub(super) struct Ground<'a> {
    /// Where relative paths start, seen from the working directory; nothing is the working directory itself.
    pub(super) folder: String,
    pub(super) environment: &'a BTreeMap<String, String>,
}

/// A file that is being read.
pub(super) struct Opened<'a> {
    pub(super) source: &'a Arc<SourceFile>,
    /// Its path, by which it is known again.
    pub(super) path: String,
    /// Whether its paths start in its own folder; those of the files on the command line start in the working directory.
    pub(super) is_rebased: bool,
}

/// Reads files, and remembers how many.
pub(super) struct Loader<'a> {
    read: ReadFile<'a>,
    warnings: Vec<Problem>,
    files: usize,
    bytes: usize,
    /// Values of services that were made out of others.
    pub(super) extended_nodes: usize,
}

impl<'a> Loader<'a> {
    pub(super) fn new(read: ReadFile<'a>) -> Self {
        Self { read, warnings: Vec::new(), files: 0, bytes: 0, extended_nodes: 0 }
    }

    pub(super) fn into_warnings(self) -> Vec<Problem> {
        self.warnings
    }

    /// A file of the command line.
    pub(super) fn named_file(&mut self, source: &Arc<SourceFile>, ground: &Ground<'_>) -> Outcome<Node> {
        let path = clean(source.name());
        let file = Opened { source, path: path.clone(), is_rebased: false };
        self.document(&file, ground, &mut vec![path])
    }

    /// A file with everything that it includes; `way` holds the files that lead to it, and itself.
    pub(super) fn document(
        &mut self,
        file: &Opened<'_>,
        ground: &Ground<'_>,
        way: &mut Vec<String>,
    ) -> Outcome<Node> {
        let mut document = self.parse(file, ground)?;
        extends::apply(self, &mut document, &file.path, ground)?;
        include::apply(self, &mut document, ground, way)?;
        Ok(document)
    }

    /// The text of a file as a tree.
    pub(super) fn parse(&mut self, file: &Opened<'_>, ground: &Ground<'_>) -> Outcome<Node> {
        let mut document = yaml::parse(file.source)?;
        if document.as_map().is_none() && !document.is_null() {
            return Err(document
                .place
                .error("bad-compose", "a compose file is a mapping")
                .hint("start with `services:`"));
        }
        interpolate::document(&mut document, ground.environment, &mut self.warnings)?;
        if let Some(services) = document.get("services")
            && services.as_map().is_none()
        {
            return Err(services.place.error("bad-compose", "`services` must be a mapping"));
        }
        if file.is_rebased {
            rebase::document(&mut document, &ground.folder);
        }
        Ok(document)
    }

    /// The text of a file that another one names at `place`.
    pub(super) fn open(&mut self, path: &str, place: &Place) -> Outcome<Arc<SourceFile>> {
        self.open_if_there(path, place)?
            .ok_or_else(|| place.error("unknown-file", format!("there is no file `{path}`")))
    }

    pub(super) fn open_if_there(&mut self, path: &str, place: &Place) -> Outcome<Option<Arc<SourceFile>>> {
        let file = (self.read)(path)
            .map_err(|error| place.error("unreadable-file", error.message).maybe_hint(error.hint))?;
        self.files += 1;
        self.bytes += file.as_ref().map_or(0, |file| file.text().len());
        if self.files > MOST_FILES || self.bytes > MOST_BYTES {
            return Err(place.error(
                "too-many-files",
                format!("the definition leads to more than {MOST_FILES} files or {} MiB", MOST_BYTES >> 20),
            ));
        }
        Ok(file)
    }
}
