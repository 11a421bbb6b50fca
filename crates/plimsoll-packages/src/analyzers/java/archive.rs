//! `*.jar`, `*.war` and their kin: what Maven wrote into them, and into the archives inside them.
//!
//! Each `pom.properties` is an artifact: shaded archives have several. An archive that has none for itself is told by its file name
//! and its manifest. Archives inside are read in place where they are stored, and unpacked into memory, within limits, where not.

use std::collections::BTreeSet;

use super::{file_name, manifest};
use crate::analyzer::{Analysis, Analyzer, AnalyzerError, File};
use crate::package::{Evidence, Kind, Package};
use crate::read_at::{ReadAt, Window};
use crate::zip::{Archive, Entry};

const ENDINGS: [&[u8]; 6] = [b".jar", b".war", b".ear", b".par", b".jpi", b".hpi"];
const LEAST_BYTES: u64 = 22;
const MOST_ENTRIES: u64 = 1_000_000;
/// Archives and records of Maven in the archive and those inside: each is read, and many may be one and the same bytes.
const MOST_PARTS: u32 = 20_000;
/// `ear` in nothing, `war` in it, `jar` in that, a shaded one in that, and one more.
const DEEPEST: u32 = 5;
/// Of a record or a manifest, whose end may be the digests of very many files.
const MOST_TEXT_BYTES: u64 = 64 << 10;
/// In all, and of archives inside at one time.
const MOST_UNPACKED_BYTES: u64 = 1 << 30;
const MOST_HELD_BYTES: u64 = 64 << 20;

pub(super) static ANALYZER: Analyzer = Analyzer { name: "java-archive", version: 1, wants, analyze };

fn wants(file: &File<'_>) -> bool {
    file.size >= LEAST_BYTES && is_archive(file.path)
}

fn is_archive(path: &[u8]) -> bool {
    let tail = &path[path.len().saturating_sub(4)..];
    ENDINGS.iter().any(|ending| tail.eq_ignore_ascii_case(ending))
}

fn analyze(file: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    let mut search = Search {
        analysis: Analysis::default(),
        seen: BTreeSet::new(),
        unpacked: 0,
        held: 0,
        entries: 0,
        parts: 0,
    };
    let name = String::from_utf8_lossy(file.name());
    search.archive(&name, Window::new(content, 0, content.size()), 0)?;
    Ok(search.analysis)
}

/// A search through an archive and those inside it.
struct Search {
    analysis: Analysis,
    seen: BTreeSet<(String, String)>,
    unpacked: u64,
    held: u64,
    entries: u64,
    parts: u32,
}

/// The entries of an archive that say something.
#[derive(Default)]
struct Parts {
    manifest: Option<Entry>,
    properties: Vec<Entry>,
    archives: Vec<Entry>,
}

impl Search {
    fn archive(&mut self, name: &str, content: Window<'_>, depth: u32) -> Result<(), AnalyzerError> {
        let archive = Archive::open(content)?;
        let parts = self.parts(&archive)?;
        let mut artifacts = Vec::new();
        for entry in &parts.properties {
            let read = self.unpack(&archive, entry, MOST_TEXT_BYTES);
            match read.map(|text| coordinates(&entry.name, &String::from_utf8_lossy(&text))) {
                Ok(Some(artifact)) => artifacts.push(artifact),
                // A project's template without values is in the archive of a generator.
                Ok(None) => {}
                Err(reason) => self.note(name, depth, &reason),
            }
        }
        let main = match &parts.manifest {
            Some(entry) => self.unpack(&archive, entry, MOST_TEXT_BYTES).unwrap_or_default(),
            None => Vec::new(),
        };
        let main = manifest::Main::parse(&String::from_utf8_lossy(&main));
        if let Some(own) = own(name, &main, &artifacts) {
            artifacts.push(own);
        }
        for Coordinates { group, artifact, version } in artifacts {
            let name = if group.is_empty() { artifact } else { format!("{group}:{artifact}") };
            if self.seen.insert((name.clone(), version.clone())) {
                self.analysis.packages.push(Package::new(Kind::Maven, name, version, Evidence::Binary));
            }
        }
        for entry in &parts.archives {
            let inner = String::from_utf8_lossy(&entry.name).into_owned();
            if let Err(reason) = self.inner(&inner, &archive, entry, depth + 1) {
                self.note(&inner, depth + 1, &reason);
            }
        }
        Ok(())
    }

