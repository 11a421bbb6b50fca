//! Removing what is not needed, least recently used first.
//!
//! What an image with a name consists of, and what a running build has in its lease, is kept. A layer is never removed
//! before the layers above it. Removing happens in small batches: while the gate is closed, leases are read, things renamed
//! into the trash and their records deleted; the slow part, emptying the trash, comes after it.

mod apply;
mod plan;

pub use plan::{PruneOptions, PruneReport, PrunedItem};
