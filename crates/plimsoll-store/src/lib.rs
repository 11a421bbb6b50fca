//! Blobs, metadata, leases and prune.
