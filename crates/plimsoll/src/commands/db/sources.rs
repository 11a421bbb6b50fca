//! `--from`: kinds of sources and their paths.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::PathBuf;

use anyhow::{Result, bail};
use plimsoll_advisories::SourceKind;

/// One source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) kind: SourceKind,
    pub(super) path: PathBuf,
}

/// The sources that the words behind all `--from` name: `KIND=PATH`, or a kind with paths behind it.
pub(super) fn sources(words: &[OsString]) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    let mut current: Option<(SourceKind, bool)> = None;
    for word in words {
        if let Some(kind) = word.to_str().and_then(|name| name.parse().ok()) {
            demand_path(current)?;
            current = Some((kind, false));
        } else if let Some((kind, path)) = pair(word) {
            demand_path(current)?;
            sources.push(Source { kind, path });
            current = Some((kind, true));
        } else if let Some((kind, _)) = current {
            sources.push(Source { kind, path: PathBuf::from(word) });
            current = Some((kind, true));
        } else {
            let kinds = SourceKind::ALL.map(SourceKind::as_str).join(", ");
            let name = word.to_string_lossy();
            bail!("`--from {name}` names no kind of source; write `--from KIND={name}`, with one of {kinds}");
        }
    }
    demand_path(current)?;
    Ok(sources)
}

fn demand_path(current: Option<(SourceKind, bool)>) -> Result<()> {
    if let Some((kind, false)) = current {
        bail!("`--from {kind}` has no path; write `--from {kind}=PATH`");
    }
    Ok(())
}

fn pair(word: &OsString) -> Option<(SourceKind, PathBuf)> {
    let bytes = word.as_bytes();
    let equals = bytes.iter().position(|byte| *byte == b'=')?;
    let kind = std::str::from_utf8(&bytes[..equals]).ok()?.parse().ok()?;
    Some((kind, PathBuf::from(OsString::from_vec(bytes[equals + 1..].to_vec()))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Result<Vec<(SourceKind, String)>> {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        let sources = sources(&words)?;
        Ok(sources.into_iter().map(|source| (source.kind, source.path.display().to_string())).collect())
    }

    #[test]
    fn a_kind_is_before_its_path_or_behind_an_equals_sign() {
        let expected = [
            (SourceKind::OsvZip, "npm.zip".to_owned()),
            (SourceKind::OsvZip, "go=1.zip".to_owned()),
            (SourceKind::Kev, "a b.json".to_owned()),
        ];
        assert_eq!(parsed(&["osv-zip", "npm.zip", "go=1.zip", "kev=a b.json"]).unwrap(), expected);
        assert_eq!(parsed(&["osv-zip=npm.zip", "osv-zip=go=1.zip", "kev", "a b.json"]).unwrap(), expected);
    }

    #[test]
    fn a_kind_without_a_path_and_a_path_without_a_kind_are_errors() {
        for (words, expected) in [
            (&["kev"][..], "`--from kev` has no path"),
            (&["kev", "epss=a"], "`--from kev` has no path"),
            (&["kev", "epss", "a"], "`--from kev` has no path"),
            (&["npm.zip"], "`--from npm.zip` names no kind of source"),
            (&["grype=a"], "`--from grype=a` names no kind of source"),
        ] {
            let error = parsed(words).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
