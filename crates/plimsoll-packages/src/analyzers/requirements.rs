//! pip's requirements files (pip's documentation, "Requirements File Format", and `PyPA`'s "Dependency specifiers"). Only `==` and
//! `===` name a version, and a wheel by its file name.

use crate::analyzer::{Analysis, Analyzer, AnalyzerError, File};
use crate::collector::{Collector, is_in_python_package};
use crate::document::read_text;
use crate::package::{Kind, Scope};
use crate::read_at::ReadAt;

pub(super) static ANALYZER: Analyzer = Analyzer { name: "requirements", version: 1, wants, analyze };

fn wants(file: &File<'_>) -> bool {
    const WORD: &[u8] = b"requirements";
    let name = file.name();
    if !(name.ends_with(b".txt") || name.ends_with(b".in")) || is_in_python_package(file) {
        return false;
    }
    let folder = file.folder().rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    folder == WORD || name.windows(WORD.len()).any(|part| part.eq_ignore_ascii_case(WORD))
}

fn analyze(_: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    let text = read_text(content)?;
    let mut found = Collector::locked(Kind::Pypi);
    let mut lines = text.lines().zip(1..);
    while let Some((first, number)) = lines.next() {
        let mut line = without_comment(first).to_owned();
        while line.ends_with('\\') {
            line.pop();
            line.push(' ');
            let Some((next, _)) = lines.next() else { break };
            line.push_str(without_comment(next));
        }
        if let Some((name, version)) = pinned(&line) {
            found.add(&name, &version, Scope::Runtime, number);
        }
    }
    Ok(found.finish())
}

/// A comment begins a line or stands behind white space.
fn without_comment(line: &str) -> &str {
    let line = line.trim();
    if line.starts_with('#') {
        return "";
    }
    let end = line.match_indices('#').find(|(at, _)| line[..*at].ends_with([' ', '\t'])).map(|(at, _)| at);
    end.map_or(line, |at| line[..at].trim_end())
}

/// Name and version of a requirement that allows just one version.
pub(super) fn pinned(line: &str) -> Option<(String, String)> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('-') {
        return None;
    }
    // Options of a requirement, such as `--hash`, stand behind white space.
    let line = line.split(" --").next().unwrap_or(line);
    let line = line.split("\t--").next().unwrap_or(line);
    let address = line.split([';', ' ', '#', '?']).next().unwrap_or(line);
    if let Some((_, address)) = line.split_once('@').filter(|(name, _)| is_name(without_extras(name))) {
        let address = address.trim().split([';', ' ', '#', '?']).next().unwrap_or_default();
        return wheel(address);
    }
    if let Some(found) = wheel(address) {
        return Some(found);
    }
    let line = line.split(';').next().unwrap_or(line);
    let at = line.find(['=', '<', '>', '!', '~', '('])?;
    let name = without_extras(&line[..at]);
    let specifiers = line[at..].trim().trim_start_matches('(').trim_end_matches(')');
    let version = specifiers.split(',').find_map(|specifier| {
        let specifier = specifier.trim();
        let version = specifier.strip_prefix("===").or_else(|| specifier.strip_prefix("=="))?;
        // pip wants a space before a comment, but what is meant is clear.
        let version = version.split('#').next().unwrap_or(version).trim();
        is_version(version).then_some(version)
    })?;
    is_name(name).then(|| (name.to_owned(), version.to_owned()))
}

fn without_extras(name: &str) -> &str {
    name.split('[').next().unwrap_or(name).trim()
}

fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

fn is_version(version: &str) -> bool {
    version.starts_with(|first: char| first.is_ascii_alphanumeric())
        && version.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-+!".contains(&byte))
}

/// Name and version in the file name of a wheel (`PyPA`'s "Binary distribution format").
fn wheel(address: &str) -> Option<(String, String)> {
    let file = address.rsplit('/').next()?.strip_suffix(".whl")?.replace("%2B", "+");
    let mut parts = file.split('-');
    let (name, version) = (parts.next()?, parts.next()?);
    (is_name(name) && is_version(version) && parts.count() >= 3)
        .then(|| (name.to_owned(), version.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_version_is_a_version() {
        for (line, expected) in [
            ("Flask==2.0.1", Some("Flask 2.0.1")),
            ("a == 1.0 ; python_version < '3' and b == 'c'", Some("a 1.0")),
            ("a[b, c] === 1.0 --hash=sha256:00", Some("a 1.0")),
            ("a (==1!1.0.post1+local)", Some("a 1!1.0.post1+local")),
            ("a>=0.9,==1.0", Some("a 1.0")),
            ("a @ https://example.org/x/a_b-1.0%2Bcpu-py3-none-any.whl#sha256=00", Some("a_b 1.0+cpu")),
            ("./wheels/a-1.0-1-py3-none-any.whl", Some("a 1.0")),
            ("a", None),
            ("a==1.*", None),
            ("a==${VERSION}", None),
            ("a>=1.0", None),
            ("a~=1.0", None),
            ("a!=1.0", None),
            ("a; python_version=='3.8'", None),
            ("a @ git+https://example.org/a.git@v1.0", None),
            ("git+https://example.org/a.git@1.0#egg=a==1.0", None),
            ("-e .", None),
            ("-r other.txt", None),
            ("--index-url https://example.org/==1", None),
        ] {
            let found = pinned(line).map(|(name, version)| format!("{name} {version}"));
            assert_eq!(found.as_deref(), expected, "{line}");
        }
    }
}
