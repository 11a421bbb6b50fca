//! What the names of base images are locked to: the content of `plimsoll.lock`.
//!
//! The file comes with the sources and is not trusted. An entry gives a name no other repository, only a digest in its own; an
//! entry that no name of the Dockerfile asks for does nothing. A composed base is locked to the plan of its packages, which
//! holds no address; that the files are the packages it says is checked when they are unpacked.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::str::FromStr;

use plimsoll_compose::{DebianSpec, Plan};
use plimsoll_oci::{Digest, Reference};
use serde::{Deserialize, Serialize};

/// Version of the file's form.
const VERSION: u32 = 1;

const HEADER: &str = "\
# What the names of base images stand for. Written by `plimsoll lock`; `plimsoll lock --update` asks again.
";

/// Base images by their whole names, each with what it is locked to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    entries: BTreeMap<String, Pinned>,
}

/// What a name is locked to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pinned {
    /// The digest of an index or a manifest in the repository of the name.
    Image(Digest),
    /// The packages of a composed base.
    Base(Box<Plan>),
}

impl Pinned {
    /// Whether it is the same: of a base, the same packages. Its archive has a new release file every day.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Base(one), Self::Base(other)) => {
                one.schema == other.schema && one.packages == other.packages
            }
            (one, other) => one == other,
        }
    }
}

/// A lock and how it is used.
#[derive(Clone, Debug)]
pub struct LockFile {
    /// Its path, for messages.
    pub path: String,
    /// What it holds.
    pub lock: Lock,
    /// Whether a name that it lacks is an error (`--locked`).
    pub required: bool,
}

/// Why a text is no lock.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// It is no TOML, or has keys that are not known.
    #[error("it is malformed")]
    Syntax {
        /// What the reader says.
        #[from]
        source: Box<toml::de::Error>,
    },
    /// It has another form.
    #[error(
        "it has version {found}, this program reads version {VERSION}: make it again with `plimsoll lock`"
    )]
    Version {
        /// The version found.
        found: u32,
    },
    /// An entry means nothing.
    #[error("the entry `{name}` {problem}")]
    Entry {
        /// Its name.
        name: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    #[serde(default)]
    base: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    digest: Option<Digest>,
    pin: Option<Box<Plan>>,
}

impl Lock {
    /// Reads the text of a file.
    pub fn parse(text: &str) -> Result<Self, LockError> {
        let file: File = toml::from_str(text).map_err(Box::new)?;
        if file.version != VERSION {
            return Err(LockError::Version { found: file.version });
        }
        let mut lock = Self::default();
        for Entry { name, digest, pin } in file.base {
            let wrong = |problem| LockError::Entry { name: name.clone(), problem };
            let pinned = match (digest, pin) {
                (Some(digest), None) => Pinned::Image(digest),
                (None, Some(plan)) => Pinned::Base(plan),
                _ => return Err(wrong("has to have either a `digest` or a `pin`")),
            };
            let key = match &pinned {
                Pinned::Image(_) => key(&name)
                    .filter(|key| !DebianSpec::claims(key))
                    .ok_or_else(|| wrong("is not the name of an image without a digest"))?,
                Pinned::Base(plan) => {
                    let spec =
                        DebianSpec::parse(&name).map_err(|_| wrong("is not the name of a composed base"))?;
                    if spec != plan.spec {
                        return Err(wrong("has the pin of another base"));
                    }
                    spec.to_string()
                }
            };
            if lock.entries.insert(key, pinned).is_some() {
                return Err(wrong("stands there twice"));
            }
        }
        Ok(lock)
    }

    /// What a name is locked to. Composed bases are named with their architecture.
    pub fn pinned(&self, name: &str) -> Option<&Pinned> {
        self.entries.get(&key(name)?)
    }

    /// Locks a name, or gives it something else to stand for.
    pub fn insert(&mut self, name: &str, pinned: Pinned) {
        self.entries.extend(key(name).map(|key| (key, pinned)));
    }

    /// The entries, sorted by their names.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Pinned)> {
        self.entries.iter().map(|(name, pinned)| (name.as_str(), pinned))
    }
}

/// The text of a file. A package has a line of its own, so that a comparison shows which ones moved.
impl std::fmt::Display for Lock {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(out, "{HEADER}version = {VERSION}")?;
        for (name, pinned) in &self.entries {
            writeln!(out, "\n[[base]]\nname = {}", inline(name))?;
            match pinned {
                Pinned::Image(digest) => writeln!(out, "digest = {}", inline(digest))?,
                Pinned::Base(plan) => out.write_str(&pin(plan))?,
            }
        }
        Ok(())
    }
}

fn pin(plan: &Plan) -> String {
    let mut out = String::from("\n[base.pin]\n");
    let mut line = |key: &str, value: String| {
        let _infallible = writeln!(out, "{key} = {value}");
    };
    line("schema", inline(&plan.schema));
    line("spec", inline(&plan.spec));
    line("architecture", inline(&plan.architecture));
    line("created", inline(&plan.created));
    line("archives", lines(&plan.archives));
    line("packages", lines(&plan.packages));
    line("left_out", lines(&plan.left_out));
    out
}

