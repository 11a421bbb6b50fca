//! Paths in which no secret is looked for, whatever the configuration, and lists of allowed findings.
//!
//! Built-in paths are narrow: a file of a distribution's documentation, and the tests and documents *inside* of an installed
//! package. Its code, and everything that an image's own files may be, counts: `/usr/share/app`, `/opt`, `tests` of a project.

use regex::Regex;

use crate::config::{Allow, ConfigError};
use crate::paths::has_folder;

/// Where distributions put documentation: examples of keys and passwords, installed from packages that are the same everywhere.
const DOCUMENTATION: [&str; 6] = [
    "usr/share/doc/",
    "usr/share/man/",
    "usr/share/info/",
    "usr/share/locale/",
    "usr/share/gtk-doc/",
    "usr/share/help/",
];

/// Folders that hold installed packages of a language, one folder each. What they are fetched from is public, so that the keys of
/// their test servers are too.
const PACKAGES: [&str; 8] = [
    "node_modules",
    "site-packages",
    "dist-packages",
    "gems",
    "go/pkg/mod",
    ".cargo/registry/src",
    "cargo/registry/src",
    "vendor",
];

/// Folders of such a package with tests and documents. `vendor` is a name that projects use for their own things too, but seldom
/// with one of these below it.
const TESTS: [&str; 16] = [
    "__fixtures__",
    "__mocks__",
    "__tests__",
    "doc",
    "docs",
    "example",
    "examples",
    "fixture",
    "fixtures",
    "mocks",
    "spec",
    "specs",
    "test",
    "test_data",
    "testdata",
    "tests",
];

/// The standard libraries' own tests: Python's `test` package and those beside its modules, Go's `testdata` and `_test.go`.
fn is_standard_library_test(path: &str) -> bool {
    let below = |marker: &str| path.find(marker).map(|at| &path[at + marker.len()..]);
    if let Some(rest) = below("lib/python3").or_else(|| below("lib/pypy3")) {
        return has_folder(rest, &["test", "tests", "idle_test", "lib2to3"]);
    }
    below("/go/src/")
        .or_else(|| path.strip_prefix("go/src/"))
        .is_some_and(|rest| has_folder(rest, &["testdata"]) || rest.ends_with("_test.go"))
}

/// The library whose checks of itself carry keys: `libgnutls.so.30`, `libgnutls.a` of every distribution.
fn is_self_test(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    (path.starts_with("usr/lib") || path.starts_with("lib"))
        && (name.starts_with("libgnutls.so") || name == "libgnutls.a")
}

/// Whether nothing is looked for at a path.
pub(crate) fn is_allowed(path: &str) -> bool {
    let path = path.trim_start_matches("./").trim_start_matches('/');
    DOCUMENTATION.iter().any(|folder| path.starts_with(folder))
        || is_standard_library_test(path)
        || is_self_test(path)
        || in_package(path).is_some_and(|rest| has_folder(rest, &TESTS) || is_document(rest))
}

/// What of the path lies below a package's folder.
fn in_package(path: &str) -> Option<&str> {
    PACKAGES.iter().find_map(|folder| {
        let mut from = 0;
        while let Some(at) = path[from..].find(folder) {
            let (start, end) = (from + at, from + at + folder.len());
            let is_whole =
                (start == 0 || path.as_bytes()[start - 1] == b'/') && path.as_bytes().get(end) == Some(&b'/');
            if is_whole {
                return Some(&path[end + 1..]);
            }
            from = end;
        }
        None
    })
}

/// The documents that packages bring: their `README.md` shows how a key is given, as do the `….examples.json` of AWS's clients.
fn is_document(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    name.ends_with(".examples.json")
        || name
            .rsplit_once('.')
            .is_some_and(|(_, ending)| matches!(ending, "md" | "markdown" | "rst" | "adoc"))
}

/// The configured lists, ready to use.
pub(crate) struct AllowList(Vec<Entry>);

struct Entry {
    path: Option<Regex>,
    rule: Option<String>,
    fingerprint: Option<String>,
}

impl AllowList {
    pub(crate) fn new(entries: &[Allow]) -> Result<Self, ConfigError> {
        entries.iter().map(Entry::new).collect::<Result<_, _>>().map(Self)
    }

