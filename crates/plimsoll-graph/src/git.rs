//! Addresses of git repositories, as contexts and `ADD` take them.
//!
//! An address is `https://…`, `http://…`, `ssh://…`, `git://…` or `user@host:path`. Over http it is a repository only when its path
//! ends with `.git`; anything else there is a file. What is wanted of the repository stands behind it, as
//! `#reference:subdirectory` or as a query (`?branch=…&subdir=…`).

use serde::{Deserialize, Serialize};

/// What to take from which repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitSource {
    /// The address of the repository alone, without a password.
    pub remote: String,
    /// A user and a password that stood in the address, as `user:password`. Neither in a key nor in a message.
    #[serde(skip)]
    pub login: Option<Login>,
    /// A branch, a tag, another reference, or a whole commit id; without it the repository's default branch.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reference: Option<String>,
    /// What the commit's id must be, or begin with.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub commit: Option<String>,
    /// The directory that is taken; empty is all.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub subdirectory: String,
    /// The `.git` directory is kept.
    pub keep_git_dir: bool,
    /// Submodules are fetched too.
    pub submodules: bool,
    /// The time that files get.
    pub times: GitTimes,
    /// The commit is fetched by its id, whether or not a reference leads there.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub fetch_by_commit: bool,
}

/// A user and a password; its text is for the server alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Login(String);

impl Login {
    /// The text, `user:password`.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Login(…)")
    }
}

/// The time that files of a repository get.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GitTimes {
    /// The commit's: the same every time.
    #[default]
    Commit,
    /// The clock's when it was checked out.
    Checkout,
}

/// What is wrong with the address of a repository.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GitAddressError {
    /// A name in the query that means nothing.
    #[error("`{name}` is not known in the query of a git address")]
    UnknownQuery {
        /// The name.
        name: String,
    },
    /// A name in the query stands there twice.
    #[error("`{name}` stands twice in the query of a git address")]
    Repeated {
        /// The name.
        name: String,
    },
    /// A name in the query needs a value.
    #[error("`{name}` in the query of a git address has no value")]
    NoValue {
        /// The name.
        name: String,
    },
    /// A value is none of those that are known.
    #[error("`{name}` in the query of a git address cannot be `{value}`")]
    BadValue {
        /// The name.
        name: String,
        /// The value.
        value: String,
    },
    /// Two parts say different things.
    #[error("the git address names `{first}` and `{second}`, which are not the same")]
    Conflict {
        /// What one part says.
        first: String,
        /// What the other one says.
        second: String,
    },
    /// The checksum is no part of a commit's id.
    #[error("`{text}` is not the id of a commit")]
    BadCommit {
        /// The text.
        text: String,
    },
    /// There is no host or no path.
    #[error("`{address}` names no repository")]
    Incomplete {
        /// The address.
        address: String,
    },
}

impl GitSource {
    /// Reads an address; nothing if it is none of a repository.
    pub fn parse(text: &str) -> Result<Option<Self>, GitAddressError> {
        let (before, fragment) = match text.split_once('#') {
            Some((before, fragment)) => (before, Some(fragment)),
            None => (text, None),
        };
        let (address, query) = match before.split_once('?') {
            Some((address, query)) => (address, Some(query)),
            None => (before, None),
        };
        let Some((remote, login)) = remote(address)? else { return Ok(None) };
        let mut source = Self { remote, login, ..Self::default() };
        if let Some(fragment) = fragment {
            let (reference, subdirectory) = fragment.split_once(':').unwrap_or((fragment, ""));
            source.reference = Some(reference.to_owned()).filter(|reference| !reference.is_empty());
            subdirectory.clone_into(&mut source.subdirectory);
        }
        if let Some(query) = query.filter(|query| !query.is_empty()) {
            source.read_query(query)?;
        }
        source.subdirectory = crate::paths::relative(&source.subdirectory);
        if source.subdirectory == "." {
            source.subdirectory.clear();
        }
        Ok(Some(source))
    }

