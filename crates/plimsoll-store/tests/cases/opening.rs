//! Creating and opening.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use plimsoll_store::{Error, Owner, Store};

use super::{open, owner};

#[test]
fn a_store_opens_again_with_what_was_put_in() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("a/b");
    let digest = open(&root).put_blob(b"bytes").unwrap();
    assert_eq!(open(&root).read_blob(&digest, 100).unwrap(), b"bytes");
}

#[test]
fn nobody_else_may_look_into_it() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("store");
    let store = open(&root);
    store.record_key(&plimsoll_oci::Digest::of("k"), b"{}", "RUN").unwrap();
    for path in [root.clone(), root.join("meta-v0.db"), root.join("meta-v0.db-wal")] {
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o077, 0, "{}", path.display());
    }
}

#[test]
fn another_user_and_another_id_mapping_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("store");
    drop(open(&root));
    let other = Owner { uid: 1, ..owner() };
    assert!(matches!(Store::open(&root, other), Err(Error::OtherUser { owner: 1000, caller: 1, .. })));
    let other = Owner { id_map: "0 1000 1\n1 100000 65536".to_owned(), ..owner() };
    let error = Store::open(&root, other).unwrap_err();
    assert!(matches!(error, Error::OtherIdMap { .. }));
    assert!(error.to_string().contains("plimsoll reset"), "{error}");
}

#[test]
fn a_newer_format_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("store");
    drop(open(&root));
    fs::write(root.join("format.json"), br#"{"format":7,"something":"new"}"#).unwrap();
    assert!(matches!(Store::open(&root, owner()), Err(Error::NewerFormat { found: 7, known: 0, .. })));
    assert!(root.join("meta-v0.db").exists());
}

#[test]
fn newer_tables_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("store");
    drop(open(&root));
    super::sql(&root, "PRAGMA user_version = 99");
    assert!(matches!(Store::open(&root, owner()), Err(Error::NewerFormat { found: 99, .. })));
}

#[test]
fn a_directory_with_other_contents_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("thesis.txt"), b"precious").unwrap();
    let error = Store::open(directory.path(), owner()).unwrap_err();
    assert!(matches!(&error, Error::NotAStore { entry, .. } if entry == "thesis.txt"), "{error}");
}

#[test]
fn a_creation_that_was_interrupted_is_completed() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("store");
    drop(open(&root));
    fs::remove_file(root.join("format.json")).unwrap();
    fs::remove_dir_all(root.join("locks")).unwrap();
    fs::write(root.join("format.json.0123"), b"half").unwrap();
    let digest = open(&root).put_blob(b"bytes").unwrap();
    assert!(open(&root).has_blob(&digest).unwrap());
}

#[test]
fn a_store_without_its_database_keeps_its_blobs() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("store");
    let digest = open(&root).put_blob(b"bytes").unwrap();
    for name in ["meta-v0.db", "meta-v0.db-wal", "meta-v0.db-shm"] {
        let _absent = fs::remove_file(root.join(name));
    }
    let store = open(&root);
    assert!(store.has_blob(&digest).unwrap());
    assert!(store.images().unwrap().is_empty());
}
