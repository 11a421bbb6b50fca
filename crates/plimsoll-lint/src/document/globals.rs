//! Arguments before the first `FROM`, the platform's among them.

use std::cell::RefCell;
use std::collections::BTreeMap;

use plimsoll_dockerfile::{Dockerfile, InstructionKind, words};
use plimsoll_oci::Platform;

/// The global scope, in order of declaration.
#[derive(Clone, Debug, Default)]
pub(crate) struct Globals {
    escape: char,
    /// Names with their values; no value means that the argument is declared without one.
    entries: Vec<(String, Option<String>)>,
}

/// A word with its variables put in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Word {
    /// The result.
    pub(crate) text: String,
    /// Variables in it that are declared, each once, in order.
    pub(crate) declared: Vec<String>,
    /// Variables in it that are not.
    pub(crate) undeclared: Vec<String>,
}

impl Globals {
    /// The scope of a file, with the build arguments that are given.
    pub(crate) fn new(
        dockerfile: &Dockerfile,
        platform: &Platform,
        build_args: &BTreeMap<String, String>,
        target_stage: &str,
    ) -> Self {
        let mut globals = Self { escape: dockerfile.escape, entries: Vec::new() };
        for (prefix, platform) in [("BUILD", &Platform::host()), ("TARGET", platform)] {
            for (suffix, value) in parts(platform) {
                globals.set(&format!("{prefix}{suffix}"), Some(value));
            }
        }
        globals.set("TARGETSTAGE", Some(target_stage.to_owned()));
        for index in 0..globals.entries.len() {
            if let Some(value) = build_args.get(&globals.entries[index].0) {
                globals.entries[index].1 = Some(value.clone());
            }
        }
        for instruction in &dockerfile.instructions {
            match &instruction.kind {
                InstructionKind::From(_) => break,
                InstructionKind::Arg(definitions) => {
                    for definition in definitions {
                        let name = &definition.name.value;
                        let default = || {
                            let default = definition.default.as_ref()?;
                            globals.word(&default.value).map(|word| word.text)
                        };
                        let value = build_args.get(name.as_str()).cloned().or_else(default);
                        globals.set(name, value);
                    }
                }
                _ => {}
            }
        }
        globals
    }

    fn set(&mut self, name: &str, value: Option<String>) {
        match self.entries.iter_mut().find(|(key, _)| key == name) {
            Some((_, old)) if value.is_some() => *old = value,
            Some(_) => {}
            None => self.entries.push((name.to_owned(), value)),
        }
    }

    /// The value of an argument; nothing when it has none.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.entries.iter().find(|(key, _)| key == name)?.1.as_deref()
    }

    /// The names of all arguments.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|(name, _)| name.as_str())
    }

    /// Expands a word; nothing when it cannot be.
    pub(crate) fn word(&self, text: &str) -> Option<Word> {
        let seen = RefCell::new(Word::default());
        let lookup = |name: &str| {
            let entry = self.entries.iter().find(|(key, _)| key == name);
            let mut seen = seen.borrow_mut();
            let list = if entry.is_some() { &mut seen.declared } else { &mut seen.undeclared };
            if !list.iter().any(|known| known == name) {
                list.push(name.to_owned());
            }
            entry.and_then(|(_, value)| value.clone())
        };
        let text = words::expand(text, self.escape, &lookup).ok()?;
        Some(Word { text, ..seen.into_inner() })
    }
}

fn parts(platform: &Platform) -> [(&'static str, String); 5] {
    [
        ("PLATFORM", platform.to_string()),
        ("OS", platform.os.clone()),
        ("OSVERSION", platform.os_version.clone().unwrap_or_default()),
        ("ARCH", platform.architecture.clone()),
        ("VARIANT", platform.variant.clone().unwrap_or_default()),
    ]
}
