//! The merged view against a real overlay mount and the kernel's own path resolution.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use plimsoll_layer::{ChainIndex, Entry, Found, Kind, LayerIndex, ResolveError, UserFile, unpack};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use rustix::fs::{FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use crate::support::{Overlay, is_root, layers, skip, tar_of, unpack_options};

/// Unpacks layers, bottom first, each knowing what is below.
fn unpacked(indexes: &[LayerIndex], directory: &Path) -> (ChainIndex, Vec<PathBuf>) {
    let mut chain = ChainIndex::default();
    let mut directories = Vec::new();
    for (number, index) in indexes.iter().enumerate() {
        let at = directory.join(number.to_string());
        std::fs::create_dir(&at).unwrap();
        let unpacked = unpack(&mut tar_of(index).as_slice(), &at, &unpack_options(Some(&chain))).unwrap();
        assert_eq!(unpacked.index.entries(), index.entries());
        chain = chain.with_layer(Arc::new(unpacked.index));
        directories.push(at);
    }
    (chain, directories)
}

fn on_disk(root: &Path, directory: &Path, found: &mut BTreeMap<Vec<u8>, std::fs::Metadata>) {
    for item in std::fs::read_dir(directory).unwrap() {
        let path = item.unwrap().path();
        let metadata = path.symlink_metadata().unwrap();
        let relative = path.strip_prefix(root).unwrap().as_os_str().as_bytes().to_vec();
        if metadata.is_dir() {
            on_disk(root, &path, found);
        }
        found.insert(relative, metadata);
    }
}

fn assert_same(chain: &ChainIndex, found: Found<'_>, disk: &std::fs::Metadata) {
    let entry = found.entry;
    let file_type = FileType::from_raw_mode(disk.mode());
    let device = (rustix::fs::major(disk.rdev()), rustix::fs::minor(disk.rdev()));
    let expected = match &entry.kind {
        Kind::File { .. } | Kind::Hardlink { .. } => FileType::RegularFile,
        Kind::Directory { .. } => FileType::Directory,
        Kind::Symlink { .. } => FileType::Symlink,
        Kind::CharDevice { .. } => FileType::CharacterDevice,
        Kind::BlockDevice { .. } => FileType::BlockDevice,
        Kind::Fifo => FileType::Fifo,
        Kind::Whiteout => panic!("a whiteout is visible"),
    };
    assert_eq!(file_type, expected, "{entry:?}");
    match &entry.kind {
        Kind::CharDevice { major, minor } | Kind::BlockDevice { major, minor } => {
            assert_eq!(device, (*major, *minor));
        }
        Kind::File { .. } | Kind::Hardlink { .. } => {
            assert_eq!(chain.data(found).unwrap().entry.kind, Kind::File { size: disk.len() });
        }
        _ => {}
    }
    assert_eq!(
        (entry.uid, entry.gid, entry.mode),
        (disk.uid(), disk.gid(), disk.mode() & 0o7777),
        "{entry:?}"
    );
    assert_eq!(entry.mtime.seconds, disk.mtime(), "{entry:?}");
}

fn compare_with_mount(indexes: &[LayerIndex]) -> bool {
    let directory = tempfile::tempdir().unwrap();
    let (chain, mut directories) = unpacked(indexes, directory.path());
    // An overlay without an upper directory needs two lower ones.
    let empty = directory.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    directories.insert(0, empty.clone());
    directories.insert(0, empty.with_file_name("empty2"));
    std::fs::create_dir(&directories[0]).unwrap();
    let at = directory.path().join("mount");
    std::fs::create_dir(&at).unwrap();
    let Some(mount) = Overlay::mount(&at, &directories, None) else { return false };
    let mut disk = BTreeMap::new();
    on_disk(&at, &at, &mut disk);

    let walked: Vec<Found<'_>> = chain.walk(b"");
    let paths: Vec<&[u8]> = walked.iter().map(|found| found.entry.path.as_slice()).collect();
    assert_eq!(paths, disk.keys().map(Vec::as_slice).collect::<Vec<_>>());
    for found in walked {
        let path = &found.entry.path;
        assert_same(&chain, found, &disk[path]);
        assert_eq!(chain.lookup(path), Some(found));
        let below: Vec<Vec<u8>> = chain.walk(path).iter().map(|found| found.entry.path.clone()).collect();
        let prefix = [path, &b"/"[..]].concat();
        let expected: Vec<Vec<u8>> =
            disk.keys().filter(|other| other.starts_with(&prefix)).cloned().collect();
        assert_eq!(below, expected);
        let children: Vec<Vec<u8>> =
            chain.children(path).iter().map(|child| [&prefix, child.name].concat()).collect();
        let direct = |other: &&Vec<u8>| !other[prefix.len()..].contains(&b'/');
        assert_eq!(children, expected.iter().filter(direct).cloned().collect::<Vec<_>>());
        for child in chain.children(path) {
            assert_eq!(chain.lookup(&[&prefix, child.name].concat()), Some(child.found));
        }
    }
    for index in indexes {
        for entry in index.entries() {
            assert_eq!(chain.lookup(&entry.path).is_some(), disk.contains_key(&entry.path), "{entry:?}");
        }
    }
    drop(mount);
    true
}

