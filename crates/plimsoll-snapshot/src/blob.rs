//! Blobs of layers.

use std::io::Read;

use plimsoll_layer::{Compression, DirectoryContent, Entry, TarOptions, write_layer_blob};
use plimsoll_oci::Descriptor;
use plimsoll_store::{BlobRecord, LayerId};

use crate::snapshots::diff_id;
use crate::{SnapshotError, Snapshots};

/// What the bytes of a blob depend on besides its layer.
#[derive(Clone, Copy, Debug, Default)]
pub struct BlobOptions {
    /// How it is compressed.
    pub compression: Compression,
    /// Later times are written as this one, in seconds since 1970 (`SOURCE_DATE_EPOCH`).
    pub epoch: Option<i64>,
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
    /// A layer of a base image keeps the blob that it came with.
    pub fn blob(&self, layer: &LayerId, options: BlobOptions) -> Result<Option<BlobRecord>, SnapshotError> {
        if let Some(diff_id) = diff_id(layer)
            && let Some(descriptor) = self.blob_descriptor(layer)?
        {
            return Ok(Some(BlobRecord {
                diff_id,
                digest: descriptor.digest,
                size: descriptor.size,
                uncompressed_size: 0,
                media_type: descriptor.media_type,
            }));
        }
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
        let mut writer = self.store.blob_writer()?;
        // Other builders keep no other attributes in the layers they write, and readers expect none.
        let tar = TarOptions { clamp: options.epoch, only_capabilities: true };
        let written =
            write_layer_blob(&index, &mut open, tar, options.compression, self.options.threads, &mut writer)
                .map_err(|source| SnapshotError::Layer { layer: layer.clone(), source })?;
        writer.commit(Some(&written.digest))?;
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
}
