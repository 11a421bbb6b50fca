//! Metadata.

use std::fs;
use std::ops::ControlFlow;
use std::os::unix::fs::MetadataExt as _;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use plimsoll_oci::{Descriptor, DiffId, Digest};
use plimsoll_store::{BlobRecord, BuildStatus, Error, LayerId, Sharing, SourceRecord, Timestamp};

use super::{age_everything, open, result, waiting};

#[test]
fn results_of_a_key_come_newest_first_and_none_is_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let first = result(&store, "step", &[], None);
    let base = [LayerId::random().unwrap(), LayerId::random().unwrap()];
    let second = result(&store, "step", &base, Some(&LayerId::random().unwrap()));
    result(&store, "another step", &[], None);
    store.record_result(&first).unwrap();
    assert_eq!(store.results(&Digest::of("step")).unwrap(), [second, first]);
}

#[test]
fn keys_are_found_by_name_for_comparison() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    for number in 0..3 {
        store
            .record_key(&Digest::of(format!("k{number}")), format!("[{number}]").as_bytes(), "RUN make")
            .unwrap();
    }
    store.record_key(&Digest::of("other"), b"[9]", "RUN other").unwrap();
    let found = store.nearest_keys("RUN make").unwrap();
    let ingredients: Vec<_> =
        found.iter().map(|key| String::from_utf8_lossy(&key.ingredients).into_owned()).collect();
    assert_eq!(ingredients, ["[2]", "[1]", "[0]"]);
    assert_eq!(store.key_ingredients(&Digest::of("other")).unwrap().unwrap(), b"[9]");
    assert_eq!(store.key_ingredients(&Digest::of("unknown")).unwrap(), None);
}

#[test]
fn selections_belong_to_a_chain_and_a_spec() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let [chain, spec, digest] = ["chain", "spec", "digest"].map(Digest::of);
    store.record_selection(&chain, &spec, &digest).unwrap();
    assert_eq!(store.selection(&chain, &spec).unwrap(), Some(digest));
    assert_eq!(store.selection(&spec, &chain).unwrap(), None);
}

#[test]
fn a_layer_has_one_blob_per_variant() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let layer = LayerId::random().unwrap();
    let diff_id = DiffId(Digest::of("tar"));
    let record = |name: &str, size| BlobRecord {
        diff_id,
        digest: Digest::of(name),
        size,
        uncompressed_size: 100,
        media_type: "application/vnd.oci.image.layer.v1.tar+gzip".to_owned(),
    };
    store.record_layer_blob(&layer, "gzip|4", &record("gzip", 50)).unwrap();
    store.record_layer_blob(&layer, "zstd|3", &record("zstd", 40)).unwrap();
    assert_eq!(store.layer_blob(&layer, "zstd|3").unwrap(), Some(record("zstd", 40)));
    assert_eq!(store.layer_blob(&layer, "zstd|9").unwrap(), None);
    assert_eq!(store.layer_blobs(&diff_id).unwrap().len(), 2);
}

#[test]
fn base_layers_sources_and_images_are_remembered() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let diff_id = DiffId(Digest::of("tar"));
    let descriptor = Descriptor::new("layer", Digest::of("blob"), 5);
    store.record_base_layers(&[(diff_id, descriptor.clone())]).unwrap();
    assert_eq!(store.base_layer(&diff_id).unwrap(), Some(descriptor));

    let digest = Digest::of("blob");
    store.record_blob_source(&digest, "one.example/a").unwrap();
    store.record_blob_source(&digest, "two.example/b").unwrap();
    store.record_blob_source(&digest, "one.example/a").unwrap();
    assert_eq!(store.blob_sources(&digest).unwrap(), ["two.example/b", "one.example/a"]);

    let record = SourceRecord { digest, resolved_at: Timestamp { seconds: 5, nanoseconds: 6 } };
    store.record_source("docker.io/library/alpine:3", &record).unwrap();
    assert_eq!(store.source("docker.io/library/alpine:3").unwrap(), Some(record));
    assert_eq!(store.source("docker.io/library/alpine:4").unwrap(), None);

    let target = Descriptor::new("manifest", Digest::of("manifest"), 7);
    store.set_image("b:1", &target).unwrap();
    store.set_image("a:1", &target).unwrap();
    let names: Vec<_> = store.images().unwrap().into_iter().map(|image| image.name).collect();
    assert_eq!(names, ["a:1", "b:1"]);
    assert!(store.remove_image("b:1").unwrap());
    assert!(!store.remove_image("b:1").unwrap());
    assert_eq!(store.image("a:1").unwrap(), Some(target));
}

#[test]
fn builds_keep_their_end_and_their_logs() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let build = store.begin_build("app").unwrap();
    fs::write(store.log_directory(&build.id).join("1.log"), b"line").unwrap();
    assert_eq!(store.build(&build.id).unwrap().unwrap(), build);
    store.finish_build(&build.id, BuildStatus::Failed).unwrap();
    let ended = store.builds().unwrap().remove(0);
    assert_eq!(ended.status, BuildStatus::Failed);
    assert!(ended.finished.unwrap() >= build.started);
}

