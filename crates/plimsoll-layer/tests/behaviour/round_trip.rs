//! Index → tar → directory → index gives the index one began with.

use plimsoll_layer::{
    DirectoryContent, Entry, IndexBuilder, Kind, LayerError, LayerIndex, Owners, ReadOptions, ScanOptions,
    TarOptions, Timestamp, XattrNamespace, index_only, scan_upper, unpack, write_tar,
};
use proptest::prelude::*;

use crate::support::{content, is_root, layers, skip, tar_of, unpack_options};

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_stored_form_gives_the_index_back(index in layers(false, 40)) {
        prop_assert_eq!(LayerIndex::decode(&index.encode()).unwrap(), index);
    }

    #[test]
    fn a_damaged_stored_form_is_noticed(index in layers(false, 10), position in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let mut bytes = index.encode();
        let position = position.index(bytes.len());
        bytes[position] ^= 1_u8 << bit;
        prop_assert!(LayerIndex::decode(&bytes).is_err());
    }

    #[test]
    fn a_tar_gives_its_index_back(index in layers(false, 40)) {
        let tar = tar_of(&index);
        let read = index_only(&mut tar.as_slice(), &ReadOptions::default()).unwrap();
        prop_assert_eq!(read.entries(), index.entries());
        prop_assert_eq!(read.implied(), index.implied());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_unpacked_layer_gives_its_index_and_its_tar_back(index in layers(false, 30)) {
        if !is_root() {
            skip("owners, devices and whiteouts need root");
            return Ok(());
        }
        let directory = tempfile::tempdir().unwrap();
        let tar = tar_of(&index);
        let unpacked = unpack(&mut tar.as_slice(), directory.path(), &unpack_options(None)).unwrap();
        prop_assert_eq!(&unpacked.unapplied, &[]);
        let options = ScanOptions {
            xattr_namespace: XattrNamespace::Trusted,
            owners: Owners::Real,
            base: None,
            side_owners: None,
        };
        let scanned = scan_upper(directory.path(), &options).unwrap();
        let mut expected: Vec<Entry> = index.entries().iter().chain(index.implied()).cloned().collect();
        expected.sort_by(|left, right| left.path.cmp(&right.path));
        // Only files and directories were given attributes, and links have those of their file.
        prop_assert_eq!(scanned.entries(), expected.as_slice());

        let source = DirectoryContent::open(directory.path()).unwrap();
        let mut again = Vec::new();
        write_tar(&unpacked.index, &mut |entry| source.content(entry), TarOptions::default(), &mut again).unwrap();
        prop_assert!(again == tar);
    }

    #[test]
    fn recorded_owners_and_devices_come_back_from_one_id(index in layers(false, 30)) {
        if !is_root() {
            skip("whiteouts need root or a user namespace");
            return Ok(());
        }
        let directory = tempfile::tempdir().unwrap();
        let mut options = unpack_options(None);
        options.owners = Owners::Recorded;
        options.xattr_namespace = XattrNamespace::User;
        unpack(&mut tar_of(&index).as_slice(), directory.path(), &options).unwrap();
        let scan = ScanOptions {
            xattr_namespace: XattrNamespace::User,
            owners: Owners::Recorded,
            base: None,
            side_owners: None,
        };
        let scanned = scan_upper(directory.path(), &scan).unwrap();
        for entry in scanned.entries() {
            let original = index.entry(&entry.path).or_else(|| {
                index.implied().iter().find(|implied| implied.path == entry.path)
            });
            let original = original.unwrap();
            prop_assert_eq!(&entry.kind, &original.kind);
            prop_assert_eq!(entry.mode, original.mode);
            if matches!(entry.kind, Kind::File { .. } | Kind::Directory { .. } | Kind::Hardlink { .. }) {
                prop_assert_eq!((entry.uid, entry.gid), (original.uid, original.gid));
                prop_assert_eq!(&entry.xattrs, &original.xattrs);
            }
        }
        prop_assert_eq!(scanned.len(), index.len() + index.implied().len());
    }
}

#[test]
fn times_are_clamped_and_cut_but_never_raised() {
    let mut early = Entry::new(*b"early", Kind::Fifo, 0o600);
    early.mtime = Timestamp { seconds: 50, nanoseconds: 999 };
    let mut late = Entry::new(*b"late", Kind::Fifo, 0o600);
    late.mtime = Timestamp::from_seconds(5_000);
    let index = LayerIndex::from_entries([early, late]).unwrap();
    let mut tar = Vec::new();
    write_tar(&index, &mut content, TarOptions { clamp: Some(100), ..TarOptions::default() }, &mut tar)
        .unwrap();
    let read = index_only(&mut tar.as_slice(), &ReadOptions::default()).unwrap();
    let times: Vec<Timestamp> = read.entries().iter().map(|entry| entry.mtime).collect();
    assert_eq!(times, [Timestamp::from_seconds(50), Timestamp::from_seconds(100)]);
}

#[test]
fn numbers_beyond_octal_fields_survive() {
    let mut entry = Entry::new(*b"a", Kind::CharDevice { major: 4095, minor: 16_777_215 }, 0o7777);
    (entry.uid, entry.gid) = (u32::MAX, 2_097_152);
    entry.mtime = Timestamp::from_seconds(-5);
    let index = LayerIndex::from_entries([entry]).unwrap();
    assert_eq!(index_only(&mut tar_of(&index).as_slice(), &ReadOptions::default()).unwrap(), index);
}

