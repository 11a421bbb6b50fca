//! Blobs of layers that were written more than once.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::Arc;

use plimsoll_layer::{Entry, Kind, LayerIndex, Owners, XattrNamespace};
use plimsoll_oci::Digest;
use plimsoll_snapshot::{BlobOptions, NoFetcher, SnapshotOptions, Snapshots};
use plimsoll_store::{LayerId, LayerRecord, Owner, Store, StoreLimits};

fn snapshots(root: &std::path::Path) -> Snapshots {
    let owner =
        Owner { uid: 0, id_map: "test".to_owned(), xattr_namespace: plimsoll_store::XattrNamespace::User };
    let options = SnapshotOptions {
        owners: Owners::Recorded,
        xattr_namespace: XattrNamespace::User,
        may_unpack: true,
        threads: NonZeroUsize::MIN,
        limits: StoreLimits::default(),
    };
    Snapshots::new(Store::open(root, owner).unwrap(), options, Arc::new(NoFetcher))
}

/// A layer with one file, `text` on the disk, that was copied from files with the digest `copied`.
fn layer(snapshots: &Snapshots, text: &str, copied: Option<&str>) -> LayerId {
    let size = text.len() as u64;
    let index = LayerIndex::from_entries([Entry::new("file", Kind::File { size }, 0o644)]).unwrap();
    let draft = snapshots.store().draft_layer().unwrap();
    std::fs::write(draft.fs().join("file"), text).unwrap();
    let copied = copied.map(Digest::of);
    snapshots.write_index(&draft, &index, &BTreeSet::new(), copied.as_ref()).unwrap();
    let id = draft.id().clone();
    let record = LayerRecord { diff_id: None, size_bytes: size };
    snapshots.store().publish_layer(draft, &id, &record).unwrap();
    id
}

fn blob(snapshots: &Snapshots, layer: &LayerId) -> Digest {
    snapshots.blob(layer, BlobOptions::default()).unwrap().unwrap().digest
}

#[test]
fn a_copied_layer_that_was_written_before_is_not_read_again() {
    let directory = tempfile::tempdir().unwrap();
    let snapshots = snapshots(directory.path());
    let first = blob(&snapshots, &layer(&snapshots, "one", Some("content")));
    // Other bytes under the same name of content: whoever reads them gets another digest.
    let second = layer(&snapshots, "two", Some("content"));
    assert_eq!(blob(&snapshots, &second), first);
    assert_eq!(blob(&snapshots, &second), first);
}

#[test]
fn layers_of_other_content_or_of_none_are_written() {
    let directory = tempfile::tempdir().unwrap();
    let snapshots = snapshots(directory.path());
    let first = blob(&snapshots, &layer(&snapshots, "one", Some("content")));
    assert_ne!(blob(&snapshots, &layer(&snapshots, "two", Some("other content"))), first);
    assert_ne!(blob(&snapshots, &layer(&snapshots, "two", None)), first);
    // Equal content with another index is another layer.
    assert_ne!(blob(&snapshots, &layer(&snapshots, "longer", Some("content"))), first);
}

#[test]
fn a_blob_that_is_gone_is_written_again() {
    let directory = tempfile::tempdir().unwrap();
    let snapshots = snapshots(directory.path());
    let first = blob(&snapshots, &layer(&snapshots, "one", Some("content")));
    std::fs::remove_file(snapshots.store().blob_path(&first)).unwrap();
    assert_eq!(blob(&snapshots, &layer(&snapshots, "one", Some("content"))), first);
    assert!(snapshots.store().has_blob(&first).unwrap());
}