    /// Whether nothing at this path needs to be read.
    pub(crate) fn allows_path(&self, path: &str) -> bool {
        self.0.iter().any(|entry| entry.rule.is_none() && entry.fingerprint.is_none() && entry.is_at(path))
    }

    pub(crate) fn allows(&self, path: &str, rule: &str, fingerprint: &str) -> bool {
        self.0.iter().any(|entry| {
            entry.is_at(path)
                && entry.rule.as_ref().is_none_or(|wanted| wanted == rule)
                && entry.fingerprint.as_ref().is_none_or(|wanted| wanted == fingerprint)
        })
    }
}

impl Entry {
    fn new(allow: &Allow) -> Result<Self, ConfigError> {
        if allow.path.is_none() && allow.rule.is_none() && allow.fingerprint.is_none() {
            return Err(ConfigError::EmptyAllow { reason: allow.reason.clone().unwrap_or_default() });
        }
        let path = allow.path.as_deref().map(glob).transpose()?;
        Ok(Self { path, rule: allow.rule.clone(), fingerprint: allow.fingerprint.clone() })
    }

    fn is_at(&self, path: &str) -> bool {
        let path = path.trim_start_matches("./").trim_start_matches('/');
        self.path.as_ref().is_none_or(|glob| glob.is_match(path))
    }
}

/// `*` and `?` stand for characters of one name, `**` for any; without a `/` the glob is about the last name.
fn glob(text: &str) -> Result<Regex, ConfigError> {
    let anywhere = !text.contains('/');
    let mut pattern = String::from(if anywhere { "^(?:.*/)?" } else { "^" });
    let mut rest = text.trim_start_matches("./").trim_start_matches('/');
    while let Some(character) = rest.chars().next() {
        let (part, length) = match character {
            '*' if rest.starts_with("**/") => ("(?:.*/)?".to_owned(), 3),
            '*' if rest.starts_with("**") => (".*".to_owned(), 2),
            '*' => ("[^/]*".to_owned(), 1),
            '?' => ("[^/]".to_owned(), 1),
            other => (regex::escape(other.encode_utf8(&mut [0; 4])), other.len_utf8()),
        };
        pattern += &part;
        rest = &rest[length..];
    }
    // The name of a folder stands for all in it.
    pattern += "(?:/.*)?$";
    Regex::new(&pattern).map_err(|source| ConfigError::Pattern { what: format!("path `{text}`"), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allowed_paths_are_narrow() {
        for path in [
            "usr/share/doc/openssl/demo.pem",
            "/usr/share/doc/x",
            "app/node_modules/tls/test/keys/a.pem",
            "usr/lib/python3.13/test/certdata/keycert.pem",
            "usr/lib/python3/dist-packages/x/tests/k.py",
            "usr/local/go/src/crypto/tls/testdata/a.pem",
            "app/node_modules/x/README.md",
            "usr/lib/x86_64-linux-gnu/libgnutls.so.30.34.3",
            "home/u/.cargo/registry/src/index/ring-1/tests/a.pem",
        ] {
            assert!(is_allowed(path), "{path}");
        }
        for path in [
            "usr/share/app/config.json",
            "app/tests/key.pem",
            "app/test/.env",
            "srv/docs/token.txt",
            "app/README.md",
            "app/node_modules/x/lib/index.js",
            "app/node_modules/.env",
            "etc/ssl/private/key.pem",
            "usr/share/docs/x",
            "usr/lib/python3/dist-packages/x/settings.py",
            "my_node_modules/test/a.pem",
        ] {
            assert!(!is_allowed(path), "{path}");
        }
    }

    #[test]
    fn globs() {
        let is_match = |pattern: &str, path: &str| glob(pattern).unwrap().is_match(path);
        assert!(is_match("*.pem", "a/b/c.pem"));
        assert!(is_match("a/*.pem", "a/c.pem"));
        assert!(!is_match("a/*.pem", "a/b/c.pem"));
        assert!(is_match("a/**/c.pem", "a/b/d/c.pem"));
        assert!(is_match("a/**/c.pem", "a/c.pem"));
        assert!(is_match("a/b", "a/b/c"));
        assert!(is_match("/a/b?", "a/bc"));
        assert!(!is_match("a.b", "axb"));
    }
}
