//! Unpacked layers: `layers-v0/<id>/{fs,index,state}`.
//!
//! A layer is prepared as a draft in `tmp/`, with a `work` directory beside it as overlayfs needs, and published by rename.
//! The `state` file says when that was, and under which id mapping and overlay attributes; with others it counts as absent.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use plimsoll_oci::DiffId;
use rusqlite::OptionalExtension as _;
use serde::{Deserialize, Serialize};

use crate::Store;
use crate::database::{Raw, Size};
use crate::durability::Stamp;
use crate::error::{IoContext as _, Result};
use crate::id::{LayerId, random_text};
use crate::layout;
use crate::lease::Name;
use crate::lock::{FileLock, Mode};
use crate::records::id;
use crate::remove::remove_tree;
use crate::store::{Table, XattrNamespace};
use crate::time::Timestamp;

/// Whether a layer's directory can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayerStatus {
    /// It is complete.
    Present,
    /// It was put in place before the machine went down and may be damaged: compare it with its index, then call
    /// [`Store::confirm_layer`] or [`Store::discard_layer`].
    Unverified,
    /// It is not there, or was written under another id mapping or for other overlay attributes.
    Absent,
}

/// What is kept about a layer besides its directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LayerRecord {
    /// The digest of its uncompressed bytes, if it is known already.
    pub diff_id: Option<DiffId>,
    /// How many bytes it takes on disk, without files that are shared with other layers.
    pub size_bytes: u64,
}

/// The `state` file.
#[derive(Debug, Serialize, Deserialize)]
struct State {
    #[serde(flatten)]
    stamp: Stamp,
    id_map: String,
    xattr_namespace: XattrNamespace,
}

/// A layer that is being written. Dropping it removes it.
#[derive(Debug)]
pub struct LayerDraft {
    id: LayerId,
    directory: PathBuf,
    published: bool,
    // Keeps the lease alive, and with it the right to the directory.
    _store: Store,
}

impl LayerDraft {
    /// A random id, the right one for a layer that an execution writes.
    pub fn id(&self) -> &LayerId {
        &self.id
    }

    /// The directory that becomes the layer's; put `index` here before publishing.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The layer's files: overlayfs' upper directory. Empty at first, mode 0755.
    pub fn fs(&self) -> PathBuf {
        self.directory.join("fs")
    }

    /// Overlayfs' work directory, on the same file system; removed when publishing.
    pub fn work(&self) -> PathBuf {
        self.directory.join("work")
    }

    /// Where the index belongs.
    pub fn index(&self) -> PathBuf {
        self.directory.join("index")
    }
}

impl Drop for LayerDraft {
    fn drop(&mut self) {
        if !self.published {
            // What cannot be removed here is left to the sweep.
            let _removed = remove_tree(&self.directory);
        }
    }
}

impl Store {
    /// A new empty layer to be filled.
    pub fn draft_layer(&self) -> Result<LayerDraft> {
        let id = LayerId::random()?;
        let directory = self.session()?.directory().join(format!("layer-{id}"));
        layout::make_directory(&directory)?;
        let draft = LayerDraft { id, directory, published: false, _store: self.clone() };
        for path in [draft.fs(), draft.work()] {
            DirBuilder::new().mode(0o755).create(&path).on("create the directory", &path)?;
        }
        Ok(draft)
    }

    /// Puts a finished draft in place under the given id, and into this handle's lease.
    ///
    /// If somebody else published the same layer meanwhile, theirs is kept and the draft removed; the answer is then false.
    pub fn publish_layer(&self, mut draft: LayerDraft, id: &LayerId, record: &LayerRecord) -> Result<bool> {
        let work = draft.work();
        remove_tree(&work).on("remove", &work)?;
        let state = State {
            stamp: self.stamp(),
            id_map: self.owner().id_map.clone(),
            xattr_namespace: self.owner().xattr_namespace,
        };
        let path = draft.directory.join("state");
        let bytes = serde_json::to_vec(&state).expect("numbers and texts can be written as JSON");
        fs::write(&path, bytes).on("write", &path)?;

        // Two processes that both find a damaged layer must not take turns in replacing each other's.
        let lock = self.layout().lock(&format!("layer-{id}"));
        let what = || format!("layer `{id}`");
        let _lock = FileLock::acquire(&lock, Mode::Exclusive, true, &what, &mut |_| {
            std::ops::ControlFlow::Continue(())
        })?;
        let target = self.layout().layer(id);
        let ours = self.session()?.protect(&[Name::Layer(id)], || {
            if self.layer_status(id)? == LayerStatus::Present {
                return Ok(false);
            }
            self.discard(&target)?;
            fs::rename(&draft.directory, &target).on("put in place", &target)?;
            Ok(true)
        })?;
        draft.published = ours;
        self.session()?.present().insert(id.clone());
        self.database().write("record a layer", |transaction| {
            transaction
                .prepare_cached(
                    "INSERT INTO layers (id, diff_id, size, last_use) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (id) DO \
                     UPDATE SET diff_id = coalesce(?2, diff_id), size = CASE ?5 WHEN 0 THEN size ELSE ?3 END, \
                     last_use = ?4",
                )?
                .execute((
                    id.as_str(),
                    record.diff_id.as_ref().map(Raw::from),
                    Size(record.size_bytes),
                    Timestamp::now().seconds,
                    ours,
                ))?;
            Ok(())
        })?;
        Ok(ours)
    }

