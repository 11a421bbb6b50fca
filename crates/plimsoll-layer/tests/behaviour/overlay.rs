//! What a step does to a mounted overlay is what its scanned upper directory says.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::sync::Arc;

use plimsoll_layer::{
    ChainIndex, Entry, Kind, LayerIndex, Owners, ScanOptions, XattrNamespace, scan_upper, unpack,
};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::support::{Overlay, is_root, layers, skip, tar_of, unpack_options};

fn options(base: &ChainIndex) -> ScanOptions<'_> {
    ScanOptions {
        xattr_namespace: XattrNamespace::Trusted,
        owners: Owners::Real,
        base: Some(base),
        side_owners: None,
    }
}

/// Unpacks a base, lets `step` change the mounted overlay, and gives the base, the scan and the resulting tree.
fn after_step(base: &LayerIndex, step: impl FnOnce(&Path)) -> Option<(ChainIndex, LayerIndex, Vec<Vec<u8>>)> {
    let directory = tempfile::tempdir().unwrap();
    let [lower, upper, work, at] = ["lower", "upper", "work", "at"].map(|name| directory.path().join(name));
    for path in [&lower, &upper, &work, &at] {
        fs::create_dir(path).unwrap();
    }
    let unpacked = unpack(&mut tar_of(base).as_slice(), &lower, &unpack_options(None)).unwrap();
    let chain = ChainIndex::new(vec![Arc::new(unpacked.index)]);
    let mount = Overlay::mount(&at, &[lower], Some((&upper, &work)))?;
    step(&at);
    let mut tree = Vec::new();
    list(&at, &at, &mut tree);
    tree.sort();
    drop(mount);
    let scanned = scan_upper(&upper, &options(&chain)).unwrap();
    Some((chain, scanned, tree))
}

fn list(root: &Path, directory: &Path, tree: &mut Vec<Vec<u8>>) {
    use std::os::unix::ffi::OsStrExt as _;
    for item in fs::read_dir(directory).unwrap() {
        let path = item.unwrap().path();
        let metadata = path.symlink_metadata().unwrap();
        let relative = path.strip_prefix(root).unwrap().as_os_str().as_bytes();
        tree.push(
            [relative, format!(" {:o} {}:{}", metadata.mode(), metadata.uid(), metadata.gid()).as_bytes()]
                .concat(),
        );
        if metadata.is_dir() {
            list(root, &path, tree);
        }
    }
}

fn tree_of(chain: &ChainIndex) -> Vec<Vec<u8>> {
    let line = |entry: &Entry| {
        let kind = match entry.kind {
            Kind::File { .. } | Kind::Hardlink { .. } => 0o100_000,
            Kind::Directory { .. } => 0o40_000,
            Kind::Symlink { .. } => 0o120_000,
            Kind::CharDevice { .. } => 0o20_000,
            Kind::BlockDevice { .. } => 0o60_000,
            Kind::Fifo => 0o10_000,
            Kind::Whiteout => panic!("a whiteout is visible"),
        };
        [&entry.path, format!(" {:o} {}:{}", kind | entry.mode, entry.uid, entry.gid).as_bytes()].concat()
    };
    let mut tree: Vec<Vec<u8>> = chain.walk(b"").iter().map(|found| line(found.entry)).collect();
    tree.sort();
    tree
}

fn base() -> LayerIndex {
    let mut entries = vec![Entry::directory(*b"d"), Entry::directory(*b"d/s"), Entry::directory(*b"e")];
    for name in ["d/a", "d/b", "d/s/c", "f", "g"] {
        entries.push(Entry::new(name, Kind::File { size: 20 }, 0o644));
    }
    entries.push(Entry::new(*b"l", Kind::Symlink { target: b"f".to_vec() }, 0o777));
    LayerIndex::from_entries(entries).unwrap()
}