    fn parts(&mut self, archive: &Archive<'_>) -> Result<Parts, AnalyzerError> {
        let mut parts = Parts::default();
        let mut is_full = false;
        archive.entries(&mut |entry| {
            self.entries += 1;
            if self.entries > MOST_ENTRIES {
                let reason = format!("it and the archives inside have more than {MOST_ENTRIES} entries");
                return Err(AnalyzerError::format("an archive of Java", reason));
            }
            if entry.name == b"META-INF/MANIFEST.MF" {
                parts.manifest = Some(entry);
                return Ok(());
            }
            let is_record = entry.name.ends_with(b"/pom.properties") || entry.name == b"pom.properties";
            if !is_record && (entry.size < LEAST_BYTES || !is_archive(&entry.name)) {
                return Ok(());
            }
            self.parts += 1;
            if self.parts > MOST_PARTS {
                is_full = true;
            } else if is_record {
                parts.properties.push(entry);
            } else {
                parts.archives.push(entry);
            }
            Ok(())
        })?;
        if is_full {
            self.analysis
                .note(format!("what is in it behind the first {MOST_PARTS} archives and records of Maven"));
        }
        Ok(parts)
    }

    /// An archive inside another. What is wrong with it is no reason to leave out the rest.
    fn inner(&mut self, name: &str, outer: &Archive<'_>, entry: &Entry, depth: u32) -> Result<(), String> {
        if depth > DEEPEST {
            return Err(format!("it lies more than {DEEPEST} archives deep"));
        }
        let file_name = name.rsplit('/').next().unwrap_or(name);
        if entry.is_stored() {
            let content = outer.packed(entry).map_err(|error| error.to_string())?;
            return self.archive(file_name, content, depth).map_err(|error| error.to_string());
        }
        let most = MOST_HELD_BYTES - self.held;
        if entry.size > most {
            return Err(format!("unpacked it has {} bytes, more than are held in memory", entry.size));
        }
        // The size in the list is a claim: one byte more shows that it is a lie.
        let bytes = self.unpack(outer, entry, entry.size + 1)?;
        if bytes.len() as u64 > entry.size {
            return Err(format!("it unpacks to more than the {} bytes that it says", entry.size));
        }
        self.held += bytes.len() as u64;
        let result = self.archive(file_name, Window::new(&bytes, 0, bytes.size()), depth);
        self.held -= bytes.len() as u64;
        result.map_err(|error| error.to_string())
    }

    /// The first bytes of an entry, at most `most`.
    fn unpack(&mut self, archive: &Archive<'_>, entry: &Entry, most: u64) -> Result<Vec<u8>, String> {
        if self.unpacked + most.min(entry.size) > MOST_UNPACKED_BYTES {
            return Err(format!("more than {MOST_UNPACKED_BYTES} bytes would be unpacked"));
        }
        let bytes = archive.read_start(entry, most).map_err(|error| error.to_string())?;
        self.unpacked += bytes.len() as u64;
        Ok(bytes)
    }

    fn note(&mut self, name: &str, depth: u32, reason: &str) {
        self.analysis.note(if depth == 0 { reason.to_owned() } else { format!("`{name}` in it: {reason}") });
    }
}

/// What names an artifact.
pub(super) struct Coordinates {
    /// Empty where it is not known.
    pub(super) group: String,
    pub(super) artifact: String,
    pub(super) version: String,
}

/// What a `pom.properties` says; its path, `META-INF/maven/GROUP/ARTIFACT/pom.properties`, says some of it again.
fn coordinates(path: &[u8], text: &str) -> Option<Coordinates> {
    let value = |name: &str| {
        let values = text.lines().filter_map(|line| line.trim().split_once(['=', ':']));
        let mut values = values.filter(|(key, _)| key.trim() == name).map(|(_, value)| value.trim());
        values.next_back().filter(|value| is_literal(value)).map(str::to_owned)
    };
    let path = String::from_utf8_lossy(path);
    let mut parts = path.rsplit('/').skip(1);
    let (artifact, group) = (parts.next(), parts.next());
    let from_path = |part: Option<&str>| part.filter(|_| path.contains("META-INF/maven/")).map(str::to_owned);
    Some(Coordinates {
        group: value("groupId").or_else(|| from_path(group))?,
        artifact: value("artifactId").or_else(|| from_path(artifact))?,
        version: value("version")?,
    })
}

/// Whether a value is one, and no placeholder that was not filled in.
pub(super) fn is_literal(value: &str) -> bool {
    !value.is_empty() && !value.contains(|letter: char| letter.is_whitespace() || "${}@".contains(letter))
}

/// The archive itself, where none of its records of Maven is about it.
fn own(name: &str, main: &manifest::Main, artifacts: &[Coordinates]) -> Option<Coordinates> {
    let named = file_name::split(name);
    let has_version = named.1.is_some();
    let own = main.coordinates(named)?;
    let is_known = artifacts.iter().any(|known| {
        // Distributions shorten names, and Maven's have a version in them at times: `NAME_1.3_spec` in `NAME-1.3-spec.jar`.
        let is_alike = known.artifact.starts_with(&own.artifact) || own.artifact.starts_with(&known.artifact);
        known.artifact == own.artifact
            || (is_alike && artifacts.len() == 1)
            || (!has_version && known.version == own.version)
    });
    (!is_known).then_some(own)
}