fn lines<T: Serialize>(values: &[T]) -> String {
    if values.is_empty() {
        return "[]".to_owned();
    }
    let mut out = String::from("[\n");
    for value in values {
        let _infallible = writeln!(out, "    {},", inline(value));
    }
    out.push(']');
    out
}

fn inline<T: Serialize + ?Sized>(value: &T) -> String {
    let mut text = String::new();
    value
        .serialize(toml::ser::ValueSerializer::new(&mut text))
        .expect("a lock has only texts, numbers and lists of them");
    text
}

/// The name under which something is locked; nothing for what cannot be: a name with a digest, or a directory's.
pub(crate) fn key(name: &str) -> Option<String> {
    if DebianSpec::claims(name) {
        return DebianSpec::parse(name).ok().map(|spec| spec.to_string());
    }
    let reference = Reference::from_str(name.strip_prefix("docker-image://").unwrap_or(name)).ok()?;
    reference.digest().is_none().then(|| reference.to_string())
}

#[cfg(test)]
mod tests {
    use plimsoll_compose::{PlannedArchive, PlannedPackage};

    use super::*;

    fn plan() -> Plan {
        let spec = DebianSpec::parse("debian://test?packages=tool&arch=amd64").unwrap();
        let package = |name: &str| PlannedPackage {
            name: name.to_owned(),
            version: "1:2.0-1".to_owned(),
            architecture: "amd64".to_owned(),
            archive: 0,
            filename: format!("pool/main/{name}_2.0-1_amd64.deb"),
            size_bytes: 7,
            digest: Digest::of(name),
            essential: false,
            requested: true,
            depends: vec!["libc6".to_owned()],
        };
        Plan {
            schema: 1,
            spec,
            architecture: "amd64".to_owned(),
            created: 1_700_000_000,
            archives: vec![PlannedArchive {
                suite: "test".to_owned(),
                codename: "test".to_owned(),
                date: 1_700_000_000,
                release: Digest::of("release"),
            }],
            packages: vec![package("libc6"), package("tool")],
            left_out: Vec::new(),
        }
    }

    fn lock() -> Lock {
        let mut lock = Lock::default();
        lock.insert("node:22", Pinned::Image(Digest::of("node")));
        lock.insert("docker-image://registry.example/a", Pinned::Image(Digest::of("a")));
        lock.insert(&plan().spec.to_string(), Pinned::Base(Box::new(plan())));
        lock
    }

    #[test]
    fn a_lock_is_written_sorted_and_read_back() {
        let text = lock().to_string();
        assert_eq!(Lock::parse(&text).unwrap(), lock());
        let names: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("name = ")).collect();
        let spec = "\"debian://test?packages=tool&variant=distroless&arch=amd64\"";
        assert_eq!(names, [spec, "\"docker.io/library/node:22\"", "\"registry.example/a:latest\""]);
        let packages: Vec<_> = text.lines().filter(|line| line.starts_with("    { name = ")).collect();
        assert_eq!(packages.len(), 2, "{text}");
    }

    #[test]
    fn names_are_found_in_any_spelling_and_those_with_a_digest_are_not() {
        let lock = lock();
        for name in
            ["node:22", "docker.io/library/node:22", "docker-image://node:22", "registry.example/a:latest"]
        {
            assert!(lock.pinned(name).is_some(), "{name}");
        }
        let digest = Digest::of("x");
        for name in ["node", "node:23", "oci-layout://node:22", &format!("node:22@{digest}"), "debian://test"]
        {
            assert!(lock.pinned(name).is_none(), "{name}");
        }
    }

    #[test]
    fn a_new_release_file_with_the_same_packages_moves_nothing() {
        let before = Pinned::Base(Box::new(plan()));
        let mut after = plan();
        after.created += 86_400;
        after.archives[0].date += 86_400;
        after.archives[0].release = Digest::of("next day");
        assert!(before.is_same(&Pinned::Base(Box::new(after.clone()))));
        after.packages[1].digest = Digest::of("rebuilt");
        assert!(!before.is_same(&Pinned::Base(Box::new(after))));
        assert!(!before.is_same(&Pinned::Image(Digest::of("x"))));
    }

    #[test]
    fn what_means_nothing_is_refused() {
        let digest = Digest::of("x");
        let entry = |name: &str| format!("version = 1\n[[base]]\nname = \"{name}\"\ndigest = \"{digest}\"\n");
        for (text, want) in [
            ("version = 2\n".to_owned(), "has version 2"),
            ("version = 1\nmirror = \"x\"\n".to_owned(), "malformed"),
            (entry(&format!("a@{digest}")), "is not the name of an image"),
            (entry("A"), "is not the name of an image"),
            (entry("debian://test"), "is not the name of an image"),
            (
                entry("node")
                    + "[[base]]\nname = \"docker.io/library/node:latest\"\ndigest = \""
                    + &digest.to_string()
                    + "\"\n",
                "twice",
            ),
            ("version = 1\n[[base]]\nname = \"node\"\n".to_owned(), "either"),
            (entry("node").replace(&digest.to_string(), "sha256:abc"), "malformed"),
            (
                lock()
                    .to_string()
                    .replace("name = \"debian://test?packages=tool", "name = \"debian://test?packages=other"),
                "another base",
            ),
        ] {
            let error = Lock::parse(&text).unwrap_err().to_string();
            assert!(error.contains(want), "{error}\n{text}");
        }
    }
}