#[test]
fn the_merged_view_is_what_overlayfs_shows() {
    if !is_root() {
        return skip("overlay mounts need root");
    }
    let mut runner =
        TestRunner::new(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() });
    let strategy = prop::collection::vec(layers(false, 14), 1..5);
    runner
        .run(&strategy, |indexes| {
            compare_with_mount(&indexes);
            Ok(())
        })
        .unwrap();
}

#[test]
fn an_implied_directory_in_an_opaque_one_takes_nothing_from_below() {
    if !is_root() {
        return skip("overlay mounts need root");
    }
    let mut private = Entry::directory(*b"a/b");
    private.mode = 0o700;
    let below = LayerIndex::from_entries([private]).unwrap();
    let opaque = Entry::new(*b"a", Kind::Directory { opaque: true }, 0o755);
    let above = LayerIndex::from_entries([opaque, file("a/b/c")]).unwrap();
    compare_with_mount(&[below, above]);
}

fn kernel_resolve(root: &OwnedFd, path: &[u8], follow_last: bool) -> Result<PathBuf, Errno> {
    use std::os::fd::AsRawFd as _;
    let mut flags = OFlags::PATH | OFlags::CLOEXEC;
    if !follow_last {
        flags |= OFlags::NOFOLLOW;
    }
    let path = if path.is_empty() { b"." } else { path };
    // A rename or mount anywhere on the machine makes the kernel unsure about `..`, and it says "again".
    let file = loop {
        match rustix::fs::openat2(root, path, flags, Mode::empty(), ResolveFlags::IN_ROOT) {
            Err(Errno::AGAIN) => {}
            result => break result?,
        }
    };
    Ok(std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).unwrap())
}

fn compare_resolution(chain: &ChainIndex, root: &Path, path: &[u8], follow_last: bool) {
    let opened = rustix::fs::open(root, OFlags::PATH | OFlags::DIRECTORY, Mode::empty()).unwrap();
    let kernel = kernel_resolve(&opened, path, follow_last);
    let ours = chain.resolve(path, follow_last);
    let shown = (OsStr::from_bytes(path), follow_last);
    match (&kernel, &ours) {
        (Ok(kernel), Ok(ours)) if ours.found.is_some() => {
            let relative = kernel.strip_prefix(root).unwrap().as_os_str().as_bytes();
            assert_eq!(OsStr::from_bytes(&ours.path), OsStr::from_bytes(relative), "{shown:?}");
            assert_eq!(chain.lookup(&ours.path), ours.found);
            assert!(ours.missing.is_empty());
        }
        (Err(Errno::NOENT), Ok(ours)) if ours.found.is_none() => {
            assert!(!ours.missing.is_empty(), "{shown:?}");
            assert!(chain.lookup(&ours.path).is_none());
        }
        (Err(Errno::LOOP), Err(ResolveError::TooManyLinks { .. }))
        | (Err(Errno::NOTDIR), Err(ResolveError::NotADirectory { .. })) => {}
        // After a missing component ours goes on as written, the kernel stops.
        (Err(Errno::NOENT), _) if may_climb(chain, path) => {}
        _ => panic!("{shown:?}: the kernel says {kernel:?}, the index {ours:?}"),
    }
    if let Ok(ours) = &ours {
        let parents: Vec<&[u8]> = ours.parents.iter().map(|found| found.entry.path.as_slice()).collect();
        let existing = parents.len() + usize::from(ours.found.is_some());
        let components = ours.path.split(|&byte| byte == b'/').filter(|part| !part.is_empty()).count();
        assert_eq!(existing + ours.missing.len(), components + 1, "{shown:?} {ours:?}");
        assert!(ours.parents.iter().all(|found| found.entry.is_directory()));
    }
}

#[test]
fn links_lead_where_the_kernel_leads_in_a_chroot() {
    if !is_root() {
        return skip("owners need root");
    }
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 150,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let paths = prop::collection::vec(
        ("/{0,1}([abc]|\\.\\.|\\.|-)(/([abc]|\\.\\.|\\.)){0,4}/{0,1}", any::<bool>()),
        40,
    );
    runner
        .run(&(layers(true, 25), paths), |(index, paths)| {
            let directory = tempfile::tempdir().unwrap();
            let root = directory.path().canonicalize().unwrap().join("root");
            std::fs::create_dir(&root).unwrap();
            // Alone, without a mount, whiteouts would be seen as devices.
            let plain = index.entries().iter().filter(|entry| entry.kind != Kind::Whiteout).cloned();
            let plain = LayerIndex::from_entries(plain).unwrap();
            unpack(&mut tar_of(&plain).as_slice(), &root, &unpack_options(None)).unwrap();
            let chain = ChainIndex::new(vec![Arc::new(plain)]);
            for (path, follow_last) in paths {
                let path = path.into_bytes();
                compare_resolution(&chain, &root, &path, follow_last);
            }
            Ok(())
        })
        .unwrap();
}

