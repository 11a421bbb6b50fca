//! Tars that other programs wrote, and other programs reading ours.

use std::fs;
use std::io::{Read, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use plimsoll_layer::{
    Entry, Kind, LayerError, LayerIndex, LayerSink, ReadOptions, TarOptions, Timestamp, index_only,
    read_layer, write_tar,
};
use plimsoll_oci::Digest;

use crate::support::{RawTar, is_root, skip, tar_of};

fn gnu_tar(arguments: &[&str], directory: &Path, input: &[u8]) -> Option<Vec<u8>> {
    let child = Command::new("tar")
        .args(arguments)
        .current_dir(directory)
        .env("LC_ALL", "C")
        .env("TZ", "UTC")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        skip("`tar` is not installed");
        return None;
    };
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "tar {arguments:?}");
    Some(output.stdout)
}

/// Keeps the digest of every content.
#[derive(Default)]
struct Contents(Vec<(Vec<u8>, Digest)>);

impl LayerSink for Contents {
    fn entry(&mut self, entry: &Entry, content: &mut dyn std::io::Read) -> Result<(), LayerError> {
        if matches!(entry.kind, Kind::File { .. }) {
            let mut bytes = Vec::new();
            content.read_to_end(&mut bytes).unwrap();
            assert_eq!(entry.kind, Kind::File { size: bytes.len() as u64 });
            self.0.push((entry.path.clone(), Digest::of(&bytes)));
        }
        Ok(())
    }

    fn opaque(&mut self, _: &[u8]) -> Result<(), LayerError> {
        Ok(())
    }
}

#[test]
fn gnu_tar_lists_what_was_written() {
    let long = "d".repeat(90) + "/" + &"f".repeat(90);
    let longest = "n".repeat(200);
    let mut file = Entry::new(long.as_str(), Kind::File { size: 700 }, 0o4755);
    (file.uid, file.gid) = (1000, 3_000_000);
    file.mtime = Timestamp::from_seconds(1_700_000_000);
    file.xattrs = vec![(b"user.note".to_vec(), b"a\0b\nc".to_vec())];
    let index = LayerIndex::from_entries([
        Entry::directory(*b"dir"),
        file,
        Entry::new(longest.as_str(), Kind::Symlink { target: long.clone().into() }, 0o777),
        Entry::new(*b"zlink", Kind::Hardlink { target: long.clone().into() }, 0),
        Entry::new(*b"null", Kind::CharDevice { major: 1, minor: 3 }, 0o666),
        Entry::new(*b"pipe", Kind::Fifo, 0o600),
        Entry::whiteout(*b"dir/gone"),
        Entry::new(*b"opaque", Kind::Directory { opaque: true }, 0o700),
    ])
    .unwrap();
    let directory = tempfile::tempdir().unwrap();
    let arguments = ["--numeric-owner", "--full-time", "-tvf", "-"];
    let Some(listing) = gnu_tar(&arguments, directory.path(), &tar_of(&index)) else { return };
    let listing = String::from_utf8(listing).unwrap();
    let lines: Vec<String> =
        listing.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    let epoch = "1970-01-01 00:00:00";
    assert_eq!(
        lines,
        [
            format!("-rwsr-xr-x 1000/3000000 700 2023-11-14 22:13:20 {long}"),
            format!("drwxr-xr-x 0/0 0 {epoch} dir/"),
            format!("---------- 0/0 0 {epoch} dir/.wh.gone"),
            format!("lrwxrwxrwx 0/0 0 {epoch} {longest} -> {long}"),
            format!("crw-rw-rw- 0/0 1,3 {epoch} null"),
            format!("drwx------ 0/0 0 {epoch} opaque/"),
            format!("---------- 0/0 0 {epoch} opaque/.wh..wh..opq"),
            format!("prw------- 0/0 0 {epoch} pipe"),
            format!("hrwsr-xr-x 1000/3000000 0 2023-11-14 22:13:20 zlink link to {long}"),
        ]
    );
}

fn make_tree(root: &Path) {
    fs::create_dir_all(root.join("dir/sub")).unwrap();
    fs::write(root.join("dir/file"), "content").unwrap();
    fs::hard_link(root.join("dir/file"), root.join("dir/link")).unwrap();
    symlink("t".repeat(150), root.join("symlink")).unwrap();
    let long = root.join("l".repeat(120)).join("m".repeat(120));
    fs::create_dir_all(&long).unwrap();
    fs::write(long.join("deep"), "deep").unwrap();
    let sparse = fs::File::create(root.join("sparse")).unwrap();
    for piece in 0..40_u64 {
        sparse.write_at(b"data", piece * 200_000).unwrap();
    }
    sparse.set_len(9_000_000).unwrap();
    fs::File::create(root.join("hole")).unwrap().set_len(5_000_000).unwrap();
    let _ = rustix::fs::setxattr(root.join("dir"), "user.note", b"value", rustix::fs::XattrFlags::empty());
}

