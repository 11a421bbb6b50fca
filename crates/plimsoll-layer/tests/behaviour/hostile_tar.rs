//! Tars made to do harm: a typed error or a harmless result, and never a byte outside the directory.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use plimsoll_layer::{Kind, LayerError, LayerIndex, Limits, ReadOptions, Whiteouts, index_only, unpack};

use crate::support::{RawTar, is_root, skip, unpack_options};

/// Unpacks into `inner` of a fresh directory and checks that nothing else appeared or changed there.
fn attack(tar: &[u8]) -> (Result<LayerIndex, LayerError>, tempfile::TempDir) {
    let outer = tempfile::tempdir().unwrap();
    let inner = outer.path().join("inner");
    std::fs::create_dir(&inner).unwrap();
    std::fs::write(outer.path().join("victim"), "untouched").unwrap();
    let result = unpack(&mut &tar[..], &inner, &unpack_options(None)).map(|unpacked| unpacked.index);
    let mut names: Vec<_> =
        std::fs::read_dir(outer.path()).unwrap().map(|item| item.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["inner", "victim"]);
    assert_eq!(std::fs::read_to_string(outer.path().join("victim")).unwrap(), "untouched");
    assert_eq!(std::fs::metadata(outer.path().join("victim")).unwrap().nlink(), 1);
    (result, outer)
}

fn inner(outer: &tempfile::TempDir, path: &str) -> PathBuf {
    outer.path().join("inner").join(path)
}

fn needs_root() -> bool {
    if !is_root() {
        skip("owners need root");
    }
    is_root()
}

#[test]
fn names_that_climb_are_refused() {
    for name in [&b"../victim"[..], b"a/../../victim", b"..", b"a/.."] {
        let (result, _outer) = attack(&RawTar::default().file(name, b"gotcha").end());
        assert!(matches!(result, Err(LayerError::Path { .. })), "{result:?}");
    }
}

#[test]
fn absolute_names_become_relative() {
    if !needs_root() {
        return;
    }
    let (result, outer) = attack(&RawTar::default().file(b"/etc/thing", b"x").end());
    assert_eq!(result.unwrap().entries()[0].path, b"etc/thing");
    assert_eq!(std::fs::read(inner(&outer, "etc/thing")).unwrap(), b"x");
}

#[test]
fn writing_through_a_link_stays_inside() {
    if !needs_root() {
        return;
    }
    for target in [&b".."[..], b"../..", b"/", b"/../.."] {
        let tar = RawTar::default().symlink(b"link", target).file(b"link/victim", b"gotcha").end();
        let (result, outer) = attack(&tar);
        assert!(result.unwrap().entry(b"victim").is_some());
        assert_eq!(std::fs::read(inner(&outer, "victim")).unwrap(), b"gotcha");
    }
    let tar = RawTar::default().symlink(b"a", b"b/../c").symlink(b"c", b"/d").file(b"a/x", b"1").end();
    let (result, outer) = attack(&tar);
    assert!(result.unwrap().entry(b"d/x").is_some());
    assert!(inner(&outer, "d/x").is_file());
}

#[test]
fn overwriting_a_link_replaces_the_link() {
    if !needs_root() {
        return;
    }
    let tar = RawTar::default().symlink(b"link", b"../victim").file(b"link", b"gotcha").end();
    let (result, outer) = attack(&tar);
    assert!(matches!(result.unwrap().entry(b"link").unwrap().kind, Kind::File { size: 6 }));
    assert!(inner(&outer, "link").symlink_metadata().unwrap().is_file());
}

#[test]
fn links_in_a_circle_are_an_error() {
    let tar = RawTar::default().symlink(b"a", b"b").symlink(b"b", b"a").file(b"a/x", b"").end();
    let result = index_only(&mut tar.as_slice(), &ReadOptions::default());
    assert!(matches!(result, Err(LayerError::SymlinkLoop { .. })), "{result:?}");
}

