//! A Dockerfile in the editor, checked.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use plimsoll_diagnostics::{Diagnostic, Severity, SourceFile};
use plimsoll_dockerfile::ignore::IgnoreFile;
use plimsoll_dockerfile::{Dockerfile, parse};
use plimsoll_lint::{Bases, Options, Report};
use rustix::fs::{Mode, OFlags};
use serde_json::{Value, json};

use super::position::Lines;

/// A text larger than this many bytes is not checked, and an ignore file not read.
const LARGEST: usize = 1 << 20;

/// An editor shows no more than this many findings of a file.
const MOST_FINDINGS: usize = 500;

/// A file that is open in the editor.
pub(super) struct Open {
    pub(super) file: SourceFile,
    pub(super) lines: Lines,
    pub(super) dockerfile: Dockerfile,
    pub(super) errors: Vec<Diagnostic>,
    pub(super) report: Report,
    pub(super) ignore_file: Option<IgnoreFile>,
    is_too_large: bool,
}

impl Open {
    /// Checks a text. The ignore file is read only if the folder is one of the editor's.
    pub(super) fn new(uri: &str, text: &str, folders: &[PathBuf], bases: &Bases<'_>) -> Self {
        let is_too_large = text.len() > LARGEST;
        let path = path_of(uri);
        let name = path.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
        let file = SourceFile::new(
            name.unwrap_or_else(|| "Dockerfile".to_owned()),
            if is_too_large { "" } else { text },
        );
        let ignore_file = path.and_then(|path| ignore_file(&path, folders));
        let parsed = parse(&file);
        let report = plimsoll_lint::check(&file, &parsed.dockerfile, &options(ignore_file.as_ref(), bases));
        let mut errors: Vec<_> = parsed.diagnostics.into_iter().filter(Diagnostic::is_error).collect();
        errors.extend(report.problems.iter().cloned());
        let lines = Lines::of(file.text());
        Self { lines, dockerfile: parsed.dockerfile, errors, report, ignore_file, is_too_large, file }
    }

    /// Everything that is said about the file, in the protocol's form.
    pub(super) fn diagnostics(&self) -> Vec<Value> {
        if self.is_too_large {
            let error = Diagnostic::info("too-large", "a file of more than 1 MiB is not checked");
            return vec![self.diagnostic(&error, &[], None)];
        }
        let errors = self.errors.iter().map(|error| self.diagnostic(error, &[], None));
        let findings = self
            .report
            .findings
            .iter()
            .map(|one| self.diagnostic(&one.diagnostic, &one.aliases, Some(one.rule.url())));
        errors.chain(findings).take(MOST_FINDINGS).collect()
    }

    /// One thing that is said about the file.
    pub(super) fn diagnostic(&self, diagnostic: &Diagnostic, aliases: &[&str], url: Option<String>) -> Value {
        let mut message = diagnostic.message.clone();
        if let Some(hint) = &diagnostic.hint {
            message = format!("{message}\nhint: {hint}");
        }
        if !aliases.is_empty() {
            message = format!("{message}\nalso known as {}", aliases.join(", "));
        }
        let mut value = json!({
            "range": self.lines.range(self.file.text(), diagnostic.span.unwrap_or_default()),
            "severity": match diagnostic.severity {
                Severity::Error => 1,
                Severity::Warning => 2,
                Severity::Info => 3,
                Severity::Style => 4,
            },
            "code": diagnostic.code,
            "source": "plimsoll",
            "message": message,
        });
        if let Some(url) = url {
            value["codeDescription"] = json!({ "href": url });
        }
        value
    }
}

/// How files are checked in an editor.
pub(super) fn options<'o>(ignore_file: Option<&'o IgnoreFile>, bases: &'o Bases<'o>) -> Options<'o> {
    let today = Some(jiff::Zoned::now().date().to_string());
    Options { ignore_file, bases: Some(bases), today, ..Options::default() }
}

/// The path in a `file:` address of this machine.
pub(super) fn path_of(uri: &str) -> Option<PathBuf> {
    let path = uri.strip_prefix("file://")?;
    let path = path.strip_prefix("localhost").unwrap_or(path);
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || char::from(rest.next()?).to_digit(16);
            let value = digit()? << 4 | digit()?;
            bytes.push(u8::try_from(value).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    let path = PathBuf::from(OsString::from_vec(bytes));
    path.is_absolute().then_some(path)
}

/// What the context of a Dockerfile leaves out; `NAME.dockerignore` wins. Nothing outside of the editor's folders is read, and
/// no link is followed out of them.
fn ignore_file(dockerfile: &Path, folders: &[PathBuf]) -> Option<IgnoreFile> {
    let folder = dockerfile.parent()?.canonicalize().ok()?;
    if !folders.iter().any(|inside| folder.starts_with(inside)) {
        return None;
    }
    let own = format!("{}.dockerignore", dockerfile.file_name()?.to_str()?);
    let text = [own.as_str(), ".dockerignore"].iter().find_map(|name| read(&folder.join(name)))?;
    Some(IgnoreFile::parse(&text).0)
}

fn read(path: &Path) -> Option<String> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty()).ok()?);
    let data = file.metadata().ok()?;
    if !data.is_file() || data.len() > LARGEST as u64 {
        return None;
    }
    let mut bytes = Vec::new();
    file.take(LARGEST as u64).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_paths() {
        for (uri, path) in [
            ("file:///a/b%20c/%C3%A4", Some("/a/b c/ä")),
            ("file://localhost/a", Some("/a")),
            ("file:///a%2", None),
            ("file:///a%zz", None),
            ("file://host/a", None),
            ("untitled:Untitled-1", None),
        ] {
            assert_eq!(path_of(uri).as_deref(), path.map(Path::new), "{uri}");
        }
    }

    #[test]
    fn only_ignore_files_of_the_editors_folders_are_read() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        for name in ["inside", "outside"] {
            std::fs::create_dir(root.join(name)).unwrap();
            std::fs::write(root.join(name).join(".dockerignore"), "x\n").unwrap();
        }
        let folders = [root.join("inside")];
        let found = |path: &str| ignore_file(&root.join(path), &folders).is_some();
        assert!(found("inside/Dockerfile"));
        assert!(!found("outside/Dockerfile") && !found("inside/../outside/Dockerfile"));
        std::fs::remove_file(root.join("inside/.dockerignore")).unwrap();
        std::os::unix::fs::symlink("../outside/.dockerignore", root.join("inside/.dockerignore")).unwrap();
        assert!(!found("inside/Dockerfile"));
        std::os::unix::fs::symlink("../outside", root.join("inside/sub")).unwrap();
        assert!(!found("inside/sub/Dockerfile"));
    }
}
