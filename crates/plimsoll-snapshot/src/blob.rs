//! Blobs of layers.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};

use plimsoll_layer::{
    Compression, DirectoryContent, Entry, LayerBlobWriter, TarOptions, estargz_toc, write_layer_blob,
};
use plimsoll_oci::{Descriptor, DiffId, Digest};
use plimsoll_store::{BlobRecord, LayerId};

use crate::snapshots::diff_id;
use crate::{SnapshotError, Snapshots};

/// The digest of an eStargz layer's table of contents (estargz.md, "eStargz Verification").
const TOC_DIGEST: &str = "containerd.io/snapshot/stargz/toc.digest";
/// The size of an eStargz layer's tar in bytes.
const UNCOMPRESSED_SIZE: &str = "io.containers.estargz.uncompressed-size";

/// What the bytes of a blob depend on besides its layer.
#[derive(Clone, Copy, Debug, Default)]
pub struct BlobOptions {
    /// How it is compressed.
    pub compression: Compression,
    /// Later times are written as this one, in seconds since 1970 (`SOURCE_DATE_EPOCH`).
    pub epoch: Option<i64>,
    /// Layers of base images are compressed so too, and do not keep the blobs that they came with.
    pub force: bool,
}

impl BlobOptions {
    fn variant(&self) -> String {
        let epoch = self.epoch.map_or_else(|| "none".to_owned(), |epoch| epoch.to_string());
        format!("{}|epoch={epoch}|xattrs=capabilities", self.compression.identity())
    }
}

impl Snapshots {
    /// The name of a layer's blob, if one is known; its bytes may be elsewhere.
    pub fn blob_descriptor(&self, layer: &LayerId) -> Result<Option<Descriptor>, SnapshotError> {
        if let Some(diff_id) = diff_id(layer) {
            if let Some(descriptor) = self.store.base_layer(&diff_id)? {
                return Ok(Some(descriptor));
            }
            let blob = self.store.layer_blobs(&diff_id)?.into_iter().next();
            return Ok(blob.map(|blob| Descriptor::new(blob.media_type, blob.digest, blob.size)));
        }
        // A blob with other times would not give back the same layer.
        let record = self.store.layer_blob(layer, &BlobOptions::default().variant())?;
        Ok(record.map(|record| Descriptor::new(record.media_type, record.digest, record.size)))
    }

    /// The blob of a layer that this store's builds made, written if it is not there; none if the layer is gone.
    ///
    /// A layer of a base image keeps the blob that it came with, unless another compression is forced on it.
    pub fn blob(&self, layer: &LayerId, options: BlobOptions) -> Result<Option<BlobRecord>, SnapshotError> {
        if let Some(diff_id) = diff_id(layer)
            && let Some(descriptor) = self.blob_descriptor(layer)?
        {
            let keeps = !options.force || is_compressed_so(&descriptor, options.compression);
            if !keeps && !options.compression.changes_tar() {
                return self.recompressed(layer, diff_id, options.compression);
            }
            if !keeps {
                return self.written(layer, BlobOptions { epoch: None, ..options });
            }
            return Ok(Some(BlobRecord {
                diff_id,
                digest: descriptor.digest,
                size: descriptor.size,
                uncompressed_size: 0,
                media_type: descriptor.media_type,
            }));
        }
        self.written(layer, options)
    }

    /// The blob of a layer, written from its files.
    fn written(&self, layer: &LayerId, options: BlobOptions) -> Result<Option<BlobRecord>, SnapshotError> {
        let variant = options.variant();
        if let Some(record) = self.store.layer_blob(layer, &variant)?
            && self.store.protect_blobs(&[record.digest])?
        {
            return Ok(Some(record));
        }
        if self.materialise(std::slice::from_ref(layer))?.is_some() {
            return Ok(None);
        }
        let content = self.content_name(layer)?;
        if let Some(content) = &content
            && let Some(record) = self.store.layer_blob(content, &variant)?
            && self.store.protect_blobs(&[record.digest])?
        {
            self.store.record_layer_blob(layer, &variant, &record)?;
            return Ok(Some(record));
        }
        let Some(index) = self.index(layer)? else { return Ok(None) };
        if !self.options.may_unpack {
            return Err(SnapshotError::NeedsNamespace);
        }
        let path = self.store.layer_fs(layer);
        let files = DirectoryContent::open(&path).map_err(|source| SnapshotError::Io { path, source })?;
        let mut open = |entry: &Entry| -> std::io::Result<Box<dyn Read>> { files.content(entry) };
        self.ensure_room(index.content_size())?;
        let mut writer = self.store.blob_writer()?.digested_by_caller();
        // Other builders keep no other attributes in the layers they write, and readers expect none.
        let tar = TarOptions { clamp: options.epoch, only_capabilities: true, ..TarOptions::default() };
        let written =
            write_layer_blob(&index, &mut open, tar, options.compression, self.options.threads, &mut writer)
                .map_err(|source| SnapshotError::Layer { layer: layer.clone(), source })?;
        writer.commit_as(&written.digest)?;
        let record = BlobRecord {
            diff_id: written.diff_id,
            digest: written.digest,
            size: written.size,
            uncompressed_size: written.uncompressed_size,
            media_type: written.media_type.to_owned(),
        };
        for name in [layer].into_iter().chain(&content) {
            self.store.record_layer_blob(name, &variant, &record)?;
        }
        Ok(Some(record))
    }