    /// The directory of a layer, whether it is there or not.
    pub fn layer_directory(&self, id: &LayerId) -> PathBuf {
        self.layout().layer(id)
    }

    /// The files of a layer: a lower directory of overlayfs.
    pub fn layer_fs(&self, id: &LayerId) -> PathBuf {
        self.layout().layer(id).join("fs")
    }

    /// The index of a layer, whether it is there or not.
    pub fn layer_index_path(&self, id: &LayerId) -> PathBuf {
        self.layout().layer(id).join("index")
    }

    /// Whether a layer can be used as it is. Put it into the lease with [`Store::protect_layers`] before using it.
    pub fn layer_present(&self, id: &LayerId) -> Result<bool> {
        Ok(self.layer_status(id)? == LayerStatus::Present)
    }

    /// Whether a layer can be used, and if not, why.
    pub fn layer_status(&self, id: &LayerId) -> Result<LayerStatus> {
        let path = self.layout().layer(id).join("state");
        let bytes = match fs::read(&path) {
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(LayerStatus::Absent);
            }
            other => other.on("read", &path)?,
        };
        // After a crash of the machine the file may be empty or full of zeros.
        let Ok(state) = serde_json::from_slice::<State>(&bytes) else { return Ok(LayerStatus::Absent) };
        let owner = self.owner();
        if state.id_map != owner.id_map || state.xattr_namespace != owner.xattr_namespace {
            return Ok(LayerStatus::Absent);
        }
        Ok(if self.trusts(&state.stamp)? { LayerStatus::Present } else { LayerStatus::Unverified })
    }

    /// Says that an unverified layer was compared with its index and is whole.
    pub fn confirm_layer(&self, id: &LayerId) -> Result<()> {
        let state = State {
            stamp: self.stamp(),
            id_map: self.owner().id_map.clone(),
            xattr_namespace: self.owner().xattr_namespace,
        };
        let bytes = serde_json::to_vec(&state).expect("numbers and texts can be written as JSON");
        let scratch = self.session()?.directory().join(format!("state-{}", random_text()?));
        layout::write_by_rename(&scratch, &self.layout().layer(id).join("state"), &bytes)
    }

    /// Removes a layer that turned out to be damaged; its results are then known but absent.
    pub fn discard_layer(&self, id: &LayerId) -> Result<()> {
        self.session()?.present().remove(id);
        self.discard(&self.layout().layer(id))?;
        self.empty_trash()?;
        Ok(())
    }

    /// What is on record about a layer, whether it is present or not.
    pub fn layer_record(&self, id: &LayerId) -> Result<Option<LayerRecord>> {
        self.database().read("look up a layer", |connection| {
            connection
                .prepare_cached("SELECT diff_id, size FROM layers WHERE id = ?1")?
                .query_row([id.as_str()], |row| {
                    let diff_id: Option<Raw> = row.get(0)?;
                    let diff_id = diff_id.map(|diff_id| DiffId(diff_id.0));
                    Ok(LayerRecord { diff_id, size_bytes: row.get::<_, Size>(1)?.0 })
                })
                .optional()
        })
    }

    /// The layers that were unpacked from this diff id, or written as it in some variant.
    pub(crate) fn layers_of(&self, diff_id: &DiffId) -> Result<Vec<LayerId>> {
        self.database().read("look up layers", |connection| {
            connection
                .prepare_cached(
                    "SELECT id FROM layers WHERE diff_id = ?1 UNION SELECT layer FROM layer_blobs WHERE diff_id = ?1",
                )?
                .query_map([Raw::from(diff_id)], |row| id(row, 0))?
                .collect()
        })
    }

    pub(crate) fn touch_layer(&self, id: &LayerId) -> Result<()> {
        let found: Option<(i64, i64)> = self.database().read("look up a layer", |connection| {
            connection
                .prepare_cached("SELECT row, last_use FROM layers WHERE id = ?1")?
                .query_row([id.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()
        })?;
        if let Some((row, last_use)) = found {
            self.touch(Table::Layers, row, last_use);
        }
        Ok(())
    }
}
