//! Changesets: their index, their tar, their compression and their unpacked directories.
//!
//! A *changeset* is what one layer adds, changes and removes. It exists in three forms, and this crate turns each
//! into the others: a tar stream (`read_layer`, `write_tar`), a directory that overlayfs can use as a lower one
//! (`unpack`, `scan_upper`), and an index of every header field (`LayerIndex`). The index is the truth: what a
//! disk cannot express (owners without subordinate ids, device nodes, clamped times) is still in it.
//!
//! Several indexes, bottom first, make a `ChainIndex`, which answers what a path means in the merged file system
//! without any file having been unpacked. Nothing here knows of a store: everything takes directories, readers
//! and writers.

mod archive;
mod archive_read;
mod beneath;
mod chain;
mod compression;
mod decompress;
mod digest;
mod entry;
mod error;
mod estargz;
mod holes;
mod index;
mod index_format;
mod path;
mod scan;
mod sparse;
mod tar_format;
mod tar_read;
mod tar_stream;
mod tar_write;
mod unpack;
mod users;
mod xattr;
mod xz;

pub use archive::{ArchiveFormat, detect, is_tar, open_archive};
pub use archive_read::read_archive;
pub use beneath::DirectoryContent;
pub use chain::{ChainIndex, Child, Found, ResolveError, Resolved};
pub use compression::{BlobWritten, Compression, LayerBlobWriter, write_layer_blob};
pub use decompress::decompress;
pub use digest::{SelectionItem, SelectionOwners, file_digest, reader_digest, selection_digest};
pub use entry::{Entry, Kind, Timestamp};
pub use error::LayerError;
pub use estargz::estargz_toc;
pub use holes::{copy_sparse, has_holes};
pub use index::{DecodeError, IndexBuilder, LayerIndex};
pub use scan::{ScanOptions, scan_upper};
pub use tar_read::{ENTRIES, LayerSink, Limits, ReadOptions, Whiteouts, index_only, read_layer};
pub use tar_write::{ContentSource, TarOptions, write_tar};
pub use unpack::{Owners, Unapplied, UnpackOptions, Unpacked, XattrNamespace, unpack};
pub use users::{UserFile, UserRecord, Users};
pub use xz::XzReader;