    /// Reads the address of a context, which may leave out the scheme of one well-known host.
    pub fn parse_context(text: &str) -> Result<Option<Self>, GitAddressError> {
        if text.starts_with("github.com/") {
            let (address, rest) = text.split_at(text.find(['#', '?']).unwrap_or(text.len()));
            let suffix = if has_git_suffix(address) { "" } else { ".git" };
            return Self::parse(&format!("https://{address}{suffix}{rest}"));
        }
        Self::parse(text)
    }

    /// The same with a commit that must be met (`ADD --checksum`).
    pub fn with_commit(mut self, commit: &str) -> Result<Self, GitAddressError> {
        let commit = commit_id(commit)?;
        if let Some(first) = self.commit.as_ref().filter(|first| **first != commit) {
            return Err(GitAddressError::Conflict { first: first.clone(), second: commit });
        }
        self.commit = Some(commit);
        Ok(self)
    }

    /// The same, pinned: what a key is made of. Two references that lead to one commit are one source.
    #[must_use]
    pub fn pinned(&self, commit: &str) -> Self {
        Self {
            reference: None,
            commit: Some(commit.to_owned()),
            login: None,
            fetch_by_commit: false,
            ..self.clone()
        }
    }

    /// Whether the remote is reached through ssh, and so may need an agent.
    pub fn is_ssh(&self) -> bool {
        !self.remote.contains("://") || self.remote.starts_with("ssh://")
    }

    /// The repository's host, with its port if it has one.
    pub fn host(&self) -> &str {
        let rest = self.remote.split_once("://").map_or(self.remote.as_str(), |(_, rest)| rest);
        let end = if self.remote.contains("://") { rest.find('/') } else { rest.find(':') };
        let authority = &rest[..end.unwrap_or(rest.len())];
        authority.rsplit_once('@').map_or(authority, |(_, host)| host)
    }

    fn read_query(&mut self, query: &str) -> Result<(), GitAddressError> {
        let mut seen: Vec<String> = Vec::new();
        let (mut tag, mut branch) = (None, None);
        for part in query.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let (name, value) = (decoded(name, true), decoded(value, true));
            if seen.contains(&name) {
                return Err(GitAddressError::Repeated { name });
            }
            if value.is_empty() && !matches!(name.as_str(), "submodules" | "keep-git-dir" | "fetch-by-commit")
            {
                return Err(GitAddressError::NoValue { name });
            }
            match name.as_str() {
                "ref" => self.refer(value)?,
                "tag" => tag = Some(value),
                "branch" => branch = Some(value),
                "subdir" => {
                    if !self.subdirectory.is_empty() && self.subdirectory != value {
                        let first = std::mem::take(&mut self.subdirectory);
                        return Err(GitAddressError::Conflict { first, second: value });
                    }
                    self.subdirectory = value;
                }
                "checksum" | "commit" => {
                    let own = std::mem::take(self);
                    *self = own.with_commit(&value)?;
                }
                "keep-git-dir" => self.keep_git_dir = flag(&name, &value)?,
                "submodules" => self.submodules = flag(&name, &value)?,
                "fetch-by-commit" => self.fetch_by_commit = flag(&name, &value)?,
                "mtime" => {
                    self.times = match value.as_str() {
                        "checkout" => GitTimes::Checkout,
                        "commit" => GitTimes::Commit,
                        _ => return Err(GitAddressError::BadValue { name, value }),
                    }
                }
                _ => return Err(GitAddressError::UnknownQuery { name }),
            }
            seen.push(name);
        }
        let full = |prefix: &str, name: String| {
            if name.starts_with(prefix) { name } else { format!("{prefix}{name}") }
        };
        if let Some(tag) = tag {
            self.refer(full("refs/tags/", tag))?;
        }
        if let Some(branch) = branch {
            self.refer(full("refs/heads/", branch))?;
        }
        Ok(())
    }

    fn refer(&mut self, reference: String) -> Result<(), GitAddressError> {
        match self.reference.take() {
            Some(first) if first != reference => Err(GitAddressError::Conflict { first, second: reference }),
            _ => {
                self.reference = Some(reference);
                Ok(())
            }
        }
    }
}

