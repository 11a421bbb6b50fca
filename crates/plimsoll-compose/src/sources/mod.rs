//! Apt's sources: which archives the host uses, and which of them a suite is taken from.
//!
//! Both formats of sources.list(5) are read. `Trusted: yes` is ignored: signatures are always verified.

mod apt_conf;
mod one_line;
mod select;
mod stanza;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

pub use one_line::parse_sources_list;
pub use select::{Archive, select};
pub use stanza::parse_deb822;

/// One entry of apt's sources.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AptSource {
    /// `deb` and `deb-src`.
    pub types: Vec<String>,
    /// Addresses that hold the same files; tried in order.
    pub uris: Vec<String>,
    /// The suites.
    pub suites: Vec<String>,
    /// The components, such as `main`.
    pub components: Vec<String>,
    /// Which keys may sign; without it any key of the caller's keyrings.
    pub signed_by: Option<SignedBy>,
    /// The architectures that it is meant for; empty means all.
    pub architectures: Vec<String>,
    /// Whether an outdated release file is refused, where the entry says so.
    pub check_valid_until: Option<bool>,
}

/// The keys that an entry accepts (sources.list(5), `Signed-By`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SignedBy {
    /// Keyring files.
    pub files: Vec<PathBuf>,
    /// Fingerprints in upper case; if there are any, only keys with these count.
    pub fingerprints: Vec<String>,
    /// An armoured key block, written into the entry itself.
    pub embedded: Option<String>,
}

impl SignedBy {
    /// Reads the value of `Signed-By`.
    pub fn parse(value: &str) -> Self {
        let mut signed_by = Self::default();
        if value.contains("-----BEGIN PGP") {
            // Empty lines are written as a lone full stop inside a field.
            let lines: Vec<&str> =
                value.lines().map(|line| if line.trim() == "." { "" } else { line.trim() }).collect();
            signed_by.embedded = Some(lines.join("\n").trim_start().to_owned() + "\n");
            return signed_by;
        }
        for word in value.split([',', ' ', '\t', '\n']).filter(|word| !word.is_empty()) {
            if word.starts_with('/') {
                signed_by.files.push(PathBuf::from(word));
            } else {
                signed_by.fingerprints.push(word.trim_end_matches('!').to_ascii_uppercase());
            }
        }
        signed_by
    }
}

/// Why apt's configuration could not be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SourcesError {
    /// A line of a one-line file is no entry.
    #[error("line {line} is no source entry: `{text}`")]
    BadEntry {
        /// Counted from 1.
        line: usize,
        /// The line.
        text: String,
    },
    /// A line of a stanza file is no field.
    #[error("line {line} is neither a field nor its continuation")]
    BadField {
        /// Counted from 1.
        line: usize,
    },
    /// A stanza lacks a field.
    #[error("stanza {stanza} has no `{field}`")]
    MissingField {
        /// Counted from 1.
        stanza: usize,
        /// The field.
        field: &'static str,
    },
    /// A file is malformed.
    #[error("cannot use `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        #[source]
        source: Box<SourcesError>,
    },
    /// A file could not be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
}

/// What apt's directory on the host says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostSources {
    /// The entries, in apt's order.
    pub sources: Vec<AptSource>,
    /// `Acquire::http::Proxy`, if it names one.
    pub http_proxy: Option<String>,
    /// `Acquire::https::Proxy`, if it names one.
    pub https_proxy: Option<String>,
    /// `Acquire::Check-Valid-Until`.
    pub check_valid_until: bool,
}

