//! Layers: drafts, publishing, and what makes one absent.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use plimsoll_oci::{DiffId, Digest};
use plimsoll_store::{LayerId, LayerRecord, LayerStatus, Owner, Store, XattrNamespace};

use super::{layer, list, open, owner, result, sql};

#[test]
fn a_published_layer_has_its_files_and_no_work_directory() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let draft = store.draft_layer().unwrap();
    let id = draft.id().clone();
    fs::create_dir(draft.work().join("work")).unwrap();
    fs::write(draft.fs().join("file"), b"x").unwrap();
    assert!(!store.layer_present(&id).unwrap());
    assert!(store.publish_layer(draft, &id, &LayerRecord::default()).unwrap());
    assert!(store.layer_present(&id).unwrap());
    let names: Vec<_> = list(&store.layer_directory(&id))
        .iter()
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(names, ["fs", "state"]);
    assert_eq!(fs::read(store.layer_fs(&id).join("file")).unwrap(), b"x");
}

#[test]
fn a_draft_that_is_dropped_is_removed() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let draft = store.draft_layer().unwrap();
    let path = draft.directory().to_owned();
    fs::write(draft.fs().join("file"), b"x").unwrap();
    drop(draft);
    assert!(!path.exists());
}

#[test]
fn directories_without_any_rights_can_be_removed() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    for discard in [false, true] {
        let draft = store.draft_layer().unwrap();
        let id = draft.id().clone();
        fs::create_dir_all(draft.fs().join("a/b")).unwrap();
        fs::write(draft.fs().join("a/b/file"), b"x").unwrap();
        fs::create_dir(draft.work().join("work")).unwrap();
        for closed in [draft.fs().join("a/b"), draft.fs().join("a"), draft.work().join("work")] {
            fs::set_permissions(closed, fs::Permissions::from_mode(0o000)).unwrap();
        }
        let path = draft.directory().to_owned();
        if discard {
            store.publish_layer(draft, &id, &LayerRecord::default()).unwrap();
            store.discard_layer(&id).unwrap();
        } else {
            drop(draft);
        }
        assert!(!path.exists() && !store.layer_directory(&id).exists());
        assert!(list(&directory.path().join("trash")).is_empty());
    }
}

#[test]
fn the_first_of_two_equal_layers_wins() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let diff_id = DiffId(Digest::of("layer"));
    let id = LayerId::imported(&diff_id);
    let (first, second) = (store.draft_layer().unwrap(), store.draft_layer().unwrap());
    fs::write(first.fs().join("file"), b"first").unwrap();
    fs::write(second.fs().join("file"), b"second").unwrap();
    let record = LayerRecord { diff_id: Some(diff_id), size_bytes: 1 };
    assert!(store.publish_layer(first, &id, &record).unwrap());
    assert!(!store.publish_layer(second, &id, &record).unwrap());
    assert_eq!(fs::read(store.layer_fs(&id).join("file")).unwrap(), b"first");
    assert_eq!(store.layer_record(&id).unwrap(), Some(record));
}

#[test]
fn a_damaged_layer_is_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let id = layer(&store, b"x");
    fs::write(store.layer_directory(&id).join("state"), [0; 100]).unwrap();
    assert_eq!(store.layer_status(&id).unwrap(), LayerStatus::Absent);
    let draft = store.draft_layer().unwrap();
    fs::write(draft.fs().join("file"), b"new").unwrap();
    assert!(store.publish_layer(draft, &id, &LayerRecord::default()).unwrap());
    assert_eq!(fs::read(store.layer_fs(&id).join("file")).unwrap(), b"new");
}

#[test]
fn layers_for_other_overlay_attributes_are_absent() {
    let directory = tempfile::tempdir().unwrap();
    let id = layer(&open(directory.path()), b"x");
    let other = Owner { xattr_namespace: XattrNamespace::Trusted, ..owner() };
    let store = Store::open(directory.path(), other).unwrap();
    assert!(!store.layer_present(&id).unwrap());
}

#[test]
fn layers_of_another_boot_must_be_confirmed_unless_they_are_durable() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let id = layer(&store, b"x");
    let path = store.layer_directory(&id).join("state");
    let mut state: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    state["boot"] = "another".into();
    state["committed"] = 10.into();
    fs::write(&path, state.to_string()).unwrap();
    drop(store);

    let store = open(directory.path());
    assert_eq!(store.layer_status(&id).unwrap(), LayerStatus::Unverified);
    assert!(!store.layer_present(&id).unwrap());
    assert!(!store.protect_layers(std::slice::from_ref(&id)).unwrap());
    drop(store);

    sql(directory.path(), "INSERT INTO synced (boot, until) VALUES ('another', 9)");
    assert_eq!(open(directory.path()).layer_status(&id).unwrap(), LayerStatus::Unverified);
    sql(directory.path(), "UPDATE synced SET until = 10");
    assert_eq!(open(directory.path()).layer_status(&id).unwrap(), LayerStatus::Present);

    sql(directory.path(), "DELETE FROM synced");
    let store = open(directory.path());
    store.confirm_layer(&id).unwrap();
    assert_eq!(store.layer_status(&id).unwrap(), LayerStatus::Present);
}

#[test]
fn finishing_makes_layers_durable() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    assert!(store.finish(Duration::ZERO).unwrap(), "nothing was written, so nothing is waited for");
    let id = layer(&store, b"x");
    assert!(store.finish(Duration::from_mins(1)).unwrap());
    let state = fs::read(store.layer_directory(&id).join("state")).unwrap();
    let state: serde_json::Value = serde_json::from_slice(&state).unwrap();
    let connection = rusqlite::Connection::open(directory.path().join("meta-v0.db")).unwrap();
    let until: i64 = connection
        .query_row("SELECT until FROM synced WHERE boot = ?1", [state["boot"].as_str().unwrap()], |row| {
            row.get(0)
        })
        .unwrap();
    assert!(until >= state["committed"].as_i64().unwrap());
}

#[test]
fn a_discarded_layer_leaves_its_result_known_but_absent() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let id = layer(&store, b"x");
    let record = result(&store, "step", &[], Some(&id));
    assert!(store.pick_result(&record).unwrap());
    store.discard_layer(&id).unwrap();
    assert!(!store.pick_result(&record).unwrap());
    assert_eq!(store.results(&record.key).unwrap(), [record]);
}

#[test]
fn a_result_with_a_missing_layer_below_is_absent() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let (below, above) = (layer(&store, b"below"), layer(&store, b"above"));
    let record = result(&store, "step", std::slice::from_ref(&below), Some(&above));
    assert!(store.pick_result(&record).unwrap());
    store.discard_layer(&below).unwrap();
    assert!(!store.pick_result(&record).unwrap());
}
