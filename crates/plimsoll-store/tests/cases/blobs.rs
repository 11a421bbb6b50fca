//! Blobs: written once, verified, resumed.

use std::fs;
use std::io::{Read as _, Write as _};
use std::ops::ControlFlow;

use plimsoll_oci::Digest;
use plimsoll_store::Error;

use super::{list, open, sql, waiting};

#[test]
fn a_writer_gives_digest_and_size() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let mut writer = store.blob_writer().unwrap();
    writer.write_all(b"one ").unwrap();
    writer.write_all(b"two").unwrap();
    assert_eq!(writer.commit(None).unwrap(), (Digest::of("one two"), 7));
    assert_eq!(fs::read(store.blob_path(&Digest::of("one two"))).unwrap(), b"one two");
}

#[test]
fn wrong_bytes_are_not_kept() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let mut writer = store.blob_writer().unwrap();
    writer.write_all(b"evil").unwrap();
    let error = writer.commit(Some(&Digest::of("good"))).unwrap_err();
    assert!(matches!(error, Error::DigestMismatch { expected, actual }
        if expected == Digest::of("good") && actual == Digest::of("evil")));
    assert!(!store.has_blob(&Digest::of("good")).unwrap());
    assert!(!store.has_blob(&Digest::of("evil")).unwrap());
    let sessions = list(&directory.path().join("tmp"));
    assert!(sessions.iter().all(|session| list(session).is_empty()), "a file was left in tmp");
}

#[test]
fn a_writer_that_is_dropped_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let mut writer = store.blob_writer().unwrap();
    writer.write_all(b"half").unwrap();
    drop(writer);
    assert!(!store.has_blob(&Digest::of("half")).unwrap());
    drop(store);
    assert!(list(&directory.path().join("tmp")).is_empty());
    assert!(list(&directory.path().join("locks")).iter().all(|path| path.ends_with("gate")));
}

#[test]
fn damage_is_found_when_reading_and_the_blob_is_absent_afterwards() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let digest = store.put_blob(b"some bytes").unwrap();
    fs::write(store.blob_path(&digest), b"s0me bytes").unwrap();

    let mut reader = store.blob_reader(&digest).unwrap();
    assert!(reader.read_to_end(&mut Vec::new()).is_err());
    assert!(matches!(store.read_blob(&digest, 100), Err(Error::DigestMismatch { .. })));
    assert!(matches!(store.read_blob(&digest, 100), Err(Error::BlobAbsent { .. })));
    assert!(!store.has_blob(&digest).unwrap());
}

#[test]
fn a_blob_that_was_cut_short_is_absent() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let digest = store.put_blob(b"some bytes").unwrap();
    fs::write(store.blob_path(&digest), b"some").unwrap();
    assert!(!store.has_blob(&digest).unwrap());
}

#[test]
fn blobs_of_another_boot_are_hashed_before_they_are_trusted() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let (good, bad) = (store.put_blob(b"good bytes").unwrap(), store.put_blob(b"more bytes").unwrap());
    sql(directory.path(), "UPDATE blobs SET boot = 'another'");
    fs::write(store.blob_path(&bad), b"\0\0\0\0\0\0\0\0\0\0").unwrap();
    assert!(store.has_blob(&good).unwrap());
    assert!(!store.has_blob(&bad).unwrap());
}

#[test]
fn durable_blobs_of_another_boot_are_trusted() {
    let directory = tempfile::tempdir().unwrap();
    let digest = open(directory.path()).put_blob(b"good bytes").unwrap();
    sql(directory.path(), "UPDATE blobs SET boot = 'another', committed = 5");
    sql(directory.path(), "INSERT INTO synced (boot, until) VALUES ('another', 6)");
    let store = open(directory.path());
    assert!(store.has_blob(&digest).unwrap());
    // Trusted without a look at the bytes: the record still says that it is of the other boot.
    let connection = rusqlite::Connection::open(directory.path().join("meta-v0.db")).unwrap();
    let boot: String = connection.query_row("SELECT boot FROM blobs", [], |row| row.get(0)).unwrap();
    assert_eq!(boot, "another");
}

#[test]
fn small_readers_refuse_large_blobs() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let digest = store.put_blob(&[7; 1000]).unwrap();
    assert!(matches!(store.read_blob(&digest, 999), Err(Error::BlobTooLarge { size: 1000, limit: 999, .. })));
    assert_eq!(store.read_blob(&digest, 1000).unwrap().len(), 1000);
}

#[test]
fn a_download_is_continued_where_it_was_interrupted() {
    let directory = tempfile::tempdir().unwrap();
    let digest = Digest::of("first second");
    let store = open(directory.path());
    let mut partial = store.partial_blob(&digest, &mut waiting).unwrap();
    partial.write_all(b"first ").unwrap();
    let busy = store.partial_blob(&digest, &mut |_| ControlFlow::Break(()));
    assert!(matches!(busy, Err(Error::Cancelled { .. })));
    drop((partial, store));

    let store = open(directory.path());
    let mut partial = store.partial_blob(&digest, &mut waiting).unwrap();
    assert_eq!(partial.size(), 6);
    partial.write_all(b"second").unwrap();
    assert_eq!(partial.commit().unwrap(), 12);
    assert_eq!(store.read_blob(&digest, 100).unwrap(), b"first second");
    assert!(list(&directory.path().join("blobs-v0/partial")).is_empty());
}

#[test]
fn a_download_with_wrong_bytes_starts_from_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let digest = Digest::of("right");
    let store = open(directory.path());
    let mut partial = store.partial_blob(&digest, &mut waiting).unwrap();
    partial.write_all(b"wrong").unwrap();
    assert!(matches!(partial.commit(), Err(Error::DigestMismatch { .. })));
    let mut partial = store.partial_blob(&digest, &mut waiting).unwrap();
    assert_eq!(partial.size(), 0);
    partial.write_all(b"wr").unwrap();
    partial.restart().unwrap();
    partial.write_all(b"right").unwrap();
    partial.commit().unwrap();
    assert!(store.has_blob(&digest).unwrap());
}

#[test]
fn files_are_adopted_only_with_the_right_bytes() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let path = store.temporary_directory().unwrap().join("file");
    fs::write(&path, b"bytes").unwrap();
    assert!(matches!(store.adopt_blob(&path, &Digest::of("other")), Err(Error::DigestMismatch { .. })));
    assert_eq!(store.adopt_blob(&path, &Digest::of("bytes")).unwrap(), 5);
    assert!(!path.exists());
    assert_eq!(store.read_blob(&Digest::of("bytes"), 5).unwrap(), b"bytes");
}