impl HostSources {
    /// Reads `sources.list`, `sources.list.d`, `apt.conf` and `apt.conf.d` in `directory` (on Debian
    /// `/etc/apt`).
    ///
    /// Files that do not exist are nothing; a host without apt gives no sources.
    pub fn read(directory: &Path) -> Result<Self, SourcesError> {
        let mut sources = Vec::new();
        for path in
            [directory.join("sources.list")].into_iter().chain(files(&directory.join("sources.list.d"))?)
        {
            let parse = match path.extension().and_then(|extension| extension.to_str()) {
                Some("list") => parse_sources_list,
                Some("sources") => parse_deb822,
                _ => continue,
            };
            if let Some(text) = read(&path)? {
                sources.extend(
                    parse(&text).map_err(|source| SourcesError::File { path, source: Box::new(source) })?,
                );
            }
        }
        let mut settings = apt_conf::Settings::default();
        // apt reads the directory first and the single file last; the last value counts.
        for path in files(&directory.join("apt.conf.d"))?.into_iter().chain([directory.join("apt.conf")]) {
            let extension = path.extension().and_then(|extension| extension.to_str());
            if !matches!(extension, None | Some("conf")) {
                continue;
            }
            if let Some(text) = read(&path)? {
                settings.read(&text);
            }
        }
        let proxy = |name: &str| {
            let value = settings.value(name).filter(|value| !value.is_empty() && *value != "DIRECT");
            value.map(str::to_owned)
        };
        Ok(Self {
            sources,
            http_proxy: proxy("acquire::http::proxy"),
            https_proxy: proxy("acquire::https::proxy"),
            check_valid_until: settings.flag("acquire::check-valid-until").unwrap_or(true),
        })
    }
}

/// The files of a directory that apt would read, by name.
fn files(directory: &Path) -> Result<Vec<PathBuf>, SourcesError> {
    let failed = |source| SourcesError::Read { path: directory.to_owned(), source };
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        if path.is_file() {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn read(path: &Path) -> Result<Option<String>, SourcesError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(SourcesError::Read { path: path.to_owned(), source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signed_by_takes_files_fingerprints_and_blocks() {
        let signed_by = SignedBy::parse("/usr/share/keyrings/a.gpg,/b.asc abcdef!");
        assert_eq!(signed_by.files, [PathBuf::from("/usr/share/keyrings/a.gpg"), PathBuf::from("/b.asc")]);
        assert_eq!(signed_by.fingerprints, ["ABCDEF"]);
        let block = SignedBy::parse(
            "\n-----BEGIN PGP PUBLIC KEY BLOCK-----\n.\nmQ==\n-----END PGP PUBLIC KEY BLOCK-----",
        );
        let text = block.embedded.unwrap();
        assert!(text.starts_with("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQ==\n"), "{text}");
    }

    #[test]
    fn a_host_directory_is_read_whole() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("sources.list", "deb http://one.example/debian bookworm main\n");
        write(
            "sources.list.d/b.sources",
            "Types: deb\nURIs: http://two.example/debian\nSuites: sid\nComponents: main\n",
        );
        write("sources.list.d/a.list", "deb http://three.example/debian sid main\n");
        write("sources.list.d/a.list.disabled", "nonsense\n");
        write(
            "apt.conf.d/10proxy",
            "Acquire { http { Proxy \"http://proxy.example:3128\"; }; Check-Valid-Until \"false\"; };\n",
        );
        write("apt.conf.d/20x", "Acquire::https::Proxy \"DIRECT\";\n");
        let host = HostSources::read(directory.path()).unwrap();
        let uris: Vec<&str> = host.sources.iter().map(|source| source.uris[0].as_str()).collect();
        assert_eq!(
            uris,
            ["http://one.example/debian", "http://three.example/debian", "http://two.example/debian"]
        );
        assert_eq!(host.http_proxy.as_deref(), Some("http://proxy.example:3128"));
        assert_eq!(host.https_proxy, None);
        assert!(!host.check_valid_until);
        assert_eq!(
            HostSources::read(&directory.path().join("none")).unwrap(),
            HostSources { check_valid_until: true, ..HostSources::default() }
        );
    }

    #[test]
    fn a_broken_file_is_named() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("sources.list"), "deb http://one.example/debian\n").unwrap();
        let error = HostSources::read(directory.path()).unwrap_err();
        assert!(error.to_string().contains("sources.list"), "{error}");
    }
}
