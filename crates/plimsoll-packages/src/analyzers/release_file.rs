//! The operating system where os-release is missing: the files that distributions had before it, and some still have.

use crate::analyzer::{Analysis, Analyzer, AnalyzerError, File, OperatingSystem};
use crate::read_at::{ReadAt, read_whole};

const MOST_BYTES: u64 = 64 << 10;

pub(super) static ANALYZER: Analyzer =
    Analyzer { name: "release-file", version: 1, wants: |file| reader(file.path).is_some(), analyze };

type Reader = fn(&str) -> Option<OperatingSystem>;

fn reader(path: &[u8]) -> Option<Reader> {
    match path.strip_prefix(b"etc/")? {
        b"alpine-release" => Some(alpine),
        b"debian_version" => Some(debian),
        b"lsb-release" => Some(lsb),
        b"centos-release" | b"fedora-release" | b"oracle-release" | b"redhat-release" | b"system-release" => {
            Some(sentence)
        }
        _ => None,
    }
}

fn analyze(file: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    let bytes = read_whole(content, MOST_BYTES)?;
    let text = String::from_utf8_lossy(&bytes);
    // What a derivative writes there is its own affair; it has an os-release.
    Ok(Analysis { system: reader(file.path).and_then(|reader| reader(text.trim())), ..Analysis::default() })
}

fn system(id: &str, version: &str, name: String) -> OperatingSystem {
    OperatingSystem {
        id: id.to_owned(),
        version: version.to_owned(),
        codename: String::new(),
        name,
        like: Vec::new(),
    }
}

/// `3.18.4`.
fn alpine(text: &str) -> Option<OperatingSystem> {
    let version =
        text.lines().next().filter(|line| line.starts_with(|first: char| first.is_ascii_digit()))?;
    Some(system("alpine", version, format!("Alpine Linux {version}")))
}

/// `12.5`, of which `VERSION_ID` has the first number, or `trixie/sid`.
fn debian(text: &str) -> Option<OperatingSystem> {
    let line = text.lines().next()?;
    let number = line.split('.').next().filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
    let codename = line.split('/').next().filter(|_| number.is_none()).unwrap_or_default();
    let system = system("debian", number.unwrap_or_default(), format!("Debian {line}"));
    Some(OperatingSystem { codename: codename.to_owned(), ..system })
}

/// Assignments, of Ubuntu and its kin.
fn lsb(text: &str) -> Option<OperatingSystem> {
    let value = |name: &str| {
        let value = text.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix('='))?;
        Some(value.trim_matches(['"', '\'']).to_owned())
    };
    let (id, version) =
        (value("DISTRIB_ID")?.to_ascii_lowercase(), value("DISTRIB_RELEASE").unwrap_or_default());
    let name = value("DISTRIB_DESCRIPTION").unwrap_or_else(|| format!("{id} {version}"));
    Some(system(&id, &version, name))
}

/// `CentOS Linux release 7.9.2009 (Core)`.
fn sentence(text: &str) -> Option<OperatingSystem> {
    const NAMES: [(&str, &str); 7] = [
        ("AlmaLinux", "almalinux"),
        ("Amazon Linux", "amzn"),
        ("CentOS", "centos"),
        ("Fedora", "fedora"),
        ("Oracle Linux", "ol"),
        ("Red Hat Enterprise Linux", "rhel"),
        ("Rocky Linux", "rocky"),
    ];
    let line = text.lines().next()?;
    let (_, id) = NAMES.iter().find(|(name, _)| line.starts_with(name))?;
    let mut words = line.split_whitespace();
    let version = words.find(|word| word.starts_with(|first: char| first.is_ascii_digit()))?;
    Some(system(id, version, line.to_owned()))
}
