//! The ignore file of a build context.

use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use plimsoll_diagnostics::SourceFile;
use plimsoll_dockerfile::ignore::IgnoreFile;

/// Reads it: `NAME.dockerignore` beside the Dockerfile wins over the context's `.dockerignore`. Nothing when there is
/// neither; a directory of such a name is none of the two.
pub(crate) fn read(context: &Path, dockerfile: Option<&Path>) -> Result<Option<SourceFile>> {
    let beside = dockerfile.and_then(|path| {
        let name = format!("{}.dockerignore", path.file_name()?.to_string_lossy());
        Some(path.with_file_name(name))
    });
    for path in beside.into_iter().chain([context.join(".dockerignore")]) {
        let name = path.strip_prefix(".").unwrap_or(&path).display().to_string();
        match std::fs::read(&path) {
            Ok(bytes) => return Ok(Some(SourceFile::from_bytes_lossy(name, &bytes))),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::IsADirectory) => {}
            Err(error) => return Err(error).with_context(|| format!("cannot read `{name}`")),
        }
    }
    Ok(None)
}

/// Its patterns; the first one that cannot be understood is an error with its place.
pub(crate) fn parse(file: &SourceFile) -> Result<IgnoreFile> {
    let (ignore, diagnostics) = IgnoreFile::parse(file.text());
    if let Some(first) = diagnostics.iter().find(|diagnostic| diagnostic.is_error()) {
        bail!("{}", plimsoll_diagnostics::render(file, first, false).trim_start_matches("error"));
    }
    Ok(ignore)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_beside_the_dockerfile_wins_and_directories_are_none() {
        let folder = tempfile::tempdir().unwrap();
        let context = folder.path().join("context");
        std::fs::create_dir_all(context.join(".dockerignore")).unwrap();
        let dockerfile = folder.path().join("web.Dockerfile");
        let found = || read(&context, Some(&dockerfile)).unwrap().map(|file| file.text().to_owned());
        assert_eq!(found(), None);
        std::fs::remove_dir(context.join(".dockerignore")).unwrap();
        std::fs::write(context.join(".dockerignore"), "a").unwrap();
        assert_eq!(found().as_deref(), Some("a"));
        std::fs::write(folder.path().join("web.Dockerfile.dockerignore"), "b").unwrap();
        assert_eq!(found().as_deref(), Some("b"));
    }

    #[test]
    fn a_bad_pattern_is_shown_in_its_line() {
        let error = parse(&SourceFile::new(".dockerignore", "ok\n[a\n")).unwrap_err().to_string();
        assert!(error.contains(".dockerignore:2:1"), "{error}");
    }
}