#[test]
fn hard_links_to_the_outside_are_refused() {
    if !needs_root() {
        return;
    }
    for target in [&b"../victim"[..], b"/etc/passwd", b"missing"] {
        let (result, _outer) = attack(&RawTar::default().hardlink(b"link", target).end());
        assert!(matches!(result, Err(LayerError::Path { .. } | LayerError::LinkTarget { .. })), "{result:?}");
    }
    let tar = RawTar::default().symlink(b"up", b"..").hardlink(b"link", b"up/victim").end();
    assert!(matches!(attack(&tar).0, Err(LayerError::LinkTarget { .. })));
    let tar = RawTar::default().directory(b"a").hardlink(b"link", b"a").end();
    assert!(matches!(attack(&tar).0, Err(LayerError::LinkTarget { .. })));
}

#[test]
fn a_hard_link_to_a_symbolic_link_is_a_second_symbolic_link() {
    if !needs_root() {
        return;
    }
    let tar = RawTar::default().symlink(b"a", b"../victim").hardlink(b"b", b"a").file(b"b", b"gotcha").end();
    let (result, outer) = attack(&tar);
    assert!(result.is_ok(), "{result:?}");
    assert!(inner(&outer, "b").symlink_metadata().unwrap().is_file());
}

#[test]
fn a_file_is_no_directory() {
    if !needs_root() {
        return;
    }
    let tar = RawTar::default().file(b"a", b"").file(b"a/b", b"").end();
    let (result, _outer) = attack(&tar);
    assert!(matches!(result, Err(LayerError::ParentNotDirectory { .. })));
    let tar = RawTar::default().file(b"a", b"").file(b"a/.wh..wh..opq", b"").end();
    assert!(attack(&tar).0.is_err());
    let tar = RawTar::default().file(b"/", b"").end();
    assert!(attack(&tar).0.is_ok_and(|index| index.entries()[0].is_directory()), "a slash means a directory");
    let tar = RawTar::default().symlink(b".", b"..").end();
    assert!(matches!(attack(&tar).0, Err(LayerError::Path { .. })));
}

#[test]
fn entries_may_change_their_kind_again_and_again() {
    if !needs_root() {
        return;
    }
    let tar = RawTar::default()
        .file(b"a/b/c", b"1")
        .file(b"a/b/d/e/f", b"1")
        .file(b"a", b"2")
        .directory(b"a")
        .symlink(b"a", b"..")
        .directory(b"a")
        .file(b"a/x", b"3")
        .end();
    let (result, outer) = attack(&tar);
    let paths: Vec<_> = result.unwrap().entries().iter().map(|entry| entry.path.clone()).collect();
    assert_eq!(paths, [b"a".to_vec(), b"a/x".to_vec()]);
    assert_eq!(std::fs::read_dir(inner(&outer, "a")).unwrap().count(), 1);
}

#[test]
fn deep_and_long_names_are_limited_by_the_kernel_s_limits() {
    let record = |path: &[u8]| {
        let length = path.len() + b" path=\n".len();
        let length = (length..length + 9).find(|total| length + total.to_string().len() == *total).unwrap();
        [format!("{length} path=").as_bytes(), path, b"\n"].concat()
    };
    let deep = vec![&b"d"[..]; 2047].join(&b'/');
    let tar = RawTar::default().pax(&record(&deep)).file(b"x", b"deep").end();
    let (result, outer) = attack(&tar);
    if is_root() {
        assert_eq!(result.unwrap().entries()[0].path, deep);
        assert!(inner(&outer, "d/d/d/d").is_dir());
    }
    for path in [vec![&b"d"[..]; 3000].join(&b'/'), vec![b'n'; 256], b"nul\0byte".to_vec()] {
        let tar = RawTar::default().pax(&record(&path)).file(b"x", b"").end();
        assert!(matches!(attack(&tar).0, Err(LayerError::Path { .. })));
    }
}

#[test]
fn every_cut_of_a_tar_is_noticed_or_complete() {
    let whole = RawTar::default().pax(b"13 path=long\n").file(b"x", &[1; 700]).symlink(b"l", b"x").end();
    let complete = whole.len() - 1024;
    for length in 0..complete {
        let result = index_only(&mut &whole[..length], &ReadOptions::default());
        // Between two entries the end is a legal one; the entry before must then be there whole.
        let is_boundary = [0, 1024, 1024 + 512 + 1024].contains(&length);
        assert_eq!(result.is_ok(), is_boundary, "{length}");
        assert!(is_boundary || matches!(result, Err(LayerError::Truncated { .. })), "{length}");
    }
}

