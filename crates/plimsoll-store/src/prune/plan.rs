//! What could be removed, and in which order.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use plimsoll_oci::{Descriptor, DiffId, Digest};

use crate::Store;
use crate::cache_mount::NAME;
use crate::database::{Json, Raw};
use crate::error::Result;
use crate::id::{BuildId, LayerId};
use crate::layout::{BLOBS, FACTS, LAYERS, LOGS, MOUNTS, STAT_CACHES};
use crate::records::ImageRecord;
use crate::time::Timestamp;
use crate::usage::{Kind, allocated, walk};

/// Logs are for looking back; they go after a week, or with everything.
const LOGS_KEPT: i64 = 7 * 24 * 3600;

/// What to remove.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PruneOptions {
    /// Images with a name too, and all logs.
    pub all: bool,
    /// Only what was not used for so long (`until=`, `unused-for=`).
    pub unused_for: Option<Duration>,
    /// Only these kinds (`type=`); empty for all.
    pub kinds: BTreeSet<Kind>,
    /// Stop as soon as the store takes no more than this.
    pub keep_storage_bytes: Option<u64>,
    /// Only say what would be removed.
    pub dry_run: bool,
}

/// One thing that was removed, or would be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrunedItem {
    /// What it is.
    pub kind: Kind,
    /// Its name: an image's reference, a layer's id, a digest, a cache mount's id, a build.
    pub name: String,
    /// The room it took; files that other layers still share do not count.
    pub size_bytes: u64,
    /// When it was last used.
    pub last_use: Timestamp,
}

/// What prune did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PruneReport {
    /// What was removed, in order.
    pub items: Vec<PrunedItem>,
    /// The room that was gained.
    pub reclaimed_bytes: u64,
    /// How many things were kept because a running build uses them.
    pub in_use: u64,
    /// What could not be removed: files of subordinate ids need the user namespace.
    pub left: Vec<PathBuf>,
}

/// How one thing is removed.
#[derive(Clone, Debug)]
pub(super) enum Target {
    Image(Box<Descriptor>),
    Layer(LayerId),
    Blob(Digest),
    Partial(Digest),
    MountSlot { directory: String, slot: String },
    Log(BuildId),
    Note,
}

/// One thing that could be removed.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) kind: Kind,
    pub(super) name: String,
    pub(super) target: Target,
    pub(super) path: Option<PathBuf>,
    pub(super) last_use: i64,
    /// Images before what they consist of, then layers from the top down.
    pub(super) rank: (u8, usize),
    /// The named images that need it; it can only go with them.
    pub(super) images: Vec<usize>,
}

/// One result's chain, for the dependencies of layers.
#[derive(Clone, Debug)]
pub(super) struct Chain {
    pub(super) row: i64,
    pub(super) result: String,
    pub(super) layers: Vec<LayerId>,
    pub(super) last_use: i64,
}

/// Everything that prune looks at.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Least recently used first.
    pub(super) candidates: Vec<Candidate>,
    pub(super) chains: Vec<Chain>,
    /// The images with a name, as they were.
    pub(super) images: Vec<ImageRecord>,
}

fn modified(path: &Path) -> i64 {
    fs::symlink_metadata(path)
        .and_then(|metadata| metadata.modified())
        .map_or(0, |time| Timestamp::from(time).seconds)
}

impl Plan {
    pub(super) fn gather(store: &Store, options: &PruneOptions) -> Result<Self> {
        let mut plan = Self { chains: chains(store, 0)?, ..Self::default() };
        let images = plan.add_images(store)?;
        plan.add_layers(store, &images)?;
        plan.add_blobs(store, &images)?;
        plan.add_mounts(store)?;
        plan.add_logs(store, options)?;
        for (directory, what) in [(STAT_CACHES, "stat cache"), (FACTS, "scan of")] {
            for name in store.names_in(directory)? {
                let path = store.layout().directory(directory).join(&name);
                plan.add(Kind::Metadata, format!("{what} {name}"), Target::Note, path);
            }
        }
        plan.candidates.sort_by(|a, b| (a.last_use, a.rank, &a.name).cmp(&(b.last_use, b.rank, &b.name)));
        Ok(plan)
    }

