//! What plimsoll keeps on disk: blobs, unpacked layers, metadata, cache mounts and logs, and how they go away again.
//!
//! Several processes share one store. Blobs and layers are immutable and put in place by rename; metadata lives in a
//! transactional database that all of them open. A build names what it uses in its lease ([`Store::protect_layers`]); prune respects
//! leases. Whatever a killed process leaves behind is either complete, or lies in the temporary directory of a lease that
//! nobody holds any more.
//!
//! Order of writing: bytes first, record second. So a record whose bytes are gone means *known but absent*, and bytes
//! without a record are an orphan that prune removes.

mod blob;
mod build;
mod cache_mount;
mod database;
mod durability;
mod error;
mod facts;
mod id;
mod layer;
mod layout;
mod lease;
mod limit;
mod lock;
mod prune;
mod records;
mod remove;
mod stat_cache;
mod store;
mod time;
mod usage;

pub use blob::{BlobReader, BlobWriter, PartialBlob};
pub use build::{BuildRecord, BuildStatus};
pub use cache_mount::{CacheMount, Sharing};
pub use error::{Error, Result};
pub use id::{BuildId, LayerId, ResultId};
pub use layer::{LayerDraft, LayerRecord, LayerStatus};
pub use limit::StoreLimits;
pub use lock::KeyLock;
pub use prune::{PruneOptions, PruneReport, PrunedItem};
pub use records::{BlobRecord, ImageRecord, KeyRecord, ResultRecord, SourceRecord};
pub use stat_cache::{FileStat, StatCache, StatCacheWriter};
pub use store::{Owner, Store, XattrNamespace};
pub use time::Timestamp;
pub use usage::{DfEntry, DfReport, Kind};
