//! File-system states: stacks of layers, and how their indexes, directories and blobs are had from one another.
//!
//! A layer is known by its id. Of a known layer there may be three things in the store: an unpacked directory with
//! its index, a blob, or nothing. [`Snapshots`] gets what is asked for from what is there: an index from a
//! directory or by streaming the blob once, a directory by unpacking, a blob by compressing, and the blob of a base
//! image's layer from where [`BlobFetcher`] finds it. What cannot be had is [`None`], which is no error: the step
//! that made it runs again.

mod blob;
mod error;
mod snapshots;

pub use blob::BlobOptions;
pub use error::SnapshotError;
pub use snapshots::{BlobFetcher, FetchError, NoFetcher, SnapshotOptions, Snapshots};
