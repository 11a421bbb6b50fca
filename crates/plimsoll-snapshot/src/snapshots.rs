//! Indexes and unpacked directories of layers.

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, File};
use std::io::{self, Read};
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use plimsoll_layer::{
    ChainIndex, LayerIndex, Limits, Owners, ReadOptions, UnpackOptions, XattrNamespace, decompress,
    index_only, unpack,
};
use plimsoll_oci::{Descriptor, DiffId, Digest, Hasher};
use plimsoll_store::{LayerId, LayerRecord, SourceRecord, Store, StoreLimits, Timestamp};

use crate::SnapshotError;

/// Why a blob could not be fetched.
pub type FetchError = Box<dyn std::error::Error + Send + Sync>;

/// Gets blobs that are not in the store from where they are known to be.
pub trait BlobFetcher: Send + Sync {
    /// Puts these blobs into the store, several at a time; false if nobody is known to have one of them.
    fn fetch(&self, blobs: &[Descriptor]) -> Result<bool, FetchError>;
}

/// Knows nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFetcher;

impl BlobFetcher for NoFetcher {
    fn fetch(&self, blobs: &[Descriptor]) -> Result<bool, FetchError> {
        Ok(blobs.is_empty())
    }
}

/// How this process works with layers.
#[derive(Clone, Copy, Debug)]
pub struct SnapshotOptions {
    /// How the disk keeps owners.
    pub owners: Owners,
    /// Which attributes overlayfs reads.
    pub xattr_namespace: XattrNamespace,
    /// Whether this process may touch unpacked layers: root, or the copy in the user namespace.
    pub may_unpack: bool,
    /// Threads for compression.
    pub threads: NonZeroUsize,
    /// How much the store may take.
    pub limits: StoreLimits,
}

/// The layers of one store, as one process sees them.
pub struct Snapshots {
    pub(crate) store: Store,
    pub(crate) options: SnapshotOptions,
    fetcher: Arc<dyn BlobFetcher>,
    indexes: Mutex<HashMap<LayerId, Arc<LayerIndex>>>,
}