    fn add(&mut self, kind: Kind, name: String, target: Target, path: PathBuf) {
        let last_use = modified(&path);
        self.candidates.push(Candidate {
            kind,
            name,
            target,
            path: Some(path),
            last_use,
            rank: (2, 0),
            images: Vec::new(),
        });
    }

    fn add_images(&mut self, store: &Store) -> Result<Parts> {
        let last_uses: HashMap<String, i64> = store.database().read("list the images", |connection| {
            connection
                .prepare_cached("SELECT name, last_use FROM images")?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })?;
        let mut parts = Parts::default();
        self.images = store.images()?;
        for (number, image) in self.images.iter().enumerate() {
            let found = store.image_parts(&image.target)?;
            let last_use = last_uses.get(&image.name).copied().unwrap_or(image.updated.seconds);
            for digest in found.blobs {
                parts.blobs.entry(digest).or_default().push(number);
            }
            for diff_id in found.diff_ids {
                parts.diff_ids.entry(diff_id).or_default().push(number);
            }
            parts.last_uses.push(last_use);
            self.candidates.push(Candidate {
                kind: Kind::Image,
                name: image.name.clone(),
                target: Target::Image(Box::new(image.target.clone())),
                path: None,
                last_use,
                rank: (0, number),
                images: Vec::new(),
            });
        }
        Ok(parts)
    }

    fn add_layers(&mut self, store: &Store, parts: &Parts) -> Result<()> {
        let rows: HashMap<String, i64> = store.database().read("list the layers", |connection| {
            connection
                .prepare_cached("SELECT id, last_use FROM layers")?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })?;
        let mut last_uses: BTreeMap<LayerId, i64> = BTreeMap::new();
        for name in store.names_in(LAYERS)? {
            let Ok(id) = LayerId::new(&name) else { continue };
            let last_use = rows.get(&name).copied();
            let last_use = last_use.unwrap_or_else(|| modified(&store.layer_directory(&id)));
            last_uses.insert(id, last_use);
        }
        let mut images: BTreeMap<LayerId, BTreeSet<usize>> = BTreeMap::new();
        for (diff_id, users) in &parts.diff_ids {
            for layer in store.layers_of(diff_id)? {
                let Some(last_use) = last_uses.get_mut(&layer) else { continue };
                *last_use = users.iter().map(|user| parts.last_uses[*user]).fold(*last_use, i64::max);
                images.entry(layer).or_default().extend(users);
            }
        }
        // Using a layer means using everything below it.
        let mut depths: BTreeMap<LayerId, usize> = BTreeMap::new();
        let (own_last_uses, own_images) = (last_uses.clone(), images.clone());
        for chain in &self.chains {
            let mut above = chain.last_use;
            let mut users = BTreeSet::new();
            for (depth, layer) in chain.layers.iter().enumerate().rev() {
                let Some(last_use) = last_uses.get_mut(layer) else { continue };
                above = above.max(own_last_uses[layer]);
                *last_use = above.max(*last_use);
                users.extend(own_images.get(layer).into_iter().flatten().copied());
                if !users.is_empty() {
                    images.entry(layer.clone()).or_default().extend(&users);
                }
                let known = depths.entry(layer.clone()).or_default();
                *known = depth.max(*known);
            }
        }
        for (id, last_use) in last_uses {
            self.candidates.push(Candidate {
                kind: Kind::Layer,
                name: id.to_string(),
                path: Some(store.layer_directory(&id)),
                last_use,
                rank: (1, usize::MAX - depths.get(&id).copied().unwrap_or(0)),
                images: images.remove(&id).unwrap_or_default().into_iter().collect(),
                target: Target::Layer(id),
            });
        }
        Ok(())
    }