fn paths(index: &LayerIndex) -> Vec<String> {
    let name = |entry: &Entry| {
        let mark = match entry.kind {
            Kind::Whiteout => "-",
            Kind::Directory { opaque: true } => "!",
            Kind::Directory { .. } => "/",
            Kind::Hardlink { .. } => "=",
            _ => "",
        };
        format!("{}{mark}", String::from_utf8_lossy(&entry.path))
    };
    index.entries().iter().map(name).collect()
}

#[test]
fn a_step_that_changes_nothing_gives_an_empty_layer() {
    if !is_root() {
        return skip("overlay mounts need root");
    }
    let step = |root: &Path| {
        // A directory that is copied up, changed and put back, as for a mount point that was removed again.
        let before = fs::metadata(root.join("d/s")).unwrap();
        fs::create_dir(root.join("d/s/stub")).unwrap();
        fs::remove_dir(root.join("d/s/stub")).unwrap();
        let times = fs::FileTimes::new().set_modified(before.modified().unwrap());
        fs::File::open(root.join("d/s")).unwrap().set_times(times).unwrap();
        fs::write(root.join("new"), "x").unwrap();
        fs::remove_file(root.join("new")).unwrap();
    };
    let Some((_, scanned, _)) = after_step(&base(), step) else { return };
    assert_eq!(paths(&scanned), [""; 0]);
}

#[test]
fn removals_replacements_and_links_are_seen() {
    if !is_root() {
        return skip("overlay mounts need root");
    }
    let step = |root: &Path| {
        fs::remove_file(root.join("f")).unwrap();
        fs::remove_dir_all(root.join("d/s")).unwrap();
        fs::create_dir(root.join("d/s")).unwrap();
        fs::write(root.join("d/s/new"), "x").unwrap();
        fs::hard_link(root.join("g"), root.join("h")).unwrap();
        fs::remove_dir(root.join("e")).unwrap();
        fs::create_dir_all(root.join("x/y")).unwrap();
        fs::remove_dir_all(root.join("x/y")).unwrap();
        symlink("nowhere", root.join("z")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap();
    };
    let Some((chain, scanned, mut tree)) = after_step(&base(), step) else { return };
    assert_eq!(paths(&scanned), ["d/", "d/s!", "d/s/new", "e-", "f-", "g", "h", "x/", "z"]);
    tree.retain(|line| !line.starts_with(b"socket"));
    assert_eq!(tree_of(&chain.with_layer(Arc::new(scanned))), tree);
}

#[test]
fn a_parent_that_changed_only_by_its_child_keeps_its_own_times() {
    if !is_root() {
        return skip("overlay mounts need root");
    }
    let step = |root: &Path| fs::write(root.join("d/s/c"), "changed").unwrap();
    let Some((_, scanned, _)) = after_step(&base(), step) else { return };
    assert_eq!(paths(&scanned), ["d/", "d/s/", "d/s/c"]);
    assert_eq!(scanned.entry(b"d/s").unwrap().mtime.seconds, 0);
    assert!(scanned.entry(b"d/s/c").unwrap().mtime.seconds > 1_700_000_000);
}

#[test]
fn recorded_owners_come_from_the_table_the_attribute_and_the_base_in_this_order() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    for name in ["table", "attribute", "plain"] {
        fs::write(root.join(name), "x").unwrap();
    }
    symlink("t", root.join("same")).unwrap();
    symlink("t", root.join("other")).unwrap();
    let set = |name: &str| {
        rustix::fs::setxattr(root.join(name), "user.plimsoll.owner", b"7:8", rustix::fs::XattrFlags::empty())
    };
    if set("attribute").is_err() {
        return skip("this file system has no extended attributes of users");
    }
    set("table").unwrap();
    let link = |path: &str, target: &str| {
        let mut entry = Entry::new(path, Kind::Symlink { target: target.into() }, 0o777);
        (entry.uid, entry.gid) = (3, 4);
        entry
    };
    let base = LayerIndex::from_entries([link("same", "t"), link("other", "u")]).unwrap();
    let base = ChainIndex::new(vec![Arc::new(base)]);
    let table = BTreeMap::from([(b"table".to_vec(), (1, 2))]);
    let options = ScanOptions {
        xattr_namespace: XattrNamespace::User,
        owners: Owners::Recorded,
        side_owners: Some(&table),
        ..options(&base)
    };
    let scanned = scan_upper(root, &options).unwrap();
    let owner = |path: &str| scanned.entry(path.as_bytes()).map(|entry| (entry.uid, entry.gid)).unwrap();
    assert_eq!(owner("table"), (1, 2));
    assert_eq!(owner("attribute"), (7, 8));
    assert_eq!(owner("plain"), (0, 0));
    assert_eq!(owner("same"), (3, 4));
    assert_eq!(owner("other"), (0, 0));
    assert!(scanned.entries().iter().all(|entry| entry.xattrs.is_empty()));
}

