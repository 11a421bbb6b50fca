//! What one layer says, without regard to those below and above it. Facts are kept by diff id: a layer is read once.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;

use plimsoll_layer::{Kind, LayerIndex};
use plimsoll_oci::Digest;
use plimsoll_packages::{Analysis, merged_usr};
use serde::{Deserialize, Serialize};

/// What one layer says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerFacts {
    /// What files say, by path, then by the name of the analyzer.
    pub files: BTreeMap<String, BTreeMap<String, Analysis>>,
    /// The secrets in it.
    pub secrets: Vec<plimsoll_secrets::Finding>,
    /// How many more there are in files that packages of the operating system brought.
    #[serde(default)]
    pub public_secrets: usize,
    /// What could not be read.
    pub not_scanned: Vec<NotScanned>,
    /// The paths that it has and removes.
    pub paths: Paths,
}

impl LayerFacts {
    /// Leaves out the secrets in files of the operating system's packages that the same layer has the lists of: whoever can fetch
    /// the package has them, and most are examples and tests. Settings below `etc` may have been changed.
    pub(crate) fn without_public_secrets(mut self) -> Self {
        let candidates: BTreeMap<String, &str> = self
            .secrets
            .iter()
            .map(|one| (merged_usr(&one.path), one.path.as_str()))
            .filter(|(_, path)| !path.starts_with("etc/"))
            .collect();
        if candidates.is_empty() {
            return self;
        }
        let lists = self.files.values().flat_map(BTreeMap::values).flat_map(|analysis| &analysis.owned);
        let owned: BTreeSet<String> = lists
            .flat_map(|owned| &owned.paths)
            .filter_map(|path| candidates.get(&merged_usr(path)))
            .map(|path| (*path).to_owned())
            .collect();
        let before = self.secrets.len();
        self.secrets.retain(|one| !owned.contains(&one.path));
        self.public_secrets = before - self.secrets.len();
        self
    }
}

/// How hard facts are compressed: they are written once, and read often.
const LEVEL: i32 = 3;
/// No layer says more than this, uncompressed.
const MOST_BYTES: u64 = 1 << 30;

impl LayerFacts {
    /// The facts as bytes that can be kept.
    pub fn encode(&self) -> Vec<u8> {
        let json = serde_json::to_vec(self).expect("facts have only texts, numbers and maps of texts");
        zstd::encode_all(json.as_slice(), LEVEL).expect("memory can be read and written")
    }

    /// Reads what [`LayerFacts::encode`] wrote; nothing when it is something else.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let json = zstd::Decoder::new(bytes).ok()?.take(MOST_BYTES);
        serde_json::from_reader(std::io::BufReader::new(json)).ok()
    }
}

/// A file, or a part of one, that was not read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NotScanned {
    /// The path from the root.
    pub path: String,
    /// Why, in a sentence.
    pub reason: String,
}

/// The paths of a layer, as far as they decide what of lower layers can be seen.
///
/// A path takes eight bytes, the first of its SHA-256: finding another path with the same ones is too much work even for
/// somebody who wants to hide a package.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paths {
    directories: BTreeSet<u64>,
    others: BTreeSet<u64>,
    opaque: BTreeSet<u64>,
}

impl Paths {
    /// The paths of a layer.
    pub fn of(index: &LayerIndex) -> Self {
        let mut paths = Self::default();
        for entry in index.entries() {
            let short = short(&entry.path);
            match entry.kind {
                Kind::Directory { opaque } => {
                    paths.directories.insert(short);
                    if opaque {
                        paths.opaque.insert(short);
                    }
                }
                _ => {
                    paths.others.insert(short);
                }
            }
        }
        paths
    }

    /// Whether a file of a lower layer at this path cannot be seen through this one.
    pub fn hide(&self, path: &str) -> bool {
        let path = path.as_bytes();
        let own = short(path);
        if self.others.contains(&own) || self.directories.contains(&own) || self.opaque.contains(&short(b""))
        {
            return true;
        }
        let slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        slashes
            .map(|(at, _)| short(&path[..at]))
            .any(|above| self.others.contains(&above) || self.opaque.contains(&above))
    }
}

fn short(path: &[u8]) -> u64 {
    let digest = Digest::of(String::from_utf8_lossy(path).as_bytes());
    u64::from_str_radix(&digest.hex()[..16], 16).expect("a digest has 64 hexadecimal digits")
}

#[cfg(test)]
mod tests {
    use plimsoll_layer::Entry;

    use super::*;

    #[test]
    fn what_is_replaced_removed_or_below_an_opaque_directory_is_hidden() {
        let index = LayerIndex::from_entries([
            Entry::whiteout("usr/lib/gone"),
            Entry::new("app", Kind::Directory { opaque: true }, 0o755),
            Entry::directory("etc"),
            Entry::new("etc/file", Kind::File { size: 1 }, 0o644),
            Entry::new("opt", Kind::Symlink { target: b"usr".to_vec() }, 0o777),
        ]);
        let paths = Paths::of(&index.expect("an index"));
        for hidden in ["usr/lib/gone", "usr/lib/gone/x", "app/a/b", "etc/file", "opt/deep/down"] {
            assert!(paths.hide(hidden), "{hidden}");
        }
        for visible in ["usr/lib/other", "etc/other", "usr/lib", "application"] {
            assert!(!paths.hide(visible), "{visible}");
        }
    }
}
