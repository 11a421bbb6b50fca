//! The root file system, as a directory and as a tar.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use plimsoll_export::{ExportError, Root, local, tar};
use plimsoll_layer::{Kind, LayerIndex, ReadOptions, index_only};

use plimsoll_store::LayerId;

use crate::support::{TestStore, chain};

/// A root that goes to the destination itself.
fn root(chain: &[LayerId]) -> Root<'_> {
    Root { chain, platform: "linux/amd64", directory: None }
}

fn index(store: &TestStore, epoch: Option<i64>) -> (Vec<u8>, LayerIndex) {
    let image = store.small_image();
    let mut out = Vec::new();
    tar(&store.snapshots, &[root(&chain(&image))], epoch, &mut out).unwrap();
    let index = index_only(&mut out.as_slice(), &ReadOptions::default()).unwrap();
    (out, index)
}

#[test]
fn a_tar_shows_the_merged_layers_with_the_owners_of_the_image() {
    let (_, index) = index(&TestStore::new(), None);
    let paths: Vec<_> =
        index.entries().iter().map(|entry| String::from_utf8(entry.path.clone()).unwrap()).collect();
    assert_eq!(paths, ["bin", "bin/app", "data", "data/b", "data/c", "old", "old/new", "secret", "sh"]);
    // The name that the layer called the file is gone; the next one is the file now.
    assert_eq!(index.entry(b"data/b").unwrap().kind, Kind::File { size: 6 });
    assert_eq!(index.entry(b"data/c").unwrap().kind, Kind::Hardlink { target: b"data/b".to_vec() });
    assert_eq!((index.entry(b"data/b").unwrap().uid, index.entry(b"data/b").unwrap().gid), (1000, 1000));
    assert_eq!(index.entry(b"old").unwrap().kind, Kind::Directory { opaque: false });
    assert_eq!(index.entry(b"old").unwrap().mode, 0o700);
    assert_eq!(index.entry(b"secret").unwrap().mode, 0o4755);
}

#[test]
fn a_tar_is_the_same_each_time_and_no_later_than_the_epoch() {
    let (first, _) = index(&TestStore::new(), Some(1_600_000_000));
    let (second, index) = index(&TestStore::new(), Some(1_600_000_000));
    assert_eq!(first, second);
    assert!(index.entries().iter().all(|entry| entry.mtime.seconds <= 1_600_000_000));
}

#[test]
fn a_directory_belongs_to_whoever_writes_it() {
    let store = TestStore::new();
    let image = store.small_image();
    let directory = store.directory.path().join("out");
    let report = local(&store.snapshots, &[root(&chain(&image))], &directory, false).unwrap();
    assert_eq!(report.entries, 9);
    assert_eq!(fs::read_to_string(directory.join("sh")).unwrap(), "new app");
    assert!(!directory.join("data/gone").exists() && !directory.join("old/hidden").exists());
    let (b, c) =
        (fs::metadata(directory.join("data/b")).unwrap(), fs::metadata(directory.join("data/c")).unwrap());
    assert_eq!(b.ino(), c.ino());
    assert_eq!(b.uid(), rustix::process::geteuid().as_raw());
    assert_eq!(b.mtime(), 1_700_000_000);
    assert_eq!(fs::metadata(directory.join("old")).unwrap().permissions().mode() & 0o7777, 0o700);
    // The set-user-id bit of user 1000 would be that of somebody else here.
    if rustix::process::geteuid().as_raw() != 1000 {
        assert_eq!(fs::metadata(directory.join("secret")).unwrap().permissions().mode() & 0o7777, 0o755);
        assert_eq!(report.unapplied[0].path, "secret");
    }
}

#[test]
fn links_in_the_destination_are_not_followed() {
    let store = TestStore::new();
    let image = store.small_image();
    let (directory, outside) = (store.directory.path().join("out"), store.directory.path().join("outside"));
    fs::create_dir_all(&directory).unwrap();
    fs::create_dir_all(&outside).unwrap();
    fs::write(outside.join("file"), "untouched").unwrap();
    std::os::unix::fs::symlink(&outside, directory.join("data")).unwrap();
    std::os::unix::fs::symlink(outside.join("file"), directory.join("secret")).unwrap();
    fs::write(directory.join("mine"), "stays").unwrap();
    local(&store.snapshots, &[root(&chain(&image))], &directory, false).unwrap();
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
    assert_eq!(fs::read_to_string(outside.join("file")).unwrap(), "untouched");
    assert_eq!(fs::read_to_string(directory.join("data/b")).unwrap(), "linked");
    assert_eq!(fs::read_to_string(directory.join("mine")).unwrap(), "stays");
    // Written over itself it stays the same.
    assert_eq!(local(&store.snapshots, &[root(&chain(&image))], &directory, false).unwrap().entries, 9);
}

#[test]
fn several_platforms_get_a_directory_each() {
    let store = TestStore::new();
    let layers = chain(&store.small_image());
    let roots = ["linux_amd64", "linux_arm64"].map(|directory| Root {
        chain: &layers,
        platform: directory,
        directory: Some(directory),
    });
    let directory = store.directory.path().join("out");
    local(&store.snapshots, &roots, &directory, false).unwrap();
    let mut out = Vec::new();
    tar(&store.snapshots, &roots, None, &mut out).unwrap();
    let index = index_only(&mut out.as_slice(), &ReadOptions::default()).unwrap();
    for name in ["linux_amd64", "linux_arm64"] {
        assert_eq!(fs::read_to_string(directory.join(name).join("sh")).unwrap(), "new app");
        let link = index.entry(format!("{name}/data/c").as_bytes()).unwrap();
        assert_eq!(link.kind, Kind::Hardlink { target: format!("{name}/data/b").into_bytes() });
    }
    assert_eq!(index.entry(b"linux_arm64").unwrap().mtime.seconds, 1_700_000_000);
}

#[test]
fn two_platforms_in_one_directory_must_not_have_the_same_files() {
    let store = TestStore::new();
    let layers = chain(&store.small_image());
    let roots =
        ["linux/amd64", "linux/arm64"].map(|platform| Root { chain: &layers, platform, directory: None });
    let error = tar(&store.snapshots, &roots, None, &mut Vec::new()).unwrap_err();
    assert!(matches!(&error, ExportError::SamePath { first, second, .. } if first != second), "{error}");
}

#[test]
fn what_the_image_does_not_have_is_deleted_when_that_is_asked_for() {
    let store = TestStore::new();
    let image = store.small_image();
    let (directory, outside) = (store.directory.path().join("out"), store.directory.path().join("outside"));
    fs::create_dir_all(directory.join("mine/deep")).unwrap();
    fs::create_dir_all(&outside).unwrap();
    fs::write(outside.join("file"), "untouched").unwrap();
    fs::write(directory.join("mine/deep/file"), "goes").unwrap();
    fs::create_dir_all(directory.join("data")).unwrap();
    fs::write(directory.join("data/stale"), "goes").unwrap();
    std::os::unix::fs::symlink(&outside, directory.join("link")).unwrap();
    local(&store.snapshots, &[root(&chain(&image))], &directory, true).unwrap();
    assert_eq!(fs::read_to_string(outside.join("file")).unwrap(), "untouched");
    for gone in ["mine", "link", "data/stale"] {
        assert!(fs::symlink_metadata(directory.join(gone)).is_err(), "{gone}");
    }
    assert_eq!(fs::read_to_string(directory.join("data/b")).unwrap(), "linked");
    assert_eq!(fs::metadata(directory.join("data")).unwrap().mtime(), 1_700_000_000);
}