/// Whether `..` can follow a missing component, on the path itself or on a link.
fn may_climb(chain: &ChainIndex, path: &[u8]) -> bool {
    let climbs = |path: &[u8]| path.windows(2).any(|pair| pair == b"..");
    let is_climbing_link = |entry: &Entry| matches!(&entry.kind, Kind::Symlink { target } if climbs(target));
    climbs(path) || chain.layers()[0].entries().iter().any(is_climbing_link)
}

fn layer(entries: impl IntoIterator<Item = Entry>) -> Arc<LayerIndex> {
    Arc::new(LayerIndex::from_entries(entries).unwrap())
}

fn file(path: &str) -> Entry {
    Entry::new(path, Kind::File { size: 1 }, 0o644)
}

fn symlink(path: &str, target: &str) -> Entry {
    Entry::new(path, Kind::Symlink { target: target.into() }, 0o777)
}

#[test]
fn a_destination_that_does_not_exist_shows_where_to_begin() {
    let mut private = Entry::directory(*b"srv");
    private.mode = 0o700;
    let chain = ChainIndex::new(vec![layer([private, symlink("data", "/srv/new")])]);
    let resolved = chain.resolve(b"/data/x/../y/", true).unwrap();
    assert_eq!(resolved.path, b"srv/new/y");
    assert_eq!(resolved.missing, [b"new".to_vec(), b"y".to_vec()]);
    assert_eq!(resolved.found, None);
    assert_eq!(resolved.parents.len(), 2);
    assert_eq!(resolved.parents[1].entry.mode, 0o700);
}

#[test]
fn an_implied_directory_has_the_metadata_of_the_layer_below() {
    let mut temporary = Entry::directory(*b"tmp");
    temporary.mode = 0o1777;
    let chain = ChainIndex::new(vec![layer([temporary]), layer([file("tmp/a"), file("new/b")])]);
    assert_eq!(chain.lookup(b"tmp").unwrap().entry.mode, 0o1777);
    assert_eq!(chain.lookup(b"new").unwrap().entry.mode, 0o755);
    let names: Vec<&[u8]> = chain.children(b"").iter().map(|child| child.name).collect();
    assert_eq!(names, [&b"new"[..], b"tmp"]);
    assert_eq!(chain.walk(b"").len(), 4);
}

#[test]
fn hard_links_lead_to_their_data_even_when_that_name_is_gone() {
    let link = Entry::new(*b"b", Kind::Hardlink { target: b"a".to_vec() }, 0);
    let chain = ChainIndex::new(vec![layer([file("a"), link]), layer([Entry::whiteout(*b"a")])]);
    assert_eq!(chain.lookup(b"a"), None);
    let data = chain.data(chain.lookup(b"b").unwrap()).unwrap();
    assert_eq!((data.layer, data.entry.path.as_slice()), (0, &b"a"[..]));
}

#[test]
fn users_come_from_the_topmost_layer_that_has_them() {
    use crate::support::RawTar;
    use plimsoll_layer::{ReadOptions, index_only};
    let read = |tar: Vec<u8>| Arc::new(index_only(&mut tar.as_slice(), &ReadOptions::default()).unwrap());
    let base = read(
        RawTar::default().file(b"etc/passwd", b"web:x:1:2::/:\n").file(b"etc/group", b"tls:x:7:web\n").end(),
    );
    let top = read(RawTar::default().file(b"etc/passwd", b"web:x:33:34::/srv:\n").end());
    let gone = layer([Entry::whiteout(*b"etc/passwd")]);
    let chain = ChainIndex::new(vec![base, top]);
    let users = chain.users().unwrap();
    assert_eq!((users.user_id("web"), users.group_id("tls")), (Some(33), Some(7)));
    assert_eq!(users.groups_of("web"), [7]);
    assert_eq!(chain.with_layer(gone).read_passwd(), UserFile::Absent);
    let linked = chain.with_layer(layer([symlink("etc/passwd", "/lib/passwd"), file("lib/passwd")]));
    assert_eq!(linked.read_passwd(), UserFile::Elsewhere { path: b"lib/passwd".to_vec() });
    assert_eq!(linked.users(), Err(b"lib/passwd".to_vec()));
    assert_eq!(ChainIndex::default().read_group(), UserFile::Absent);
}

#[test]
fn names_that_are_not_utf_8_are_found() {
    let name = std::ffi::OsString::from_vec(vec![0xff, 0xfe]);
    let chain = ChainIndex::new(vec![layer([Entry::new(name.as_bytes(), Kind::Fifo, 0o600)])]);
    assert!(chain.resolve(&[b'/', 0xff, 0xfe], true).unwrap().found.is_some());
}
