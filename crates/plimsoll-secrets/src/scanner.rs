//! The scanner: files and texts in, findings out.

use std::io::{self, Read};

use crate::allow::{self, AllowList};
use crate::config::{Config, ConfigError};
use crate::engine::context::FileClass;
use crate::engine::search::{MOST_FOUND, Subject};
use crate::engine::{BLOCK, Search, Stream, Transcoded};
use crate::files;
use crate::finding::{Candidate, FileFindings, Finding, Skipped, fingerprint};
use crate::paths;

/// So many first bytes say whether a file is text.
const HEAD: usize = 8 << 10;
/// The largest file that is read by its form.
const MOST_FORM: usize = 1 << 20;

/// Looks for secrets. One scanner serves any number of threads.
pub struct Scanner {
    search: Search,
    allow: AllowList,
    max_size_bytes: Option<u64>,
    binaries: bool,
    allow_known_paths: bool,
}

impl Scanner {
    /// A scanner with the built-in rules as the configuration changes them.
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        Ok(Self {
            search: Search::new(config.active()?),
            allow: AllowList::new(&config.allow)?,
            max_size_bytes: config.max_size_bytes,
            binaries: config.binaries,
            allow_known_paths: config.allow_known_paths,
        })
    }

    /// Whether a file is worth opening, by its path and size alone.
    pub fn wants(&self, path: &str, size_bytes: u64) -> bool {
        size_bytes > 0 && self.skips(path, size_bytes).is_none()
    }

    /// Why a file is not read, by its path and size alone.
    pub fn skips(&self, path: &str, size_bytes: u64) -> Option<Skipped> {
        if self.max_size_bytes.is_some_and(|limit| size_bytes > limit) {
            return Some(Skipped::TooLarge);
        }
        if self.allow_known_paths && allow::is_allowed(path) || self.allow.allows_path(path) {
            return Some(Skipped::AllowedPath);
        }
        paths::skip_by_name(path)
    }

    /// Looks for secrets in a file.
    ///
    /// # Errors
    /// Those of the reader.
    pub fn scan(&self, path: &str, reader: impl Read) -> io::Result<FileFindings> {
        self.scan_in_blocks(BLOCK, path, reader)
    }

    /// `scan` with blocks of another size, which gives the same: for the tests that check it.
    #[doc(hidden)]
    pub fn scan_in_blocks(&self, block: usize, path: &str, reader: impl Read) -> io::Result<FileFindings> {
        if let Some(reason) = self.skips(path, 0) {
            return Ok(FileFindings::skipped(reason));
        }
        let mut stream = Stream::new(Transcoded::new(reader));
        stream.fill(HEAD)?;
        let head = &stream.buffer()[..stream.buffer().len().min(HEAD)];
        if paths::is_compressed(head) {
            return Ok(FileFindings::skipped(Skipped::Compressed));
        }
        let is_binary = memchr::memchr(0, head).is_some();
        if is_binary && !self.binaries {
            return Ok(FileFindings::skipped(Skipped::Binary));
        }
        let mut found = Vec::new();
        let mut skipped = is_binary.then_some(Skipped::BinaryTokensOnly);
        if !is_binary && files::may_have_form(path) {
            stream.fill(MOST_FORM)?;
            if stream.is_whole() {
                files::read(&self.search, path, stream.part(), &mut found);
            } else if files::has_form(path) {
                skipped = Some(Skipped::FormTooLarge);
            }
        }
        let subject = Subject { path, class: FileClass::of(path), tokens_only: is_binary };
        stream.search(block, &self.search, subject, &mut found)?;
        if found.len() >= MOST_FOUND {
            skipped = Some(Skipped::TooManyFindings);
        }
        Ok(FileFindings { findings: self.findings(path, found), skipped, read_bytes: stream.read_bytes() })
    }

    /// Looks for secrets in a text that is no file: a variable as `NAME=value`, a label, a command of a history.
    pub fn scan_text(&self, origin: &str, text: &str) -> Vec<Finding> {
        let subject = Subject { path: origin, class: FileClass::Settings, tokens_only: false };
        let mut found = Vec::new();
        let mut stream = Stream::new(text.as_bytes());
        match stream.search(BLOCK, &self.search, subject, &mut found) {
            Ok(()) => self.findings(origin, found),
            Err(_) => unreachable!("reading from memory never fails"),
        }
    }

    /// One finding for each value: where several rules found the same, or a part of it, the one that knows most about it.
    fn findings(&self, path: &str, mut found: Vec<Candidate>) -> Vec<Finding> {
        found.sort_by_key(|candidate| {
            let rule = self.search.rule(candidate.rule);
            (std::cmp::Reverse((rule.rank, candidate.length)), candidate.start, candidate.rule)
        });
        let mut kept: Vec<Candidate> = Vec::new();
        for candidate in found {
            let end = candidate.start + candidate.length;
            if !kept.iter().any(|other| candidate.start < other.start + other.length && other.start < end) {
                kept.push(candidate);
            }
        }
        kept.sort_by_key(|candidate| candidate.start);
        kept.into_iter()
            .map(|candidate| self.finding(path, candidate))
            .filter(|finding| !self.allow.allows(path, &finding.rule, &finding.fingerprint))
            .collect()
    }

    fn finding(&self, path: &str, candidate: Candidate) -> Finding {
        let rule = self.search.rule(candidate.rule);
        Finding {
            rule: rule.id.clone().into_owned(),
            title: rule.title.clone().into_owned(),
            severity: rule.severity,
            path: path.to_owned(),
            line: candidate.line,
            column: candidate.column,
            length: candidate.length,
            excerpt: candidate.excerpt,
            fingerprint: fingerprint(&candidate.digest),
        }
    }
}