    /// The same tar in another compression.
    fn recompressed(
        &self,
        layer: &LayerId,
        diff_id: DiffId,
        compression: Compression,
    ) -> Result<Option<BlobRecord>, SnapshotError> {
        let variant = BlobOptions { compression, ..BlobOptions::default() }.variant();
        if let Some(record) = self.store.layer_blob(layer, &variant)?
            && self.store.protect_blobs(&[record.digest])?
        {
            return Ok(Some(record));
        }
        let Some(blob) = self.local_blob(layer)? else { return Ok(None) };
        self.ensure_room(blob.size.saturating_mul(3))?;
        let mut tar = self.open_tar(layer, &blob)?;
        let mut blob_writer = self.store.blob_writer()?;
        let mut writer = LayerBlobWriter::new(&mut blob_writer, compression, self.options.threads);
        let failed = |source| SnapshotError::Io { path: self.store.blob_path(&blob.digest), source };
        io::copy(&mut tar, &mut writer).map_err(failed)?;
        tar.check(layer, &blob.digest)?;
        let (_, written) =
            writer.finish().map_err(|source| SnapshotError::Layer { layer: layer.clone(), source })?;
        blob_writer.commit(Some(&written.digest))?;
        let record = BlobRecord {
            diff_id,
            digest: written.digest,
            size: written.size,
            uncompressed_size: written.uncompressed_size,
            media_type: written.media_type.to_owned(),
        };
        self.store.record_layer_blob(layer, &variant, &record)?;
        Ok(Some(record))
    }

    /// What readers that fetch parts of a layer must find beside its name in a manifest.
    pub fn blob_annotations(
        &self,
        layer: &LayerId,
        blob: &BlobRecord,
        options: BlobOptions,
    ) -> Result<BTreeMap<String, String>, SnapshotError> {
        if let Some(known) = self.blob_descriptor(layer)?.filter(|known| known.digest == blob.digest)
            && !known.annotations.is_empty()
        {
            let kept = [TOC_DIGEST, UNCOMPRESSED_SIZE];
            return Ok(known
                .annotations
                .into_iter()
                .filter(|(name, _)| kept.contains(&name.as_str()))
                .collect());
        }
        let is_base = diff_id(layer).is_some() && !options.force;
        if !matches!(options.compression, Compression::Estargz { .. }) || is_base {
            return Ok(BTreeMap::new());
        }
        let path = self.store.blob_path(&blob.digest);
        let toc = File::open(&path).and_then(|mut file| estargz_toc(&mut file));
        let toc = toc.map_err(|source| SnapshotError::Io { path, source })?;
        Ok(BTreeMap::from([
            (TOC_DIGEST.to_owned(), Digest::of(&toc).to_string()),
            (UNCOMPRESSED_SIZE.to_owned(), blob.uncompressed_size.to_string()),
        ]))
    }
}

/// Whether a base image's layer is compressed as wanted. Levels are not compared: a blob does not tell its own.
fn is_compressed_so(blob: &Descriptor, wanted: Compression) -> bool {
    let has = blob.media_type.as_str();
    let is_stargz = blob.annotations.contains_key(TOC_DIGEST);
    match wanted {
        Compression::Gzip { .. } => has.ends_with("gzip") && !is_stargz,
        Compression::Estargz { .. } => is_stargz,
        Compression::Zstd { .. } => has.ends_with("zstd"),
        Compression::None => has.ends_with("tar"),
    }
}