impl Default for GitSource {
    fn default() -> Self {
        Self {
            remote: String::new(),
            login: None,
            reference: None,
            commit: None,
            subdirectory: String::new(),
            keep_git_dir: false,
            submodules: true,
            times: GitTimes::default(),
            fetch_by_commit: false,
        }
    }
}

impl std::fmt::Display for GitSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.remote)?;
        let reference = self.reference.as_deref().unwrap_or_default();
        match (reference, self.subdirectory.as_str()) {
            ("", "") => Ok(()),
            (reference, "") => write!(f, "#{reference}"),
            (reference, subdirectory) => write!(f, "#{reference}:{subdirectory}"),
        }
    }
}

/// An address as it may be shown: without user and password.
pub fn without_login(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find('/').unwrap_or(rest.len());
    let host = rest[..end].rsplit_once('@').map_or(&rest[..end], |(_, host)| host);
    format!("{scheme}://{host}{}", &rest[end..])
}

/// The address of the repository, and a login that stood in it.
fn remote(address: &str) -> Result<Option<(String, Option<Login>)>, GitAddressError> {
    let incomplete = || GitAddressError::Incomplete { address: address.to_owned() };
    let Some((scheme, rest)) = address.split_once("://") else {
        return Ok(is_short_form(address).then(|| (address.to_owned(), None)));
    };
    let is_http = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let is_own = scheme.eq_ignore_ascii_case("ssh") || scheme.eq_ignore_ascii_case("git");
    if !(is_own || is_http && has_git_suffix(rest)) {
        return Ok(None);
    }
    let scheme = scheme.to_ascii_lowercase();
    let (authority, path) = rest.split_once('/').ok_or_else(incomplete)?;
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority),
    };
    if host.is_empty() || path.is_empty() || host.starts_with('-') {
        return Err(incomplete());
    }
    if is_http {
        let login = user.map(|user| Login(decoded(user, false)));
        return Ok(Some((format!("{scheme}://{host}/{path}"), login)));
    }
    // The user of ssh is no secret, and is part of the address; a password has no use there.
    let user = user.map(|user| user.split_once(':').map_or(user, |(user, _)| user));
    let user = user.map(|user| format!("{user}@")).unwrap_or_default();
    Ok(Some((format!("{scheme}://{user}{host}/{path}"), None)))
}

/// The suffix that tells a repository from a file, spelled exactly so.
fn has_git_suffix(address: &str) -> bool {
    address.as_bytes().ends_with(b".git")
}

/// `user@host:path`, as scp writes it.
fn is_short_form(address: &str) -> bool {
    let Some((user, rest)) = address.split_once('@') else { return false };
    let Some((host, path)) = rest.split_once(':') else { return false };
    let is_name = |text: &str, more: &[char]| {
        !text.is_empty()
            && !text.starts_with('-')
            && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(&c))
    };
    is_name(user, &['-', '_']) && is_name(host, &['-', '.']) && !path.is_empty()
}

fn commit_id(text: &str) -> Result<String, GitAddressError> {
    if (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(text.to_ascii_lowercase());
    }
    Err(GitAddressError::BadCommit { text: text.to_owned() })
}

fn flag(name: &str, value: &str) -> Result<bool, GitAddressError> {
    match value {
        "" | "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(GitAddressError::BadValue { name: name.to_owned(), value: value.to_owned() }),
    }
}