/// Small things a step can do; those that cannot be done here are left out.
fn act(root: &Path, action: u8, from: &str, to: &str) {
    let (from, to) = (root.join(from), root.join(to));
    let _ = match action {
        0 => fs::remove_file(&from),
        1 => fs::remove_dir_all(&from),
        2 => fs::create_dir_all(&from),
        3 => fs::write(&from, "written"),
        4 => fs::hard_link(&from, &to),
        5 => fs::rename(&from, &to),
        6 => symlink(&to, &from),
        7 if from.symlink_metadata().is_ok_and(|metadata| !metadata.is_symlink()) => {
            fs::set_permissions(&from, fs::Permissions::from_mode(0o700))
        }
        8 => std::os::unix::fs::lchown(&from, Some(12), Some(13)),
        _ => Ok(()),
    };
}

#[test]
fn a_directory_made_again_in_a_removed_one_is_kept() {
    if !is_root() {
        return skip("overlay mounts need root");
    }
    let base = LayerIndex::from_entries([Entry::directory("a"), Entry::directory("a/c")]).unwrap();
    let step = |root: &Path| {
        fs::remove_dir_all(root.join("a")).unwrap();
        fs::create_dir_all(root.join("a/c")).unwrap();
    };
    let Some((chain, scanned, tree)) = after_step(&base, step) else { return };
    assert_eq!(tree_of(&chain.with_layer(Arc::new(scanned))), tree);
}

#[test]
fn base_and_scanned_upper_together_are_the_changed_tree() {
    if !is_root() {
        return skip("overlay mounts need root");
    }
    let mut runner =
        TestRunner::new(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() });
    let actions = prop::collection::vec((0..9_u8, "[abc](/[abc]){0,2}", "[abc](/[abc]){0,2}"), 0..25);
    runner
        .run(&(layers(false, 20), actions), |(index, actions)| {
            // Symbolic links of the base could lead the actions out of the test's directory.
            let inner = index.entries().iter().filter(|entry| {
                !matches!(entry.kind, Kind::Symlink { .. } | Kind::Whiteout | Kind::Fifo)
                    && !matches!(entry.kind, Kind::CharDevice { .. } | Kind::BlockDevice { .. })
            });
            let Ok(base) = LayerIndex::from_entries(inner.cloned()) else { return Ok(()) };
            let step = |root: &Path| {
                for (action, from, to) in &actions {
                    act(root, *action, from, to);
                }
            };
            let Some((chain, scanned, tree)) = after_step(&base, step) else { return Ok(()) };
            for entry in scanned.entries().iter().filter(|entry| entry.kind == Kind::Whiteout) {
                prop_assert!(chain.lookup(&entry.path).is_some());
            }
            let read = plimsoll_layer::index_only(
                &mut tar_of(&scanned).as_slice(),
                &plimsoll_layer::ReadOptions::default(),
            );
            let read = read.unwrap();
            prop_assert_eq!(read.entries(), scanned.entries());
            prop_assert_eq!(tree_of(&chain.with_layer(Arc::new(scanned))), tree);
            Ok(())
        })
        .unwrap();
}