#[test]
fn every_flipped_byte_gives_an_index_or_an_error() {
    let whole = RawTar::default()
        .pax(b"30 SCHILY.xattr.user.a=value1\n")
        .file(b"dir/file", b"content")
        .hardlink(b"link", b"dir/file")
        .symlink(b"sym", b"dir")
        .file(b"sym/.wh.gone", b"")
        .end();
    for position in 0..whole.len() {
        for value in [0, b'7', b'/', 0xff] {
            let mut damaged = whole.clone();
            damaged[position] = value;
            if let Ok(index) = index_only(&mut damaged.as_slice(), &ReadOptions::default()) {
                assert_eq!(LayerIndex::decode(&index.encode()).unwrap(), index);
            }
        }
    }
}

#[test]
fn sizes_and_counts_have_limits() {
    let limits = Limits { content_size: 1000, entries: 3 };
    let options = ReadOptions { limits, ..ReadOptions::default() };
    let tar = RawTar::default().file(b"a", &[0; 600]).file(b"b", &[0; 600]).end();
    assert!(matches!(index_only(&mut tar.as_slice(), &options), Err(LayerError::Limit { limit: 1000, .. })));
    let tar = RawTar::default().directory(b"a").directory(b"b").directory(b"c").directory(b"d").end();
    assert!(matches!(index_only(&mut tar.as_slice(), &options), Err(LayerError::Limit { limit: 3, .. })));
    let mut bomb = RawTar::default();
    bomb.header(b"PaxHeader", b'x', b"", 0o77_777_777_777);
    let result = index_only(&mut bomb.0.as_slice(), &options);
    assert!(matches!(result, Err(LayerError::Limit { .. })), "{result:?}");
    // A hole of eight exbibytes costs nothing in the tar.
    let hole = b"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n43 GNU.sparse.realsize=9223372036854775807\n";
    let tar = RawTar::default().pax(hole).file(b"x", &[b"0\n".as_slice(), &[0; 510]].concat()).end();
    let result = index_only(&mut tar.as_slice(), &options);
    assert!(matches!(result, Err(LayerError::Limit { .. })), "{result:?}");
}

#[test]
fn attributes_of_the_overlay_are_not_taken_from_a_tar() {
    let tar = RawTar::default()
        .pax(b"50 SCHILY.xattr.trusted.overlay.redirect=/../../x\n")
        .directory(b"a")
        .pax(b"39 SCHILY.xattr.user.overlay.opaque=y1\n")
        .directory(b"b")
        .end();
    let index = index_only(&mut tar.as_slice(), &ReadOptions::default()).unwrap();
    assert!(index.entries().iter().all(|entry| entry.xattrs.is_empty()));
}

#[test]
fn strange_whiteouts_are_refused_or_ignored() {
    for name in [&b".wh."[..], b".wh..", b".wh...", b".wh.a/b"] {
        let tar = RawTar::default().file(name, b"").end();
        let result = index_only(&mut tar.as_slice(), &ReadOptions::default());
        assert!(matches!(result, Err(LayerError::Path { .. })), "{result:?}");
    }
    let tar = RawTar::default().directory(b".wh..wh.plnk").file(b".wh..wh.plnk/1", b"x").end();
    assert!(index_only(&mut tar.as_slice(), &ReadOptions::default()).unwrap().is_empty());
}

#[test]
fn in_an_archive_whiteout_names_are_ordinary() {
    let options = ReadOptions { whiteouts: Whiteouts::Literal, ..ReadOptions::default() };
    let tar = RawTar::default().file(b"a/.wh.b", b"x").file(b"a/.wh..wh..opq", b"").end();
    let index = index_only(&mut tar.as_slice(), &options).unwrap();
    assert_eq!(index.entry(b"a/.wh.b").unwrap().kind, Kind::File { size: 1 });
    assert!(index.entry(b"a/.wh..wh..opq").is_some());
}

#[test]
fn something_else_than_a_tar_is_an_error() {
    let text = "this is not a tar file, but it is longer than one block ".repeat(20);
    let result = index_only(&mut text.as_bytes(), &ReadOptions::default());
    assert!(matches!(result, Err(LayerError::Header { .. })), "{result:?}");
    let (result, _outer) = attack(b"short");
    assert!(matches!(result, Err(LayerError::Truncated { .. })));
    assert!(!Path::new("inner").exists());
}
