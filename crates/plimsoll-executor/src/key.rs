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
//! | times of files | no | a checkout sets them anew |

use plimsoll_oci::{Digest, Hasher};
use serde::{Deserialize, Serialize};

/// One thing that a key was made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ingredient {
    /// What it is, for people; the same in every build of the step.
    pub(crate) what: String,
    /// Its value: a text, or a digest.
    pub(crate) value: String,
}

/// A key with its ingredients.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyBuilder {
    ingredients: Vec<Ingredient>,
}

impl KeyBuilder {
    /// Adds one ingredient.
    pub(crate) fn add(&mut self, what: impl Into<String>, value: impl std::fmt::Display) {
        self.ingredients.push(Ingredient { what: what.into(), value: value.to_string() });
    }

    /// The key.
    pub(crate) fn digest(&self) -> Digest {
        let mut hasher = Hasher::new();
        for ingredient in &self.ingredients {
            hasher.field(&ingredient.what);
            hasher.field(&ingredient.value);
        }
        hasher.finish()
    }

    /// The ingredients as they are kept.
    pub(crate) fn json(&self) -> Vec<u8> {
        serde_json::to_vec(&self.ingredients).expect("texts can be written as JSON")
    }

    /// The first ingredient that an earlier key of the same step has otherwise, in the user's words.
    pub(crate) fn difference(&self, earlier: &[u8]) -> Option<String> {
        let earlier: Vec<Ingredient> = serde_json::from_slice(earlier).ok()?;
        let differs = self.ingredients.iter().find(|new| !earlier.contains(new))?;
        Some(format!("{} changed", differs.what))
    }
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
    fn the_first_difference_is_named() {
        let earlier = key(&[("the instruction", "x"), ("`src`", "1")]).json();
        let now = key(&[("the instruction", "x"), ("`src`", "2")]);
        assert_eq!(now.difference(&earlier).as_deref(), Some("`src` changed"));
        assert_eq!(key(&[("the instruction", "x")]).difference(&earlier), None);
    }
}