#[test]
fn every_format_of_gnu_tar_is_read() {
    let directory = tempfile::tempdir().unwrap();
    make_tree(directory.path());
    let formats: [&[&str]; 8] = [
        &["--format=gnu"],
        &["--format=gnu", "-S"],
        &["--format=oldgnu", "-S"],
        &["--format=posix", "--xattrs"],
        &["--format=posix", "-S"],
        &["--format=posix", "-S", "--sparse-version=0.0"],
        &["--format=posix", "-S", "--sparse-version=0.1"],
        &["--format=posix", "-S", "--sparse-version=1.0", "--xattrs"],
    ];
    for format in formats {
        let arguments = [&["--sort=name"], format, &["-cf", "-", "."]].concat();
        let Some(tar) = gnu_tar(&arguments, directory.path(), b"") else { return };
        let mut contents = Contents::default();
        let index = read_layer(&mut tar.as_slice(), &ReadOptions::default(), &mut contents).unwrap();
        assert_eq!(index.entries()[0].path, b"", "{format:?}");
        for entry in index.entries() {
            use std::os::unix::ffi::OsStrExt as _;
            let path = directory.path().join(std::ffi::OsStr::from_bytes(&entry.path));
            let metadata = path.symlink_metadata().unwrap();
            assert_eq!(entry.mode, metadata.mode() & 0o7777);
            assert_eq!((entry.uid, entry.gid), (metadata.uid(), metadata.gid()));
            assert_eq!(entry.mtime.seconds, metadata.mtime());
            if format[0] == "--format=posix" {
                assert_eq!(i64::from(entry.mtime.nanoseconds), metadata.mtime_nsec());
            }
        }
        assert_eq!(index.len(), 11, "{format:?}");
        assert_eq!(index.entry(b"dir/link").unwrap().kind, Kind::Hardlink { target: b"dir/file".to_vec() });
        assert_eq!(index.entry(b"symlink").unwrap().kind, Kind::Symlink { target: vec![b't'; 150] });
        for (path, digest) in &contents.0 {
            use std::os::unix::ffi::OsStrExt as _;
            let path = directory.path().join(std::ffi::OsStr::from_bytes(path));
            assert_eq!(plimsoll_layer::file_digest(&path).unwrap(), *digest, "{format:?} {path:?}");
        }
        assert_eq!(contents.0.len(), 4);
        let has_xattr =
            rustix::fs::getxattr(directory.path().join("dir"), "user.note", &mut [0_u8; 8]).is_ok();
        if format.contains(&"--xattrs") && has_xattr {
            let expected = [(b"user.note".to_vec(), b"value".to_vec())];
            assert_eq!(index.entry(b"dir").unwrap().xattrs, expected);
        }
    }
}

#[test]
fn gnu_tar_extracts_what_was_written() {
    if !is_root() {
        return skip("owners need root");
    }
    let mut entries = vec![Entry::directory(*b"d")];
    for (number, size) in [0, 1, 511, 512, 513, 70_000].into_iter().enumerate() {
        entries.push(Entry::new(format!("d/{number}"), Kind::File { size }, 0o640));
    }
    let index = LayerIndex::from_entries(entries).unwrap();
    let directory = tempfile::tempdir().unwrap();
    if gnu_tar(&["-xpf", "-"], directory.path(), &tar_of(&index)).is_none() {
        return;
    }
    for entry in index.entries().iter().filter(|entry| !entry.is_directory()) {
        let path = directory.path().join(std::str::from_utf8(&entry.path).unwrap());
        let mut expected = Vec::new();
        crate::support::content(entry).unwrap().read_to_end(&mut expected).unwrap();
        assert_eq!(fs::read(path).unwrap(), expected);
    }
}

#[test]
fn old_headers_and_comments_are_understood() {
    let mut tar = RawTar::default();
    tar =
        tar.entry(b"pax_global_header", b'g', b"", b"52 comment=0123456789012345678901234567890123456789\n");
    tar = tar.entry(b"directory/", 0, b"", b"");
    tar = tar.entry(b"contiguous", b'7', b"", b"abc");
    let index = index_only(&mut tar.end().as_slice(), &ReadOptions::default()).unwrap();
    assert!(index.entry(b"directory").unwrap().is_directory());
    assert_eq!(index.entry(b"contiguous").unwrap().kind, Kind::File { size: 3 });
    let unknown = RawTar::default().entry(b"x", b'M', b"", b"").end();
    let result = index_only(&mut unknown.as_slice(), &ReadOptions::default());
    assert!(matches!(result, Err(LayerError::EntryType { type_flag: b'M', .. })), "{result:?}");
}

/// One byte more than a header holds in octal digits.
const HUGE: u64 = (1 << 33) + 1;

#[test]
fn a_file_larger_than_octal_digits_is_read_from_gnu_headers_and_from_our_own() {
    let mut header = RawTar::default();
    header.header(b"huge", b'0', b"", HUGE);
    let zeros = || std::io::repeat(0).take(HUGE);
    let padding = 512 - HUGE % 512;
    let mut tar = header.0.as_slice().chain(zeros()).chain(std::io::repeat(0).take(padding + 1024));
    let index = index_only(&mut tar, &ReadOptions::default()).unwrap();
    let kinds: Vec<_> = index.entries().iter().map(|entry| entry.kind.clone()).collect();
    assert_eq!(kinds, [Kind::File { size: HUGE }]);

    let (mut reader, mut writer) = std::io::pipe().unwrap();
    let written = index.clone();
    let writing = std::thread::spawn(move || {
        let mut content = |_: &Entry| Ok(Box::new(zeros()) as Box<dyn Read>);
        write_tar(&written, &mut content, TarOptions::default(), &mut writer)
    });
    let read = index_only(&mut reader, &ReadOptions::default()).unwrap();
    writing.join().unwrap().unwrap();
    assert_eq!(read, index);
}
