//! Cache keys: what was asked, as one digest, with every ingredient kept beside it.
//!
//! | ingredient | in the key | why |
//! | --- | --- | --- |
//! | the canonical text of the op | yes | see `plimsoll_graph::canonical` for its fields |
//! | the platform | yes | the same words do other things elsewhere |
//! | the key of the root file system that it starts from | yes | what was done before |
//! | files taken from a context, a stage or an image | by content | a stage that ran again with the same output changes nothing |
//! | a base image | by the digest of its platform's manifest | a name says nothing |
//! | a remote file | by content | an address says nothing |
//! | values of secrets, agents' sockets, content of cache mounts | no | they must not decide what is built |
//! | undeclared proxies, the bundle of certificates, `--add-host`, the resolver | no | ways to a server, not what is fetched there |
//! | limits (`--ulimit`, `--memory` …), `--shm-size` | no | whether it is done at all, not what comes out |
//! | times of files | no | a checkout sets them anew |

use std::collections::BTreeMap;

use plimsoll_oci::{Digest, Hasher};
use serde::{Deserialize, Serialize};

/// One thing that a key was made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ingredient {
    /// What it is, for people; the same in every build of the step.
    pub(crate) what: String,
    /// Its value: a text, or a digest.
    pub(crate) value: String,
    /// Where the value is the digest of a few files: those, each with a short name of its mode and bytes. Not in the
    /// key, which has the digest; it says which file it was.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) files: BTreeMap<String, String>,
}

/// The ingredient that stands for everything below a step.
pub(crate) const STEP_BEFORE: &str = "the step before";

/// More files than this are not listed beside a key.
pub(crate) const MOST_FILES: usize = 2000;

/// A key with its ingredients.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyBuilder {
    ingredients: Vec<Ingredient>,
}

impl KeyBuilder {
    /// Adds one ingredient.
    pub(crate) fn add(&mut self, what: impl Into<String>, value: impl std::fmt::Display) {
        self.add_files(what, value, BTreeMap::new());
    }

    /// Adds the digest of some files, with a list of them for people.
    pub(crate) fn add_files(
        &mut self,
        what: impl Into<String>,
        value: impl std::fmt::Display,
        files: BTreeMap<String, String>,
    ) {
        self.ingredients.push(Ingredient { what: what.into(), value: value.to_string(), files });
    }

    /// The key.
    pub(crate) fn digest(&self) -> Digest {
        digest(&self.ingredients)
    }

    /// The same without what was done before: with the index of a layer of copied files, this decides its bytes.
    pub(crate) fn own_digest(&self) -> Digest {
        digest(self.ingredients.iter().filter(|ingredient| ingredient.what != STEP_BEFORE))
    }

    /// The ingredients as they are kept.
    pub(crate) fn json(&self) -> Vec<u8> {
        serde_json::to_vec(&self.ingredients).expect("texts can be written as JSON")
    }

    /// The first ingredient that an earlier key of the same step has otherwise, in the user's words.
    pub(crate) fn difference(&self, earlier: &[u8]) -> Option<String> {
        let earlier: Vec<Ingredient> = serde_json::from_slice(earlier).ok()?;
        let was = |new: &Ingredient| earlier.iter().find(|old| old.what == new.what);
        let differs =
            self.ingredients.iter().find(|new| was(new).is_none_or(|old| old.value != new.value))?;
        let file = was(differs).and_then(|old| changed_file(&old.files, &differs.files));
        Some(match file {
            Some(file) => format!("{} changed: {file}", differs.what),
            None => format!("{} changed", differs.what),
        })
    }
}

fn digest<'a>(ingredients: impl IntoIterator<Item = &'a Ingredient>) -> Digest {
    let mut hasher = Hasher::new();
    for ingredient in ingredients {
        hasher.field(&ingredient.what);
        hasher.field(&ingredient.value);
    }
    hasher.finish()
}

/// The first file that is new, gone or other than it was.
fn changed_file(old: &BTreeMap<String, String>, new: &BTreeMap<String, String>) -> Option<String> {
    if old.is_empty() || new.is_empty() {
        return None;
    }
    let changed = new.iter().find(|(path, value)| old.get(*path).is_some_and(|old| old != *value));
    let added = || new.keys().find(|path| !old.contains_key(*path)).map(|path| format!("{path} is new"));
    let removed = || old.keys().find(|path| !new.contains_key(*path)).map(|path| format!("{path} is gone"));
    changed.map(|(path, _)| path.clone()).or_else(added).or_else(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(parts: &[(&str, &str)]) -> KeyBuilder {
        let mut key = KeyBuilder::default();
        parts.iter().for_each(|(what, value)| key.add(*what, value));
        key
    }

    #[test]
    fn every_ingredient_counts_and_so_does_its_place() {
        let one = key(&[("a", "1"), ("b", "2")]);
        assert_eq!(one.digest(), key(&[("a", "1"), ("b", "2")]).digest());
        assert_ne!(one.digest(), key(&[("b", "2"), ("a", "1")]).digest());
        assert_ne!(one.digest(), key(&[("a", "1b"), ("", "2")]).digest());
    }

    #[test]
    fn the_step_before_is_no_part_of_what_is_copied() {
        let copy = |before, files| key(&[("the instruction", "x"), (STEP_BEFORE, before), ("`src`", files)]);
        assert_eq!(copy("1", "a").own_digest(), copy("2", "a").own_digest());
        assert_ne!(copy("1", "a").own_digest(), copy("1", "b").own_digest());
        assert_ne!(copy("1", "a").digest(), copy("2", "a").digest());
    }

    #[test]
    fn the_first_difference_is_named() {
        let earlier = key(&[("the instruction", "x"), ("`src`", "1")]).json();
        let now = key(&[("the instruction", "x"), ("`src`", "2")]);
        assert_eq!(now.difference(&earlier).as_deref(), Some("`src` changed"));
        assert_eq!(key(&[("the instruction", "x")]).difference(&earlier), None);
    }

    #[test]
    fn the_changed_file_is_named_and_is_not_in_the_key() {
        let with = |files: &[(&str, &str)]| {
            let mut key = KeyBuilder::default();
            let files: Vec<_> = files.iter().map(|(p, v)| ((*p).to_owned(), (*v).to_owned())).collect();
            let digest = format!("{files:?}");
            key.add_files("`src`", digest, files.into_iter().collect());
            key
        };
        let earlier = with(&[("src/a", "1"), ("src/b", "1")]).json();
        let reason = |files: &[(&str, &str)]| with(files).difference(&earlier).unwrap();
        assert_eq!(reason(&[("src/a", "1"), ("src/b", "2")]), "`src` changed: src/b");
        assert_eq!(reason(&[("src/a", "1"), ("src/b", "1"), ("src/c", "1")]), "`src` changed: src/c is new");
        assert_eq!(reason(&[("src/a", "1")]), "`src` changed: src/b is gone");
        let mut plain = KeyBuilder::default();
        plain.add("`src`", format!("{:?}", [("src/a".to_owned(), "1".to_owned())]));
        assert_eq!(plain.digest(), with(&[("src/a", "1")]).digest());
    }
}
