//! The database: `Packages` (Berkeley DB), `Packages.db` (ndb) or `rpmdb.sqlite`, in `var/lib/rpm` or `usr/lib/sysimage/rpm`.

use super::header::{Header, parse};
use super::{berkeley, ndb, sqlite};
use crate::analyzer::{Analysis, Analyzer, AnalyzerError, File, Owned};
use crate::package::{Evidence, Kind, Package, Source};
use crate::read_at::ReadAt;

const FOLDERS: [&[u8]; 3] = [b"var/lib/rpm", b"usr/lib/sysimage/rpm", b"usr/share/rpm"];
const MOST_BYTES: u64 = 2 << 30;
/// Paths are put together from folders and names, so that a short header could stand for very many bytes.
const MOST_PATH_BYTES: usize = 64 << 20;
const MOST_PACKAGES: usize = 200_000;
/// One package's header: those of kernels have a few megabytes.
pub(super) const MOST_HEADER_BYTES: usize = 64 << 20;
/// What rpm writes before the first frame of a log, and an empty log has at most.
const LOG_HEADER_BYTES: u64 = 32;
const FORMAT: &str = "an rpm database";

pub(super) static ANALYZER: Analyzer = Analyzer {
    name: "rpm",
    version: 1,
    wants: |file| FOLDERS.contains(&file.folder()) && (walk_of(file).is_some() || is_log(file)),
    analyze,
};

/// Gives each package's header to the function; an error says what is wrong with the database.
type Walk = fn(&dyn ReadAt, &mut dyn FnMut(&[u8]) -> Result<(), AnalyzerError>) -> Result<(), AnalyzerError>;

fn walk_of(file: &File<'_>) -> Option<Walk> {
    match file.name() {
        b"Packages" => Some(berkeley::walk),
        b"Packages.db" => Some(ndb::walk),
        b"rpmdb.sqlite" => Some(sqlite::walk),
        _ => None,
    }
}

fn is_log(file: &File<'_>) -> bool {
    file.name() == b"rpmdb.sqlite-wal" && file.size > LOG_HEADER_BYTES
}

fn analyze(file: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    let mut analysis = Analysis::default();
    let Some(walk) = walk_of(file) else {
        analysis.note(
            "packages in it that were not yet written into `rpmdb.sqlite`; `rpm --rebuilddb` writes them",
        );
        return Ok(analysis);
    };
    if content.size() > MOST_BYTES {
        return Err(broken(format!("it has more than {MOST_BYTES} bytes")));
    }
    let mut path_bytes = MOST_PATH_BYTES;
    let mut count = 0;
    let walked = walk(content, &mut |blob| {
        count += 1;
        if count > MOST_PACKAGES {
            return Err(broken(format!("it has more than {MOST_PACKAGES} packages")));
        }
        match parse(blob, &mut path_bytes) {
            Ok(header) => take(header, &mut analysis),
            Err(reason) => analysis.note(format!("package {count} of the database: {reason}")),
        }
        Ok(())
    });
    match walked {
        // What was read before the broken place is there.
        Err(error) if !analysis.packages.is_empty() => analysis.note(error.to_string()),
        other => other?,
    }
    Ok(analysis)
}

/// The file is no database.
pub(super) fn broken(reason: impl Into<String>) -> AnalyzerError {
    AnalyzerError::format(FORMAT, reason)
}

fn take(header: Header, analysis: &mut Analysis) {
    // Keys for signatures are kept as packages that have no file and no program.
    if header.name == "gpg-pubkey" {
        return;
    }
    let version = full_version(header.epoch, &format!("{}-{}", header.version, header.release));
    let mut package = Package::new(Kind::Rpm, header.name, version, Evidence::Installed);
    package.source = header.source_rpm.and_then(|file| source(&file, header.epoch, &package));
    package.architecture = header.architecture;
    package.vendor = header.vendor;
    package.module = header.module;
    package.licenses = header.license.into_iter().collect();
    if !header.paths.is_empty() {
        analysis.owned.push(Owned { package: package.name.clone(), paths: header.paths });
    }
    analysis.packages.push(package);
}

/// `epoch:version-release`; without the epoch where that is 0, which means the same as none.
pub(super) fn full_version(epoch: u32, version_release: &str) -> String {
    if epoch == 0 { version_release.to_owned() } else { format!("{epoch}:{version_release}") }
}

/// The source package by the name of its file, `name-version-release.src.rpm`, which leaves out the epoch.
pub(super) fn source(file: &str, epoch: u32, package: &Package) -> Option<Source> {
    let stem = file.strip_suffix(".rpm")?.rsplit_once('.')?.0;
    let (rest, release) = stem.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    let version = full_version(epoch, &format!("{version}-{release}"));
    (name != package.name || version != package.version).then(|| Source { name: name.to_owned(), version })
}