#[test]
fn a_withdrawn_build_leaves_neither_record_nor_logs() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let build = store.begin_build("app").unwrap();
    fs::write(store.log_directory(&build.id).join("1.log"), b"line").unwrap();
    store.withdraw_build(&build.id).unwrap();
    assert!(store.builds().unwrap().is_empty());
    assert!(!store.log_directory(&build.id).exists());
}

#[test]
fn a_use_is_written_once_an_hour_and_not_at_all_when_it_is_recent() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let record = result(&store, "step", &[], None);
    let last_use = || {
        let connection = rusqlite::Connection::open(directory.path().join("meta-v0.db")).unwrap();
        connection.query_row("SELECT last_use FROM results", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    let watcher = rusqlite::Connection::open(directory.path().join("meta-v0.db")).unwrap();
    let version = || watcher.pragma_query_value(None, "data_version", |row| row.get::<_, i64>(0)).unwrap();
    let (fresh, before) = (last_use(), version());
    assert!(store.pick_result(&record).unwrap());
    store.flush().unwrap();
    assert_eq!((last_use(), version()), (fresh, before));

    age_everything(directory.path(), 7200);
    assert_eq!(last_use(), fresh - 7200);
    assert!(store.pick_result(&record).unwrap());
    drop(store);
    assert!(last_use() >= fresh);
}

#[test]
fn recording_what_is_known_writes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let [a, b, c] = ["a", "b", "c"].map(Digest::of);
    let target = Descriptor::new("manifest", a, 7);
    let record = || {
        store.record_key(&a, b"{}", "RUN").unwrap();
        store.record_selection(&a, &b, &c).unwrap();
        store.record_blob_source(&a, "one.example/a").unwrap();
        store.record_base_layers(&[(DiffId(a), target.clone())]).unwrap();
        store.set_image("a:1", &target).unwrap();
        store.flush().unwrap();
    };
    record();
    let watcher = rusqlite::Connection::open(directory.path().join("meta-v0.db")).unwrap();
    let version = || watcher.pragma_query_value(None, "data_version", |row| row.get::<_, i64>(0)).unwrap();
    let before = version();
    record();
    assert_eq!(version(), before);
}

#[test]
fn waiting_for_a_key_can_be_cancelled() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let key = Digest::of("step");
    let held = store.lock_key(&key, &mut waiting).unwrap();
    assert!(store.try_lock_key(&key).unwrap().is_none());
    let mut asked = 0;
    let error = store.lock_key(&key, &mut |_| {
        asked += 1;
        if asked == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(matches!(error, Err(Error::Cancelled { .. })));
    drop(held);
    drop(store.try_lock_key(&key).unwrap().unwrap());
    assert!(!directory.path().join("locks").join(format!("key-{}", key.hex())).exists());
}

#[test]
fn cache_mounts_are_filled_once_and_shared() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let mut fills = 0;
    let mut fill = |path: &std::path::Path| {
        fills += 1;
        fs::write(path.join("seed"), b"x")
    };
    let one = store.cache_mount("/root/.cargo: ../x", Sharing::Shared, &mut waiting, &mut fill).unwrap();
    let two = store.cache_mount("/root/.cargo: ../x", Sharing::Shared, &mut waiting, &mut fill).unwrap();
    assert_eq!(one.directory(), two.directory());
    assert!(one.directory().starts_with(directory.path().join("mounts-v0")));
    assert_eq!(fs::read(one.directory().join("seed")).unwrap(), b"x");
    let other = store.cache_mount("other", Sharing::Shared, &mut waiting, &mut fill).unwrap();
    assert_ne!(other.directory(), one.directory());
    assert_eq!(fills, 2);
}

#[test]
fn a_cache_mount_whose_filling_failed_is_not_there() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let failed = store.cache_mount("id", Sharing::Shared, &mut waiting, &mut |path| {
        fs::write(path.join("half"), b"x")?;
        Err(std::io::Error::other("no"))
    });
    assert!(matches!(failed, Err(Error::Io { .. })));
    let mount = store.cache_mount("id", Sharing::Shared, &mut waiting, &mut |_| Ok(())).unwrap();
    assert!(!mount.directory().join("half").exists());
}

#[test]
fn a_locked_cache_mount_has_one_user_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let held = store.cache_mount("id", Sharing::Locked, &mut waiting, &mut |_| Ok(())).unwrap();
    let (sender, receiver) = mpsc::channel();
    let waiter = thread::spawn(move || {
        let mut waited = false;
        let mount = store.cache_mount(
            "id",
            Sharing::Locked,
            &mut |_| {
                if !waited {
                    sender.send(()).unwrap();
                }
                waited = true;
                ControlFlow::Continue(())
            },
            &mut |_| Ok(()),
        );
        drop(mount.unwrap());
        waited
    });
    receiver.recv_timeout(Duration::from_secs(20)).unwrap();
    drop(held);
    assert!(waiter.join().unwrap());
}

#[test]
fn private_cache_mounts_are_not_shared_but_used_again() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let get = || store.cache_mount("id", Sharing::Private, &mut waiting, &mut |_| Ok(())).unwrap();
    let inode = |path: &std::path::Path| fs::metadata(path).unwrap().ino();
    let (one, two) = (get(), get());
    assert_ne!(inode(one.directory()), inode(two.directory()));
    let second = inode(two.directory());
    drop(two);
    let three = get();
    assert_eq!(inode(three.directory()), second);
}
