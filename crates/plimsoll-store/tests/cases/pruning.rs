//! Prune.

use std::collections::BTreeSet;
use std::fs;
use std::slice;
use std::time::Duration;

use plimsoll_oci::{DiffId, Digest};
use plimsoll_store::{BlobRecord, Kind, LayerId, LayerRecord, PruneOptions, PruneReport, Sharing, Store};

use super::{age_everything, image, layer, list, open, result, waiting};

fn names(report: &PruneReport, kind: Kind) -> Vec<&str> {
    report.items.iter().filter(|item| item.kind == kind).map(|item| item.name.as_str()).collect()
}

fn prune(store: &Store) -> PruneReport {
    store.prune(&PruneOptions::default()).unwrap()
}

#[test]
fn what_a_named_image_needs_is_kept_and_the_rest_goes() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let kept = image(&store, "app:1", &[1; 9000]);
    let diff_id = DiffId(Digest::of([1; 9000]));
    let below = layer(&store, b"below");
    let draft = store.draft_layer().unwrap();
    let unpacked = LayerId::imported(&diff_id);
    store.publish_layer(draft, &unpacked, &LayerRecord { diff_id: Some(diff_id), size_bytes: 0 }).unwrap();
    let chain = result(&store, "kept", slice::from_ref(&below), Some(&unpacked));
    let unused = layer(&store, b"unused");
    let gone = result(&store, "gone", &[], Some(&unused));
    let blob = store.put_blob(&[3; 9000]).unwrap();
    drop(store);

    let store = open(directory.path());
    let report = prune(&store);
    assert_eq!(names(&report, Kind::Layer), [unused.as_str()]);
    assert_eq!(names(&report, Kind::Blob), [blob.to_string()]);
    assert!(report.reclaimed_bytes >= 9000);
    assert!(store.protect_blobs(&kept).unwrap());
    assert!(store.pick_result(&chain).unwrap(), "the layers of the image, and those below them, are kept");
    assert!(store.results(&gone.key).unwrap().is_empty());
    assert!(!store.layer_directory(&unused).exists());
    assert!(list(&directory.path().join("trash")).is_empty());
}

#[test]
fn a_layer_that_was_written_into_a_named_image_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let id = layer(&store, b"made here");
    let [_, _, digest] = image(&store, "app:1", &[1; 9000]);
    let record = BlobRecord {
        diff_id: DiffId(Digest::of([1; 9000])),
        digest,
        size: 9000,
        uncompressed_size: 9000,
        media_type: "application/vnd.oci.image.layer.v1.tar+gzip".to_owned(),
    };
    store.record_layer_blob(&id, "gzip|4", &record).unwrap();
    drop(store);
    let store = open(directory.path());
    assert_eq!(prune(&store).items, []);
    assert!(store.layer_present(&id).unwrap());
    assert_eq!(store.layer_blob(&id, "gzip|4").unwrap(), Some(record));
}

#[test]
fn all_takes_images_with_everything_they_need() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let gone = image(&store, "app:1", &[1; 9000]);
    drop(store);
    let store = open(directory.path());
    let report = store.prune(&PruneOptions { all: true, ..PruneOptions::default() }).unwrap();
    assert_eq!(names(&report, Kind::Image), ["app:1"]);
    assert_eq!(names(&report, Kind::Blob).len(), 3);
    assert!(store.images().unwrap().is_empty());
    assert!(!store.protect_blobs(&gone).unwrap());
}

#[test]
fn an_image_that_is_used_keeps_its_old_blobs_from_an_unused_for_filter() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let blobs = image(&store, "app:1", &[1; 9000]);
    age_everything(directory.path(), 100_000);
    assert!(store.image("app:1").unwrap().is_some());
    drop(store);
    let store = open(directory.path());
    let options =
        PruneOptions { all: true, unused_for: Some(Duration::from_secs(50_000)), ..PruneOptions::default() };
    assert_eq!(store.prune(&options).unwrap().items, []);
    assert!(store.protect_blobs(&blobs).unwrap());
}

#[test]
fn a_dry_run_says_what_would_go_and_removes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let id = layer(&store, &[1; 9000]);
    drop(store);
    let store = open(directory.path());
    let dry = store.prune(&PruneOptions { dry_run: true, ..PruneOptions::default() }).unwrap();
    assert!(store.layer_present(&id).unwrap());
    let wet = prune(&store);
    assert_eq!((dry.items, dry.reclaimed_bytes), (wet.items, wet.reclaimed_bytes));
    assert!(!store.layer_present(&id).unwrap());
}

#[test]
fn a_lease_protects_and_its_end_releases() {
    let directory = tempfile::tempdir().unwrap();
    let builder = open(directory.path());
    let (below, above) = (layer(&builder, b"below"), layer(&builder, b"above"));
    let record = result(&builder, "step", slice::from_ref(&below), Some(&above));
    let blob = builder.put_blob(b"blob").unwrap();
    drop(builder);

    let builder = open(directory.path());
    assert!(builder.pick_result(&record).unwrap());
    assert!(builder.protect_blobs(&[blob]).unwrap());
    let pruner = open(directory.path());
    let report = prune(&pruner);
    assert_eq!(report.items, []);
    assert_eq!(report.in_use, 3);
    assert!(builder.layer_present(&below).unwrap() && builder.layer_present(&above).unwrap());

    drop(builder);
    assert_eq!(prune(&pruner).items.len(), 3);
    assert!(!pruner.pick_result(&record).unwrap());
}

