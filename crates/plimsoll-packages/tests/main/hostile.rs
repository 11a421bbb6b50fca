//! Files of strangers: cut off, changed at random, and of absurd size. Nothing panics, nothing takes long.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use plimsoll_packages::{File, OpenFile, ReadAt as _, analyze, wanted};

/// Numbers that look random and are the same each time.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % below.max(1)
    }
}

fn try_all(path: &[u8], content: &Vec<u8>) {
    let file = File { path, size: content.size(), is_executable: true };
    for (_, result) in analyze(&file, content) {
        if let Err(error) = result {
            assert!(!error.to_string().is_empty());
        }
    }
}

#[test]
fn broken_files_end_in_an_answer() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut numbers = Numbers(1);
    let mut count = 0;
    for fixture in std::fs::read_dir(fixtures).expect("fixtures") {
        let root = fixture.expect("a fixture").path().join("root");
        for path in super::fixtures::files(&root) {
            let inside = path.strip_prefix(&root).expect("below the root").as_os_str().as_bytes();
            let whole = std::fs::read(&path).expect("read");
            let file = File { path: inside, size: whole.size(), is_executable: true };
            if whole.is_empty() || !wanted(&file) {
                continue;
            }
            count += 1;
            for part in 0..32 {
                try_all(inside, &whole[..whole.len() * part / 32].to_vec());
            }
            for _ in 0..64 {
                let mut changed = whole.clone();
                for _ in 0..=numbers.next(8) {
                    let at = numbers.next(changed.len());
                    changed[at] = [0, 1, 0x7f, 0x80, 0xff, b'\n'][numbers.next(6)];
                }
                try_all(inside, &changed);
            }
        }
    }
    assert!(count > 10, "only {count} fixtures were tried");
}

#[test]
fn a_file_of_ten_gigabytes_of_nothing_takes_no_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let begins: [(&str, &[u8]); 9] = [
        ("var/lib/dpkg/status", b"Package: a\n"),
        ("usr/share/doc/a/copyright", b"Format: a\n"),
        ("lib/apk/db/installed", b"P:a\n"),
        ("var/lib/rpm/rpmdb.sqlite", b"SQLite format 3\0\x02\0"),
        ("var/lib/rpm/Packages.db", b"RpmP\0\0\0\0\0\0\0\0\xff\xff\xff\xff"),
        ("var/lib/rpm/Packages", b"\0\0\0\0\0\0\0\0\0\0\0\0\x61\x15\x06\0\0\0\0\0\0\x02\0\0"),
        ("usr/bin/elf", b"\x7fELF\x02\x01"),
        ("usr/bin/pe", b"MZ"),
        ("app/app.jar", b"PK\x03\x04"),
    ];
    for (path, begin) in begins {
        let place = folder.path().join("sparse");
        std::fs::write(&place, begin).expect("write");
        let opened = std::fs::OpenOptions::new().read(true).write(true).open(&place).expect("open");
        opened.set_len(10 << 30).expect("make it long");
        let content = OpenFile::new(opened).expect("its size");
        let file = File { path: path.as_bytes(), size: content.size(), is_executable: true };
        assert!(wanted(&file), "{path}");
        let start = Instant::now();
        let results = analyze(&file, &content);
        assert!(
            results.iter().all(|(_, result)| result.as_ref().map_or(true, |one| one.packages.is_empty()))
        );
        assert!(start.elapsed() < Duration::from_secs(5), "{path} took {:?}", start.elapsed());
    }
}
