//! Opening and creating a store, and what one handle keeps in memory.
//!
//! A store belongs to one user and one id mapping. Both are recorded when it is created, as seen from outside any user
//! namespace, so that a plain user who walks keys and that user's copy inside a namespace use the same store.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use serde::{Deserialize, Serialize};

use crate::database::Database;
use crate::durability::{Boot, Durability};
use crate::error::{Error, IoContext as _, Result};
use crate::id::random_text;
use crate::layout::{self, Layout};
use crate::lease::Session;
use crate::limit::StoreLimits;
use crate::time::Timestamp;

/// The format of the directories; the folder names carry the versions of their contents.
const FORMAT_VERSION: u32 = 0;

/// A last use younger than this many seconds is not written again.
const TOUCH_INTERVAL: i64 = 3600;

/// Which extended attributes overlayfs uses in the unpacked layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum XattrNamespace {
    /// `trusted.overlay.*`: mounted by root.
    Trusted,
    /// `user.overlay.*`: mounted with `userxattr`.
    User,
}

/// Whose store it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The user id outside of any user namespace.
    pub uid: u32,
    /// The id mapping that files of layers are written with, as a text that is equal for equal mappings.
    pub id_map: String,
    /// How layers are mounted by this caller; not recorded for the store but for each layer.
    pub xattr_namespace: XattrNamespace,
}

/// The description of a store, in `format.json`.
#[derive(Debug, Serialize, Deserialize)]
struct Format {
    #[serde(rename = "format")]
    version: u32,
    #[serde(default)]
    uid: u32,
    #[serde(default)]
    id_map: String,
}

/// A table whose rows have a last use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Table {
    Results,
    Keys,
    Selections,
    Layers,
    LayerBlobs,
    BaseLayers,
    Blobs,
    BlobSources,
    Images,
    Sources,
}

impl Table {
    fn touch_statement(self) -> &'static str {
        match self {
            Self::Results => "UPDATE results SET last_use = ?1 WHERE row = ?2",
            Self::Keys => "UPDATE keys SET last_use = ?1 WHERE row = ?2",
            Self::Selections => "UPDATE selections SET last_use = ?1 WHERE row = ?2",
            Self::Layers => "UPDATE layers SET last_use = ?1 WHERE row = ?2",
            Self::LayerBlobs => "UPDATE layer_blobs SET last_use = ?1 WHERE row = ?2",
            Self::BaseLayers => "UPDATE base_layers SET last_use = ?1 WHERE row = ?2",
            Self::Blobs => "UPDATE blobs SET last_use = ?1 WHERE row = ?2",
            Self::BlobSources => "UPDATE blob_sources SET last_use = ?1 WHERE row = ?2",
            Self::Images => "UPDATE images SET last_use = ?1 WHERE row = ?2",
            Self::Sources => "UPDATE sources SET last_use = ?1 WHERE row = ?2",
        }
    }
}

/// An open store. Clones are handles of the same store and cheap; all methods may be called from several threads.
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    layout: Layout,
    owner: Owner,
    database: Arc<Database>,
    touched: Mutex<BTreeSet<(Table, i64)>>,
    session: Mutex<Option<Arc<Session>>>,
    boot: OnceLock<Boot>,
    durability: Durability,
    // What neither layers nor blobs take, measured once.
    rest_bytes: Mutex<Option<u64>>,
    limits: OnceLock<StoreLimits>,
}

impl Store {
    /// Opens the store in `root`, and creates it if nothing is there yet.
    ///
    /// Takes well below a millisecond when the store exists. Refuses a store of another user or another id mapping, one of
    /// a newer format, and a directory with other contents.
    pub fn open(root: &Path, owner: Owner) -> Result<Self> {
        let root = std::path::absolute(root).on("find", root)?;
        let layout = Layout::new(root);
        match Format::read(&layout)? {
            Some(format) => format.check(&layout, &owner)?,
            None => create(&layout, &owner)?,
        }
        let database = match Database::open(&layout.database())? {
            Some(database) => database,
            None => recreate_database(&layout)?,
        };
        Ok(Self {
            inner: Arc::new(Inner {
                layout,
                owner,
                database: Arc::new(database),
                touched: Mutex::default(),
                session: Mutex::default(),
                boot: OnceLock::new(),
                durability: Durability::default(),
                rest_bytes: Mutex::default(),
                limits: OnceLock::new(),
            }),
        })
    }

    /// The directory of the store.
    pub fn root(&self) -> &Path {
        self.inner.layout.root()
    }

    /// Whose store it is.
    pub fn owner(&self) -> &Owner {
        &self.inner.owner
    }

    /// A new empty directory on the store's file system, removed at the latest after this process has ended.
    pub fn temporary_directory(&self) -> Result<PathBuf> {
        let path = self.session()?.directory().join(format!("work-{}", random_text()?));
        layout::make_directory(&path)?;
        Ok(path)
    }