#[test]
fn a_whiteout_and_a_directory_of_one_path_are_an_opaque_directory_in_either_order() {
    let directory = || Entry::directory(*b"a");
    let file = || Entry::new(*b"a/b", Kind::File { size: 0 }, 0o644);
    let orders = [
        vec![Entry::whiteout(*b"a"), directory(), file()],
        vec![directory(), file(), Entry::whiteout(*b"a")],
        vec![Entry::whiteout(*b"a"), file()],
        vec![file(), Entry::whiteout(*b"a")],
    ];
    for entries in orders {
        let index = LayerIndex::from_entries(entries).unwrap();
        assert_eq!(index.entry(b"a").unwrap().kind, Kind::Directory { opaque: true });
        assert_eq!(index.len(), 2);
    }
}

#[test]
fn the_first_name_of_a_group_is_the_file_whatever_the_tar_order_was() {
    let mut builder = IndexBuilder::new();
    builder.add(Entry::new(*b"z", Kind::File { size: 3 }, 0o600)).unwrap();
    builder.add(Entry::new(*b"a", Kind::Hardlink { target: b"z".to_vec() }, 0)).unwrap();
    builder.add(Entry::new(*b"m", Kind::Hardlink { target: b"a".to_vec() }, 0)).unwrap();
    let index = builder.finish();
    assert_eq!(index.entry(b"a").unwrap().kind, Kind::File { size: 3 });
    assert_eq!(index.entry(b"a").unwrap().mode, 0o600);
    for name in [b"m", b"z"] {
        assert_eq!(index.entry(name).unwrap().kind, Kind::Hardlink { target: b"a".to_vec() });
    }
    assert_eq!(index.content_size(), 3);
}

#[test]
fn replacing_the_first_name_keeps_the_data_under_the_others() {
    let mut builder = IndexBuilder::new();
    builder.add(Entry::new(*b"a", Kind::File { size: 3 }, 0o600)).unwrap();
    builder.add(Entry::new(*b"b", Kind::Hardlink { target: b"a".to_vec() }, 0)).unwrap();
    builder.add(Entry::new(*b"a", Kind::Fifo, 0o600)).unwrap();
    let index = builder.finish();
    assert_eq!(index.entry(b"b").unwrap().kind, Kind::File { size: 3 });
}

#[test]
fn contents_of_another_size_are_refused() {
    let index = LayerIndex::from_entries([Entry::new(*b"a", Kind::File { size: 3 }, 0o600)]).unwrap();
    for bytes in [&b"12"[..], b"1234"] {
        let mut source = |_: &Entry| Ok(Box::new(bytes) as Box<dyn std::io::Read>);
        let result = write_tar(&index, &mut source, TarOptions::default(), &mut Vec::new());
        assert!(matches!(result, Err(LayerError::ContentSize { .. })), "{result:?}");
    }
}

#[test]
fn a_name_that_means_removal_cannot_be_written() {
    let index = LayerIndex::from_entries([Entry::new(*b".wh.a", Kind::Fifo, 0o600)]).unwrap();
    let result = write_tar(&index, &mut content, TarOptions::default(), &mut Vec::new());
    assert!(matches!(result, Err(LayerError::Path { .. })), "{result:?}");
}

#[test]
fn user_files_are_kept_and_forgotten_with_their_entries() {
    use crate::support::RawTar;
    let tar =
        RawTar::default().file(b"etc/passwd", b"root:x:0:0::/:\n").file(b"etc/group", b"g:x:5:\n").end();
    let index = index_only(&mut tar.as_slice(), &ReadOptions::default()).unwrap();
    assert_eq!(index.passwd(), Some(&b"root:x:0:0::/:\n"[..]));
    assert_eq!(index.group(), Some(&b"g:x:5:\n"[..]));
    let tar = RawTar::default().file(b"etc/passwd", b"x").symlink(b"etc/passwd", b"other").end();
    let index = index_only(&mut tar.as_slice(), &ReadOptions::default()).unwrap();
    assert_eq!(index.passwd(), None);
}

#[test]
fn capabilities_survive_unpacking_and_scanning_and_the_chown_before_them() {
    if !is_root() {
        return skip("capabilities need root");
    }
    // Version 2, effective, CAP_NET_BIND_SERVICE.
    let mut value = vec![1, 0, 0, 2, 0, 4, 0, 0];
    value.resize(20, 0);
    let mut entry = Entry::new(*b"server", Kind::File { size: 10 }, 0o4755);
    (entry.uid, entry.gid) = (65_532, 65_532);
    entry.xattrs = vec![(b"security.capability".to_vec(), value)];
    let index = LayerIndex::from_entries([entry]).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let unpacked = unpack(&mut tar_of(&index).as_slice(), directory.path(), &unpack_options(None)).unwrap();
    if !unpacked.unapplied.is_empty() {
        return skip("this file system keeps no capabilities");
    }
    let options = ScanOptions {
        xattr_namespace: XattrNamespace::Trusted,
        owners: Owners::Real,
        base: None,
        side_owners: None,
    };
    assert_eq!(scan_upper(directory.path(), &options).unwrap(), index);
}