#[test]
fn a_lease_on_an_upper_layer_keeps_those_below_it() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let (below, above) = (layer(&store, b"below"), layer(&store, b"above"));
    result(&store, "step", slice::from_ref(&below), Some(&above));
    drop(store);
    let builder = open(directory.path());
    assert!(builder.protect_layers(&[above]).unwrap());
    assert_eq!(prune(&open(directory.path())).items, []);
    assert!(builder.layer_present(&below).unwrap());
}

#[test]
fn the_least_recently_used_goes_first_and_never_below_one_that_stays() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let base = layer(&store, &vec![1; 400_000]);
    result(&store, "base", &[], Some(&base));
    let old = layer(&store, &vec![2; 400_000]);
    result(&store, "old", slice::from_ref(&base), Some(&old));
    age_everything(directory.path(), 100_000);
    let new = layer(&store, &vec![3; 400_000]);
    let kept = result(&store, "new", slice::from_ref(&base), Some(&new));
    drop(store);

    let store = open(directory.path());
    let total = store.df().unwrap().total_bytes;
    let keep = |bytes| PruneOptions { keep_storage_bytes: Some(bytes), ..PruneOptions::default() };
    let report = store.prune(&keep(total - 100_000)).unwrap();
    assert_eq!(names(&report, Kind::Layer), [old.as_str()]);
    assert!(store.df().unwrap().total_bytes <= total - 100_000);
    assert!(store.results(&kept.key).unwrap() == [kept]);
    assert_eq!(store.prune(&keep(total)).unwrap().items, []);
    let report = prune(&store);
    assert_eq!(names(&report, Kind::Layer), [new.as_str(), base.as_str()]);
}

#[test]
fn only_what_was_not_used_for_long_enough_and_is_of_the_kind_goes() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let (old_blob, old_layer) = (store.put_blob(b"old").unwrap(), layer(&store, b"old"));
    age_everything(directory.path(), 10_000);
    let (new_blob, new_layer) = (store.put_blob(b"new").unwrap(), layer(&store, b"new"));
    drop(store);
    let store = open(directory.path());
    let options = PruneOptions {
        unused_for: Some(Duration::from_secs(5000)),
        kinds: BTreeSet::from([Kind::Blob]),
        ..PruneOptions::default()
    };
    store.prune(&options).unwrap();
    assert!(!store.has_blob(&old_blob).unwrap());
    assert!(store.has_blob(&new_blob).unwrap());
    assert!(store.layer_present(&old_layer).unwrap() && store.layer_present(&new_layer).unwrap());
}

#[test]
fn files_that_layers_share_count_once_both_are_gone() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let one = layer(&store, &vec![1; 400_000]);
    let draft = store.draft_layer().unwrap();
    fs::hard_link(store.layer_fs(&one).join("file"), draft.fs().join("copy")).unwrap();
    let two = draft.id().clone();
    store.publish_layer(draft, &two, &LayerRecord::default()).unwrap();
    drop(store);
    let store = open(directory.path());
    let before = store.df().unwrap().total_bytes;
    let report = prune(&store);
    assert_eq!(report.items.len(), 2);
    let gained = before - store.df().unwrap().total_bytes;
    assert!(report.reclaimed_bytes.abs_diff(gained) < 100_000, "{} {gained}", report.reclaimed_bytes);
    assert!(report.items[0].size_bytes < 100_000 && report.items[1].size_bytes >= 400_000);
}

#[test]
fn orphans_and_records_without_bytes_go() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let id = layer(&store, b"x");
    let record = result(&store, "step", &[], Some(&id));
    fs::remove_dir_all(store.layer_directory(&id)).unwrap();
    let orphan = directory.path().join("layers-v0/0123456789abcdef");
    fs::create_dir(&orphan).unwrap();
    let blob = Digest::of("orphan");
    fs::write(store.blob_path(&blob), b"orphan").unwrap();
    drop(store);
    let store = open(directory.path());
    prune(&store);
    assert!(!orphan.exists());
    assert!(!store.blob_path(&blob).exists());
    assert!(store.results(&record.key).unwrap().is_empty());
}

#[test]
fn cache_mounts_go_unless_they_are_in_use() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let mount = |id| store.cache_mount(id, Sharing::Shared, &mut waiting, &mut |_| Ok(())).unwrap();
    let used = mount("used");
    drop(mount("unused"));
    let report = prune(&store);
    assert_eq!(names(&report, Kind::CacheMount), ["unused"]);
    assert!(used.directory().exists());
    assert_eq!(list(&directory.path().join("mounts-v0")).len(), 1);
    drop(used);
    assert_eq!(names(&prune(&store), Kind::CacheMount), ["used"]);
    assert_eq!(list(&directory.path().join("mounts-v0")).len(), 0);
}

#[test]
fn logs_stay_a_week_and_those_of_running_builds_always() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let old = store.begin_build("old").unwrap();
    age_everything(directory.path(), 8 * 24 * 3600);
    let new = store.begin_build("new").unwrap();
    let options = PruneOptions { all: true, ..PruneOptions::default() };
    open(directory.path()).prune(&options).unwrap();
    assert!(store.log_directory(&old.id).exists());
    drop(store);

    let store = open(directory.path());
    assert_eq!(names(&prune(&store), Kind::Log), [old.id.as_str()]);
    assert_eq!(store.build(&old.id).unwrap(), None);
    assert!(store.log_directory(&new.id).exists());
    store.prune(&options).unwrap();
    assert!(!store.log_directory(&new.id).exists());
}