    fn add_blobs(&mut self, store: &Store, parts: &Parts) -> Result<()> {
        let rows: HashMap<Digest, i64> = store.database().read("list the blobs", |connection| {
            connection
                .prepare_cached("SELECT digest, last_use FROM blobs")?
                .query_map([], |row| Ok((row.get::<_, Raw>(0)?.0, row.get(1)?)))?
                .collect()
        })?;
        for name in store.names_in(&format!("{BLOBS}/sha256"))? {
            let Ok(digest) = Digest::from_hex(&name) else { continue };
            let path = store.layout().blob(&digest);
            let images = parts.blobs.get(&digest).cloned().unwrap_or_default();
            let own = rows.get(&digest).copied().unwrap_or_else(|| modified(&path));
            let last_use = images.iter().map(|user| parts.last_uses[*user]).fold(own, i64::max);
            self.candidates.push(Candidate {
                kind: Kind::Blob,
                name: digest.to_string(),
                target: Target::Blob(digest),
                path: Some(path),
                last_use,
                rank: (2, 0),
                images,
            });
        }
        for name in store.names_in(&format!("{BLOBS}/partial"))? {
            let Ok(digest) = Digest::from_hex(&name) else { continue };
            let path = store.layout().partial(&digest);
            self.add(Kind::Blob, format!("{digest} (incomplete)"), Target::Partial(digest), path);
        }
        Ok(())
    }

    fn add_mounts(&mut self, store: &Store) -> Result<()> {
        for directory in store.names_in(MOUNTS)? {
            let folder = format!("{MOUNTS}/{directory}");
            let path = store.layout().directory(&folder);
            let label = path.join(NAME);
            let id = fs::read(&label)
                .map_or_else(|_| directory.clone(), |id| String::from_utf8_lossy(&id).into_owned());
            for slot in store.names_in(&folder)?.into_iter().filter(|name| name != NAME) {
                let place = path.join(&slot);
                let target = Target::MountSlot { directory: directory.clone(), slot };
                self.add(Kind::CacheMount, id.clone(), target, place);
                let last = self.candidates.last_mut().expect("one was just added");
                last.last_use = modified(&label);
            }
        }
        Ok(())
    }

    fn add_logs(&mut self, store: &Store, options: &PruneOptions) -> Result<()> {
        let newest = if options.all { i64::MAX } else { Timestamp::now().seconds - LOGS_KEPT };
        for name in store.names_in(LOGS)? {
            let Ok(id) = BuildId::new(&name) else { continue };
            let path = store.layout().logs(&id);
            if modified(&path) <= newest {
                self.add(Kind::Log, name, Target::Log(id), path);
            }
        }
        Ok(())
    }
}

/// What the images with a name consist of, each with the images that need it.
#[derive(Debug, Default)]
struct Parts {
    blobs: BTreeMap<Digest, Vec<usize>>,
    diff_ids: BTreeMap<DiffId, Vec<usize>>,
    last_uses: Vec<i64>,
}

/// The chains of the results that were recorded after the given row.
pub(super) fn chains(store: &Store, after: i64) -> Result<Vec<Chain>> {
    store.database().read("list the results", |connection| {
        connection
            .prepare_cached("SELECT id, base, layer, last_use, row FROM results WHERE row > ?1")?
            .query_map([after], |row| {
                let Json(mut layers): Json<Vec<LayerId>> = row.get(1)?;
                if row.get_ref(2)? != rusqlite::types::ValueRef::Null {
                    layers.push(crate::records::id(row, 2)?);
                }
                Ok(Chain { row: row.get(4)?, result: row.get(0)?, layers, last_use: row.get(3)? })
            })?
            .collect()
    })
}

/// Counts what removing things frees: the blocks of a file only once all its names are gone.
#[derive(Debug, Default)]
pub(super) struct Reclaim {
    links: HashMap<(u64, u64), u64>,
}

impl Reclaim {
    /// The bytes that removing this path frees, when everything that was counted before is removed too.
    pub(super) fn count(&mut self, path: &Path) -> Result<u64> {
        let mut bytes = 0;
        let links = &mut self.links;
        walk(path, &mut |stat| {
            let directory =
                rustix::fs::FileType::from_raw_mode(stat.st_mode) == rustix::fs::FileType::Directory;
            if directory || stat.st_nlink < 2 {
                bytes += allocated(stat);
                return;
            }
            let seen = links.entry((stat.st_dev, stat.st_ino)).or_default();
            *seen += 1;
            #[allow(clippy::useless_conversion, reason = "32 bits on some architectures")]
            let links = u64::from(stat.st_nlink);
            if *seen == links {
                bytes += allocated(stat);
            }
        })
        .map(|_unreadable| bytes)
    }
}