impl Snapshots {
    /// The layers of a store.
    pub fn new(store: Store, options: SnapshotOptions, fetcher: Arc<dyn BlobFetcher>) -> Self {
        Self { store, options, fetcher, indexes: Mutex::default() }
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// How this process works with layers.
    pub fn options(&self) -> SnapshotOptions {
        self.options
    }

    /// What gets blobs that are not in the store.
    pub fn fetcher(&self) -> Arc<dyn BlobFetcher> {
        Arc::clone(&self.fetcher)
    }

    /// Makes sure that blobs are in the store and stay there; false if one of them cannot be had.
    pub fn ensure_blobs(&self, blobs: &[Descriptor]) -> Result<bool, SnapshotError> {
        let digests: Vec<Digest> = blobs.iter().map(|blob| blob.digest).collect();
        if self.store.protect_blobs(&digests)? {
            return Ok(true);
        }
        let mut absent: Vec<Descriptor> = Vec::new();
        for blob in blobs {
            if !self.store.has_blob(&blob.digest)? && !absent.iter().any(|other| other.digest == blob.digest)
            {
                absent.push(blob.clone());
            }
        }
        if let Some(first) = absent.first() {
            let blob = first.digest;
            self.fetcher.fetch(&absent).map_err(|source| SnapshotError::Fetch { blob, source })?;
        }
        Ok(self.store.protect_blobs(&digests)?)
    }

    /// Makes sure that so many more bytes may be written, before they are: what was not used for longest goes first.
    pub fn ensure_room(&self, bytes: u64) -> Result<(), SnapshotError> {
        self.store.make_room(&self.options.limits, bytes)?;
        Ok(())
    }

    /// The index of a stack of layers, bottom first; the error side names the first layer that cannot be had.
    pub fn chain(&self, layers: &[LayerId]) -> Result<Result<ChainIndex, usize>, SnapshotError> {
        let mut indexes = Vec::with_capacity(layers.len());
        for (place, layer) in layers.iter().enumerate() {
            match self.index(layer)? {
                Some(index) => indexes.push(index),
                None => return Ok(Err(place)),
            }
        }
        Ok(Ok(ChainIndex::new(indexes)))
    }

    /// The index of one layer.
    pub fn index(&self, layer: &LayerId) -> Result<Option<Arc<LayerIndex>>, SnapshotError> {
        let known = self.indexes.lock().unwrap_or_else(PoisonError::into_inner).get(layer).cloned();
        if known.is_some() {
            return Ok(known);
        }
        let index = match self.stored_index(layer)? {
            Some(index) => index,
            None => match self.streamed_index(layer)? {
                Some(index) => index,
                None => return Ok(None),
            },
        };
        Ok(Some(self.remember(layer, index)))
    }

    /// Keeps the index of a layer that was just made, so that nobody reads it again.
    pub fn remember(&self, layer: &LayerId, index: LayerIndex) -> Arc<LayerIndex> {
        let index = Arc::new(index);
        let mut indexes = self.indexes.lock().unwrap_or_else(PoisonError::into_inner);
        indexes.insert(layer.clone(), Arc::clone(&index));
        index
    }

    /// Bytes of a layer's files, if its index is at hand; nothing is fetched for it.
    pub fn unpacked_size(&self, layer: &LayerId) -> Result<Option<u64>, SnapshotError> {
        let known = self.indexes.lock().unwrap_or_else(PoisonError::into_inner).get(layer).cloned();
        let size = match known {
            Some(index) => Some(index.content_size()),
            None => self.stored_index(layer)?.map(|index| index.content_size()),
        };
        Ok(size)
    }

    fn stored_index(&self, layer: &LayerId) -> Result<Option<LayerIndex>, SnapshotError> {
        if self.store.layer_present(layer)? {
            let path = self.store.layer_index_path(layer);
            let bytes = fs::read(&path).map_err(|source| SnapshotError::Io { path, source })?;
            // An index that cannot be read is as good as none: the layer is unpacked or made again.
            return Ok(LayerIndex::decode(&bytes).ok());
        }
        let Some(record) = self.store.source(&index_name(layer))? else { return Ok(None) };
        if !self.store.has_blob(&record.digest)? {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        let path = self.store.blob_path(&record.digest);
        File::open(&path)
            .and_then(|mut file| file.read_to_end(&mut bytes))
            .map_err(|source| SnapshotError::Io { path, source })?;
        Ok(LayerIndex::decode(&bytes).ok())
    }

    /// Reads a layer's blob once, for its index alone, and keeps that.
    fn streamed_index(&self, layer: &LayerId) -> Result<Option<LayerIndex>, SnapshotError> {
        let Some(blob) = self.local_blob(layer)? else { return Ok(None) };
        let broken = |source| SnapshotError::Layer { layer: layer.clone(), source };
        let mut tar = self.open_tar(layer, &blob)?;
        let index = index_only(&mut tar, &ReadOptions::default()).map_err(broken)?;
        tar.check(layer, &blob.digest)?;
        let digest = self.store.put_blob(&index.encode())?;
        let record = SourceRecord { digest, resolved_at: Timestamp::now() };
        self.store.record_source(&index_name(layer), &record)?;
        Ok(Some(index))
    }

    /// Makes sure that all layers are unpacked and stay so; gives the place of the first one that cannot be had.
    pub fn materialise(&self, layers: &[LayerId]) -> Result<Option<usize>, SnapshotError> {
        if self.store.protect_layers(layers)? {
            return Ok(None);
        }
        if !self.options.may_unpack {
            return Err(SnapshotError::NeedsNamespace);
        }
        let mut absent = Vec::new();
        for layer in layers {
            if !self.store.layer_present(layer)?
                && let Some(blob) = self.blob_descriptor(layer)?
                && !self.store.has_blob(&blob.digest)?
            {
                absent.push(blob);
            }
        }
        if !absent.is_empty() {
            let blob = absent[0].digest;
            self.ensure_room(absent.iter().map(|blob| blob.size).sum())?;
            self.fetcher.fetch(&absent).map_err(|source| SnapshotError::Fetch { blob, source })?;
        }
        for (place, layer) in layers.iter().enumerate() {
            if !self.store.layer_present(layer)? && !self.unpack(layers, place)? {
                return Ok(Some(place));
            }
        }
        if self.store.protect_layers(layers)? {
            return Ok(None);
        }
        // Pruned between unpacking and protecting: whatever is gone now must be made again.
        for (place, layer) in layers.iter().enumerate() {
            if !self.store.layer_present(layer)? {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }

    fn unpack(&self, layers: &[LayerId], place: usize) -> Result<bool, SnapshotError> {
        let layer = &layers[place];
        let lock_name = Digest::of(format!("unpack {layer}"));
        let _lock = self.store.lock_key(&lock_name, &mut |_| ControlFlow::Continue(()))?;
        if self.store.layer_present(layer)? {
            return Ok(true);
        }
        let Some(blob) = self.local_blob(layer)? else { return Ok(false) };
        // What a layer unpacks to is not known before; three times its blob is what is usual.
        self.ensure_room(blob.size.saturating_mul(3))?;
        let below = self.chain(&layers[..place])?.ok();
        let draft = self.store.draft_layer()?;
        let options = UnpackOptions {
            owners: self.options.owners,
            xattr_namespace: self.options.xattr_namespace,
            limits: Limits::default(),
            base: below.as_ref(),
        };
        let mut tar = self.open_tar(layer, &blob)?;
        let unpacked = unpack(&mut tar, &draft.fs(), &options)
            .map_err(|source| SnapshotError::Layer { layer: layer.clone(), source })?;
        let diff_id = tar.check(layer, &blob.digest)?;
        let path = draft.index();
        fs::write(&path, unpacked.index.encode()).map_err(|source| SnapshotError::Io { path, source })?;
        let record = LayerRecord { diff_id: Some(diff_id), size_bytes: unpacked.index.content_size() };
        self.store.publish_layer(draft, layer, &record)?;
        self.remember(layer, unpacked.index);
        Ok(true)
    }

    /// The blob of a layer, brought into the store if it is not there.
    pub(crate) fn local_blob(&self, layer: &LayerId) -> Result<Option<Descriptor>, SnapshotError> {
        let Some(blob) = self.blob_descriptor(layer)? else { return Ok(None) };
        if !self.store.protect_blobs(&[blob.digest])? {
            let fetched = self.fetcher.fetch(std::slice::from_ref(&blob));
            let fetched = fetched.map_err(|source| SnapshotError::Fetch { blob: blob.digest, source })?;
            if !fetched || !self.store.protect_blobs(&[blob.digest])? {
                return Ok(None);
            }
        }
        Ok(Some(blob))
    }

    pub(crate) fn open_tar(&self, layer: &LayerId, blob: &Descriptor) -> Result<HashingTar, SnapshotError> {
        let path = self.store.blob_path(&blob.digest);
        let io = |source| SnapshotError::Io { path: path.clone(), source };
        let tar = decompress(Box::new(File::open(&path).map_err(io)?)).map_err(io)?;
        Ok(HashingTar { tar, hasher: Hasher::new(), expected: diff_id(layer) })
    }

    /// Inodes that the layers of a chain share with other layers by links.
    pub fn linked_inodes(&self, layers: &[LayerId]) -> Result<BTreeSet<u64>, SnapshotError> {
        let mut inodes = BTreeSet::new();
        for layer in layers {
            let path = self.store.layer_directory(layer).join(LINKS);
            match fs::read(&path) {
                Ok(bytes) => {
                    let numbers = bytes.chunks_exact(8).filter_map(|chunk| chunk.try_into().ok());
                    inodes.extend(numbers.map(u64::from_le_bytes));
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(SnapshotError::Io { path, source }),
            }
        }
        Ok(inodes)
    }

    /// What belongs beside a draft's files: its index, the inodes that it shares with other layers, and for copied files
    /// what decides their bytes together with the index.
    pub fn write_index(
        &self,
        draft: &plimsoll_store::LayerDraft,
        index: &LayerIndex,
        linked: &BTreeSet<u64>,
        copied: Option<&Digest>,
    ) -> Result<(), SnapshotError> {
        let write = |path: PathBuf, bytes: Vec<u8>| {
            fs::write(&path, bytes).map_err(|source| SnapshotError::Io { path, source })
        };
        let encoded = index.encode();
        if let Some(copied) = copied {
            let mut hasher = Hasher::new();
            hasher.field(copied.as_bytes());
            hasher.field(&encoded);
            write(draft.directory().join(CONTENT), hasher.finish().hex().into_bytes())?;
        }
        write(draft.index(), encoded)?;
        if linked.is_empty() {
            return Ok(());
        }
        write(draft.directory().join(LINKS), linked.iter().flat_map(|inode| inode.to_le_bytes()).collect())
    }

    /// The name under which blobs of layers with the same bytes are known, for a layer of copied files.
    ///
    /// A COPY that runs again because something below it changed writes the same layer again. Its blob is then known
    /// from the last time, and neither compressed nor digested anew.
    pub(crate) fn content_name(&self, layer: &LayerId) -> Result<Option<LayerId>, SnapshotError> {
        let path = self.store.layer_directory(layer).join(CONTENT);
        match fs::read_to_string(&path) {
            Ok(digits) => Ok(Some(LayerId::new(&format!("content-{digits}"))?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(SnapshotError::Io { path, source }),
        }
    }
}

/// The file beside a layer's index that names the content of copied files.
const CONTENT: &str = "content";

/// The file beside a layer's index that lists the inodes it shares with other layers.
const LINKS: &str = "links";

/// The diff id of an imported layer, which is its name; layers of executions have random names.
pub(crate) fn diff_id(layer: &LayerId) -> Option<DiffId> {
    Digest::from_hex(layer.as_str()).ok().map(DiffId)
}

fn index_name(layer: &LayerId) -> String {
    format!("layer-index:{layer}")
}

/// A tar that is hashed while it is read, because a blob's digest says nothing of what it unpacks to.
pub(crate) struct HashingTar {
    tar: Box<dyn Read + Send>,
    hasher: Hasher,
    expected: Option<DiffId>,
}

impl Read for HashingTar {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.tar.read(buffer)?;
        self.hasher.update(&buffer[..read]);
        Ok(read)
    }
}

impl HashingTar {
    /// Reads what is left and compares.
    pub(crate) fn check(mut self, layer: &LayerId, blob: &Digest) -> Result<DiffId, SnapshotError> {
        io::copy(&mut self, &mut io::sink())
            .map_err(|source| SnapshotError::Io { path: blob.to_string().into(), source })?;
        let found = DiffId(self.hasher.finish());
        match self.expected {
            Some(expected) if expected != found => {
                Err(SnapshotError::WrongDiffId { blob: *blob, expected: layer.clone() })
            }
            _ => Ok(found),
        }
    }
}
