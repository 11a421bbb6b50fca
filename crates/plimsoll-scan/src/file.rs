//! One file of a layer or a directory: which scanners want it, and what they say.

use std::io::{self, Read};
use std::path::Path;

use plimsoll_packages::{Analysis, File};
use plimsoll_secrets::Skipped;

use crate::content::Content;
use crate::facts::{LayerFacts, NotScanned};

/// A file with more bytes than this is not read.
const MOST_BYTES: u64 = 8 << 30;

/// What is looked for.
#[derive(Clone, Copy)]
pub struct Scanners<'s> {
    /// Whether packages are.
    pub packages: bool,
    /// What looks for secrets.
    pub secrets: Option<&'s plimsoll_secrets::Scanner>,
    /// Where what does not fit into memory is written.
    pub temporary: &'s Path,
}

impl Scanners<'_> {
    /// Whether any of them reads such a file.
    pub(crate) fn want(&self, file: &File<'_>) -> bool {
        self.want_packages(file) || self.want_secrets(file)
    }

    /// Whether a file says something about packages.
    pub(crate) fn want_packages(&self, file: &File<'_>) -> bool {
        self.packages && plimsoll_packages::wanted(file)
    }

    fn want_secrets(&self, file: &File<'_>) -> bool {
        self.secrets.is_some_and(|scanner| scanner.wants(&shown(file.path), file.size))
    }

    /// Reads a file from a stream.
    pub(crate) fn read(
        &self,
        file: &File<'_>,
        stream: &mut dyn Read,
        facts: &mut LayerFacts,
    ) -> io::Result<()> {
        if is_too_large(file, facts) {
            return Ok(());
        }
        if !self.want_packages(file) {
            return self.look_for_secrets(file, stream, facts);
        }
        let content = Content::read(stream, self.temporary)?;
        self.read_content(file, &content, facts)
    }

    /// Reads a file that is open.
    pub(crate) fn read_open(
        &self,
        file: &File<'_>,
        open: std::fs::File,
        facts: &mut LayerFacts,
    ) -> io::Result<()> {
        if is_too_large(file, facts) {
            return Ok(());
        }
        self.read_content(file, &Content::of_file(open)?, facts)
    }

    fn read_content(&self, file: &File<'_>, content: &Content, facts: &mut LayerFacts) -> io::Result<()> {
        if self.want_packages(file) {
            analyze(file, content, facts);
        }
        if self.want_secrets(file) {
            self.look_for_secrets(file, &mut content.reader(), facts)?;
        }
        Ok(())
    }

    fn look_for_secrets(
        &self,
        file: &File<'_>,
        stream: &mut dyn Read,
        facts: &mut LayerFacts,
    ) -> io::Result<()> {
        let Some(scanner) = self.secrets else { return Ok(()) };
        let path = shown(file.path);
        let found = scanner.scan(&path, stream)?;
        facts.secrets.extend(found.findings);
        if let Some(reason @ (Skipped::TooLarge | Skipped::TooManyFindings)) = found.skipped {
            facts.not_scanned.push(NotScanned { path, reason: format!("secrets: {reason}") });
        }
        Ok(())
    }
}

fn analyze(file: &File<'_>, content: &Content, facts: &mut LayerFacts) {
    for (analyzer, result) in plimsoll_packages::analyze(file, content.as_read_at()) {
        match result {
            Ok(mut analysis) => {
                let path = shown(file.path);
                let reasons = std::mem::take(&mut analysis.not_scanned);
                facts
                    .not_scanned
                    .extend(reasons.into_iter().map(|reason| NotScanned { path: path.clone(), reason }));
                if analysis != Analysis::default() {
                    facts.files.entry(path).or_default().insert(analyzer.to_owned(), analysis);
                }
            }
            Err(error) => {
                facts.not_scanned.push(NotScanned { path: shown(file.path), reason: error.to_string() });
            }
        }
    }
}

fn is_too_large(file: &File<'_>, facts: &mut LayerFacts) -> bool {
    let is = file.size > MOST_BYTES;
    if is {
        let reason = format!("it has {} bytes, and no file of more than {MOST_BYTES} is read", file.size);
        facts.not_scanned.push(NotScanned { path: shown(file.path), reason });
    }
    is
}

/// A path as text: what is not UTF-8 in it is replaced.
pub(crate) fn shown(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}