/// Text of an address: `%41` is a byte, and in a query `+` a blank.
pub(crate) fn decoded(text: &str, is_query: bool) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits.filter(|_| first == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(byte.unwrap_or(if is_query && first == b'+' { b' ' } else { first }));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> GitSource {
        GitSource::parse(text).unwrap().unwrap_or_else(|| panic!("`{text}` was not taken for a repository"))
    }

    #[test]
    fn repositories_are_told_from_files() {
        for text in [
            "https://host/a.git",
            "http://host:8080/a/b.git#main:sub",
            "git@host:a/b",
            "me_2@host.example:a/b.git#v1",
            "ssh://h/a",
            "ssh://git@h:22/a",
            "git://h/a",
            "https://host/a.git?tag=v1",
        ] {
            assert!(GitSource::parse(text).unwrap().is_some(), "{text}");
        }
        for text in [
            "https://host/a.tar.gz",
            "a.git",
            "git",
            "./a.git",
            "/a/b.git",
            "file:///a/b.git",
            "github.com/a/b",
            "https://host/a?b=c.git",
            "@host:path",
            "me@host",
        ] {
            assert!(GitSource::parse(text).unwrap().is_none(), "{text}");
        }
    }

    #[test]
    fn a_fragment_names_reference_and_directory() {
        let one = source("https://host/a.git#main:/x/../sub/");
        assert_eq!((one.reference.as_deref(), one.subdirectory.as_str()), (Some("main"), "sub"));
        let one = source("https://host/a.git#:sub");
        assert_eq!((one.reference.as_deref(), one.subdirectory.as_str()), (None, "sub"));
        assert_eq!(source("https://host/a.git#").reference, None);
        assert_eq!(source("https://host/a.git#../..").subdirectory, "");
    }

    #[test]
    fn a_query_names_everything() {
        let one = source(
            "https://host/a.git?tag=v1&subdir=a%2Fb&checksum=ABcd&keep-git-dir&submodules=false&mtime=checkout&fetch-by-commit=1",
        );
        assert_eq!(one.reference.as_deref(), Some("refs/tags/v1"));
        assert_eq!((one.subdirectory.as_str(), one.commit.as_deref()), ("a/b", Some("abcd")));
        assert!(one.keep_git_dir && !one.submodules && one.fetch_by_commit);
        assert_eq!(one.times, GitTimes::Checkout);
        assert_eq!(source("https://host/a.git?branch=x").reference.as_deref(), Some("refs/heads/x"));
        assert_eq!(source("https://host/a.git?ref=pull/1/head").reference.as_deref(), Some("pull/1/head"));
        assert_eq!(source("https://host/a.git?commit=ff").commit.as_deref(), Some("ff"));
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        for text in [
            "https://host/a.git?ref=a#b",
            "https://host/a.git?subdir=a#:b",
            "https://host/a.git?tag=a&branch=b",
            "https://host/a.git?ref=a&ref=b",
            "https://host/a.git?what=1",
            "https://host/a.git?ref=",
            "https://host/a.git?mtime=never",
            "https://host/a.git?checksum=xyz",
            "https://host/a.git?submodules=maybe",
        ] {
            assert!(GitSource::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_context_may_leave_out_the_scheme() {
        let one = GitSource::parse_context("github.com/a/b#main:sub").unwrap().unwrap();
        assert_eq!(one.remote, "https://github.com/a/b.git");
        assert_eq!((one.reference.as_deref(), one.subdirectory.as_str()), (Some("main"), "sub"));
        assert!(GitSource::parse_context("example.com/a/b").unwrap().is_none());
    }

    #[test]
    fn passwords_are_in_no_address() {
        let one = source("https://me:pass%40word@host/a.git");
        assert_eq!(one.remote, "https://host/a.git");
        assert_eq!(one.login.as_ref().unwrap().reveal(), "me:pass@word");
        assert!(!format!("{one:?} {one}").contains("pass"));
        assert_eq!(source("ssh://git:secret@host/a").remote, "ssh://git@host/a");
    }

    #[test]
    fn hosts_are_found_in_every_form() {
        assert_eq!(source("https://me@host:8080/a.git").host(), "host:8080");
        assert_eq!(source("git@host:a/b").host(), "host");
        assert_eq!(source("ssh://git@host/a").host(), "host");
    }

    #[test]
    fn nothing_is_taken_for_an_option_of_git() {
        assert!(GitSource::parse("ssh://-oProxyCommand=x/a").is_err());
        assert!(GitSource::parse("-x@host:a").unwrap().is_none());
        assert!(GitSource::parse("x@-host:a").unwrap().is_none());
    }
}