    /// Writes the last uses that were collected so far, in one transaction; does nothing if there are none.
    pub fn flush(&self) -> Result<()> {
        self.inner.flush()
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.inner.layout
    }

    pub(crate) fn database(&self) -> &Arc<Database> {
        &self.inner.database
    }

    pub(crate) fn durability(&self) -> &Durability {
        &self.inner.durability
    }

    pub(crate) fn rest_bytes(&self) -> MutexGuard<'_, Option<u64>> {
        self.inner.rest_bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn limit_cell(&self) -> &OnceLock<StoreLimits> {
        &self.inner.limits
    }

    pub(crate) fn boot(&self) -> &Boot {
        self.inner.boot.get_or_init(Boot::current)
    }

    /// Notes that a row was used, unless its last use is recent.
    pub(crate) fn touch(&self, table: Table, row: i64, last_use: i64) {
        let age = Timestamp::now().seconds - last_use;
        if !(0..TOUCH_INTERVAL).contains(&age) {
            let mut touched = self.inner.touched.lock().unwrap_or_else(PoisonError::into_inner);
            touched.insert((table, row));
        }
    }

    /// This handle's lease and temporary directory, made at the first need.
    pub(crate) fn session(&self) -> Result<Arc<Session>> {
        let mut session = self.inner.session.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = &*session {
            return Ok(Arc::clone(session));
        }
        let new = Arc::new(Session::create(&self.inner.layout)?);
        *session = Some(Arc::clone(&new));
        Ok(new)
    }
}

impl Inner {
    fn flush(&self) -> Result<()> {
        let touched = std::mem::take(&mut *self.touched.lock().unwrap_or_else(PoisonError::into_inner));
        if touched.is_empty() {
            return Ok(());
        }
        let now = Timestamp::now().seconds;
        self.database.write("record last uses", |transaction| {
            for (table, row) in &touched {
                transaction.prepare_cached(table.touch_statement())?.execute((now, row))?;
            }
            Ok(())
        })
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // A last use that is lost costs at most an early removal by prune.
        let _flushed = self.flush();
    }
}

impl Format {
    fn read(layout: &Layout) -> Result<Option<Self>> {
        let path = layout.format();
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.on("read", &path)?,
        };
        serde_json::from_slice(&bytes).map(Some).map_err(|source| Error::MalformedFormat { path, source })
    }

    fn check(&self, layout: &Layout, owner: &Owner) -> Result<()> {
        let path = || layout.root().to_owned();
        if self.version > FORMAT_VERSION {
            return Err(Error::NewerFormat { path: path(), found: self.version, known: FORMAT_VERSION });
        }
        if self.uid != owner.uid {
            return Err(Error::OtherUser { path: path(), owner: self.uid, caller: owner.uid });
        }
        if self.id_map != owner.id_map {
            return Err(Error::OtherIdMap {
                path: path(),
                recorded: self.id_map.clone(),
                current: owner.id_map.clone(),
            });
        }
        Ok(())
    }
}

/// Locks the root directory itself, which needs no file that could be in the way.
fn creation_lock(layout: &Layout) -> Result<File> {
    let root = File::open(layout.root()).on("open", layout.root())?;
    root.lock().on("lock", layout.root())?;
    Ok(root)
}

/// Creates the store, unless another process did while this one waited; the description comes last.
fn create(layout: &Layout, owner: &Owner) -> Result<()> {
    layout::make_directory(layout.root())?;
    let _lock = creation_lock(layout)?;
    if let Some(format) = Format::read(layout)? {
        return format.check(layout, owner);
    }
    for entry in fs::read_dir(layout.root()).on("list", layout.root())? {
        let name = entry.on("list", layout.root())?.file_name();
        let name = name.to_string_lossy();
        let scratch = name.starts_with(layout::FORMAT) || name.starts_with(layout::DATABASE);
        if !scratch && name != "lost+found" && !layout::DIRECTORIES.contains(&&*name) {
            return Err(Error::NotAStore { path: layout.root().to_owned(), entry: name.into_owned() });
        }
    }
    layout.create_directories()?;
    Database::create(&layout.database())?;
    let format = Format { version: FORMAT_VERSION, uid: owner.uid, id_map: owner.id_map.clone() };
    let bytes = serde_json::to_vec(&format).expect("numbers and texts can be written as JSON");
    let scratch = layout.directory(&format!("{}.{}", layout::FORMAT, random_text()?));
    layout::write_by_rename(&scratch, &layout.format(), &bytes)
}

/// A store without its database (somebody removed it) starts with an empty one: everything else is then an orphan.
fn recreate_database(layout: &Layout) -> Result<Database> {
    let _lock = creation_lock(layout)?;
    Database::create(&layout.database())?;
    Database::open(&layout.database())?.ok_or_else(|| Error::Io {
        action: "create the database",
        path: layout.database(),
        source: io::Error::from(io::ErrorKind::NotFound),
    })
}
